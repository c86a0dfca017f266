/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"
#include "http/exchange.h"
#include "http/fault.h"
#include "http/h2/h2_accounts.h"
#include "http/h2/h2_framing.h"
#include "http/phase_clock.h"
#include "shared/buffer.h"

/*
 * What the parts of an HTTP/2 session share: h2_session.c (the connection's events), h2_request.c (from fields to an exchange, and
 * its body), h2_response.c (from an exchange to fields and a body).
 */
struct h2_session {
        struct http_connection *connection;
        struct h2_framing *framing;
        struct buffer *out; /* what is to be written, chained; NULL: nothing */
        unsigned batch;     /* buffers to fill before writing: less while the client reads slowly */
        struct list streams;
        struct timer sweep;         /* looks after the streams' clocks while there are any, and at `end_at` */
        struct loop_deferred flush; /* writes what was submitted outside of the session's own events */
        struct h2_accounts accounts;
        uint64_t requests;
        uint64_t data_sent, data_swept; /* bytes of bodies; those that the last sweep knew of */
        uint64_t end_at;                /* ms: when the end, announced before, becomes final; 0: none is announced */
        bool is_blocked : 1;            /* the transport takes no more: wait */
        bool is_processing : 1;         /* whoever submits something need not ask for a flush */
        bool is_aborted : 1;            /* nothing more is read */
        bool is_ending : 1;             /* the end was announced */
        bool had_stream : 1;            /* since the connection was looked at last */
};

/* One request and its response. Lives in the arena of its exchange. */
struct h2_stream {
        struct list link;
        struct h2_session *session;
        struct http_exchange *exchange;
        int32_t id;
        uint32_t head_bytes;                            /* as SETTINGS_MAX_HEADER_LIST_SIZE counts them */
        struct slice scheme, authority, path, protocol; /* pseudo-fields */
        struct http_fault fault;                        /* of the head; the cause is CAUSE_NONE while there is none */
        struct http_phase_clock body_clock, send_clock;
        struct buffer *held, *held_last; /* of the body, while nobody takes it */
        uint64_t response_left;          /* bytes; UINT64_MAX: not known */
        bool has_head : 1;               /* further fields are trailers */
        bool is_reading : 1;             /* the handler takes the body */
        bool is_paused : 1;              /* it has enough for now */
        bool is_dropped : 1;             /* nobody wants the body */
        bool awaits_continue : 1;        /* the client waits for 100 */
        bool peer_ended : 1;             /* all of the request is in */
        bool is_delivered : 1;           /* and the reader knows */
        bool is_submitted : 1;           /* the response's head is */
        bool is_tunnel : 1;              /* what comes and goes is another protocol's */
        bool is_waiting : 1;             /* for the source of the response's body */
        bool is_ended : 1;               /* all of the response was taken over for sending */
        bool is_slow_read : 1;           /* the client keeps its window shut, which is charged to its account */
};

/* What is sent is taken again, or ends: it is charged to the client's account no longer. */
static inline void h2_stream_end_slow_read(struct h2_stream *stream) {
        if (stream->is_slow_read)
                client_account_release(stream->session->connection->client, CLIENT_SLOW_READS, 1);
        stream->is_slow_read = false;
}

/* h2_session.c */

/* Sees to it that what was submitted is written. */
void h2_session_wake(struct h2_session *session);

/* Ends the connection for what the client does on it; once. Returns -ECONNABORTED. */
int h2_session_abort(struct h2_session *session, enum h2_error error_code, enum cause cause, const char *detail);

/* h2_request.c: events of the framing, see there. */
int h2_request_begin(struct h2_session *session, int32_t id, struct h2_stream **ret_stream);
int h2_request_field(struct h2_stream *stream, struct slice name, struct slice value);
void h2_request_head(struct h2_stream *stream, bool is_end);
int h2_request_data(struct h2_stream *stream, struct slice bytes);
void h2_request_trailers(struct h2_stream *stream);

/* The body is of no use: its reader hears of it, and the client, by a response where that is still possible, else by a reset. */
void h2_request_abort_body(struct h2_stream *stream, enum cause cause, const char *detail, enum h2_error error_code);
void h2_request_end(struct h2_stream *stream);

/* Starts passing the body on. */
void h2_request_read_body(struct h2_stream *stream);

/* What comes is another protocol's from now on, without limits. */
void h2_request_open_tunnel(struct h2_stream *stream);

/* The reader takes more. */
void h2_request_resume_body(struct h2_stream *stream);

/* The stream is over: its exchange too, and the memory of both. */
void h2_request_close(struct h2_stream *stream);

/* h2_response.c */
extern const struct http_exchange_operations h2_exchange_operations;

/* See h2_events.read_body and end_body. */
ssize_t h2_response_read(struct h2_stream *stream, char *room, size_t size, bool *ret_is_end);
bool h2_response_end(struct h2_stream *stream);
