/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"
#include "http/exchange.h"
#include "http/h1/h1_parse.h"
#include "shared/buffer.h"

/*
 * What the three parts of an HTTP/1 session share: h1_session.c (events and order), h1_request.c (from bytes to an
 * exchange, and its body), h1_response.c (from an exchange to bytes).
 *
 * The head of a request stays where it was read, at the front of `in`, as long as its exchange lasts, since the
 * exchange has views into it; body bytes pass through the room behind it.
 */
struct h1_session {
        struct http_connection *connection;
        struct buffer *in, *out;        /* NULL while nothing is in them */
        struct http_exchange *exchange; /* NULL between requests */
        struct h1_chunked chunked;      /* of the request's body */
        uint64_t body_left;             /* of a request's body with a length */
        uint64_t response_left; /* bytes of the response's body, or of its present chunk, that are still to be sent */
        uint32_t head_end;      /* where body bytes begin in `in` */
        uint32_t requests;
        size_t scanned;           /* see h1_parse_request */
        enum h1_framing body : 8; /* H1_FRAMING_NONE once it was read whole */
        bool is_reading : 1;      /* body bytes are passed on, or dropped */
        bool is_paused : 1;       /* the reader has enough for now */
        bool awaits_continue : 1; /* the client waits for 100 */
        bool is_tunnel : 1;       /* what comes and goes is another protocol's */
        bool is_http10 : 1;
        bool keep_alive : 1;    /* another request may follow */
        bool is_chunked : 1;    /* the response's body is */
        bool in_chunk : 1;      /* its chunk has begun */
        bool is_started : 1;    /* the response's head is written, into `out` at least */
        bool is_ended : 1;      /* all of the response is */
        bool is_blocked : 1;    /* the transport takes no more: wait */
        bool is_processing : 1; /* guards against recursion: a handler answers within on_request */
        bool peer_ended : 1;    /* the client will send no more */
        bool has_finished : 1;  /* an exchange has, since the connection's phase was looked at */
        bool is_end_due : 1;    /* the body is in, and its reader is to hear of it when it goes on */
};

/* h1_session.c */

/* Goes on with what is in `in`, then settles what to wait for. */
void h1_session_process(struct h1_session *session);

/* h1_request.c */

/* Reads one head from `in` and hands its exchange to the application. False when there is none yet, or the connection ends. */
bool h1_request_read_head(struct h1_session *session);

/* Answers what was no request with the cause, and ends the connection. */
void h1_request_refuse(struct h1_session *session, enum cause cause, const char *detail);

/* The body cannot be read on: answers with the cause where that is still possible, and ends the connection. */
void h1_request_fail_body(struct h1_session *session, enum cause cause, const char *detail);

/* Passes body bytes from `in` to the reader. False when it can go no further now. */
bool h1_request_read_body(struct h1_session *session);

/* h1_response.c */
extern const struct http_exchange_operations h1_exchange_operations;

/* Writes as much of the present response as the transport takes; sets is_ended, is_blocked. */
void h1_response_pump(struct h1_session *session);

/* Writes out what is gathered. 0, -EAGAIN (is_blocked is set), or an error, after which the connection is dead. */
int h1_response_flush(struct h1_session *session, bool more);

/* The request's body is not going to be read: whether the connection can be used on all the same, by dropping what is left of it. */
bool h1_request_may_drop_body(const struct h1_session *session);
