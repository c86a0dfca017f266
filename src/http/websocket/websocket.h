/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/exchange.h"

/*
 * The server's side of a WebSocket (RFC 6455), over HTTP/1.1 or a stream of HTTP/2 (RFC 8441), with permessage-deflate
 * (RFC 7692). Lives as long as its exchange, on that worker's thread.
 *
 * Messages come whole, text checked to be UTF-8, within [http.websocket]'s bounds; pings are sent and answered, and a client
 * that has gone away is noticed, without the handler's doing. What is sent is queued; a queue that a client does not empty is
 * bounded: then nothing more is read from that client, and websocket_send says -EAGAIN, but not within on_message.
 */
struct websocket;

/* Close codes (RFC 6455 section 7.4.1). */
enum websocket_code {
        WEBSOCKET_NORMAL = 1000,
        WEBSOCKET_GOING_AWAY = 1001,
        WEBSOCKET_PROTOCOL_ERROR = 1002,
        WEBSOCKET_NO_CODE = 1005,   /* never sent: the client's close had none */
        WEBSOCKET_ABNORMAL = 1006,  /* never sent: the connection ended without a close */
        WEBSOCKET_MALFORMED = 1007, /* text that is not UTF-8 */
        WEBSOCKET_POLICY_VIOLATION = 1008,
        WEBSOCKET_TOO_BIG = 1009,
        WEBSOCKET_INTERNAL_ERROR = 1011,
};

struct websocket_handler {
        /* The view ends with the call. May send and close. */
        void (*on_message)(struct websocket *websocket, bool is_text, struct slice message, void *userdata);

        /* After -EAGAIN: there is room again. May be NULL. */
        void (*on_room)(struct websocket *websocket, void *userdata);

        /* The last call: the client's code and reason, WEBSOCKET_ABNORMAL without one. May be NULL. */
        void (*on_close)(struct websocket *websocket, unsigned code, void *userdata);
};

struct websocket_options {
        const struct websocket_handler *handler;
        void *userdata;
        const char *const *protocols; /* subprotocols, the best first, NULL at the end; NULL: none */
        bool any_origin;              /* else a browser's Origin must be that of the request */
};

/* Answers the exchange by becoming a WebSocket. When the request is none, or not a right one, answers with what is missing
 * (400, 403, 426) and gives NULL, as it does without memory. */
struct websocket *websocket_accept(struct http_exchange *exchange, const struct websocket_options *options);

/* Queues a message; it is copied. -EAGAIN when the queue is full, -EPIPE when the closing has begun, -ENOMEM. */
int websocket_send(struct websocket *websocket, bool is_text, struct slice message);

/* Begins the closing handshake; the reason is at most 123 bytes of UTF-8. What is queued is sent before. */
void websocket_close(struct websocket *websocket, unsigned code, struct slice reason);

/* The subprotocol that was agreed on, or NULL. */
const char *websocket_protocol(const struct websocket *websocket);
