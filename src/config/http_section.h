/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/client_section.h"
#include "shared/config_table.h"

/* [http]: what holds for every HTTP listener, of the server and of the proxy. */

/* How long one phase of a connection may take. All three must hold. */
struct config_phase {
        uint64_t deadline;     /* us for the whole phase */
        uint64_t idle;         /* us without a byte */
        uint64_t minimum_rate; /* bytes a second once `grace` is over; 0: none */
        uint64_t grace;        /* us from the start of the phase before the rate counts */
};

struct config_http_limits {
        uint64_t max_request_line;   /* bytes */
        uint64_t max_head;           /* bytes of request line and fields together */
        int64_t max_fields;          /* header fields */
        uint64_t max_body;           /* bytes of a request's body */
        uint64_t max_chunk_overhead; /* bytes of chunk extensions and trailers of a body */
        int64_t max_requests;        /* on one connection; 0: no limit */
        int64_t max_connections;     /* of the whole daemon */
};

struct config_http_timeouts {
        struct config_phase handshake;
        struct config_phase head;
        struct config_phase body;
        struct config_phase send;
        uint64_t keep_alive; /* us between two requests */
        uint64_t linger;     /* us to read on after an error, so that the client sees the answer */
};

struct config_http2 {
        bool enabled;
        int64_t max_streams;        /* of one connection at a time */
        uint64_t stream_window;     /* bytes of a body that a client may send before the handler asks for them */
        uint64_t upload_window;     /* and once it does */
        int64_t max_resets;         /* a second, on one connection */
        int64_t max_control_frames; /* a second, on one connection */
};

struct config_websocket {
        uint64_t max_message;    /* bytes, once it is expanded */
        int64_t max_fragments;   /* of a message */
        uint64_t ping_interval;  /* us */
        bool compression;        /* permessage-deflate */
        int64_t max_window_bits; /* 9 to 15 */
};

struct config_http {
        struct config_http_limits limits;
        struct config_clients clients;
        struct config_http_timeouts timeouts;
        struct config_http2 http2;
        struct config_websocket websocket;
        bool server_field; /* send "Server: ccodes" */
};

extern const struct config_table config_http_table;
