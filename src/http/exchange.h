/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/body.h"
#include "http/field.h"
#include "http/file_residency.h"
#include "http/head_block.h"
#include "http/method.h"
#include "http/phase_clock.h"
#include "http/response.h"
#include "http/target.h"
#include "shared/arena.h"
#include "shared/cause.h"
#include "shared/peer_credentials.h"

/* Length of an exchange's id as text: hexadecimal digits. */
#define HTTP_EXCHANGE_ID_TEXT 16

/*
 * One request and its response, whatever protocol carries them.
 *
 * The session makes it when a head is complete and ends it when the response is sent or the connection is lost. Its memory comes
 * from its arena, which ends with it; what may outlive it is attached by http_exchange_on_end. It belongs to one
 * worker: all calls are made on that worker's thread.
 */
struct http_exchange;
struct http_connection;
struct http_listener_settings;
struct http_worker;
struct worker_generation;

struct http_request {
        enum http_method method;
        unsigned version; /* 10, 11, 20 */
        bool is_secure;   /* the scheme is https */
        bool has_body;
        int64_t content_length; /* -1: not known before the end */
        struct slice method_name;
        struct slice target; /* as it was sent */
        struct slice host;   /* lower case, without port; data == NULL in HTTP/1.0 without Host */
        uint16_t port;       /* 0: none was named */
        struct slice path;   /* canonical; see target.h. "*" for OPTIONS * */
        struct slice query;  /* as it was sent, without '?'; data == NULL: none */
        struct slice upgrade; /* the protocol that the client wants to go on with (RFC 9110 section 7.8, RFC 8441); data == NULL: none */
        struct http_fields fields;
        struct http_fields *
                        trailers; /* fields after the body, when its end was reported; NULL: none. Not those of RFC 9110 section 6.5.1 */
};

/* Takes a request's body as it comes. */
struct http_body_reader {
        /* 0 goes on; -EAGAIN pauses (the bytes were taken all the same) until http_exchange_resume; an error ends the connection. */
        int (*on_data)(struct http_exchange *exchange, struct slice bytes, void *userdata);
        void (*on_end)(struct http_exchange *exchange, void *userdata);

        /* The body will not come whole: it is too large, too slow, or malformed. Nothing more is called after it. When the handler
         * has not responded yet the session does, when this returns; the handler responds no more. May be NULL. */
        void (*on_abort)(struct http_exchange *exchange, enum cause cause, void *userdata);
        void *userdata;
};

/* Run when the exchange ends, newest first. Embedded in memory of the arena. */
struct http_exchange_end {
        struct http_exchange_end *next;
        void (*run)(struct http_exchange_end *end, struct http_exchange *exchange);
};

/* How a session carries an exchange; the handler's calls below go here. */
struct http_exchange_operations {
        void (*respond)(struct http_exchange *exchange);
        void (*resume)(struct http_exchange *exchange);
        void (*read_body)(struct http_exchange *exchange);
        void (*inform)(struct http_exchange *exchange, int status); /* 100, 103 with response.extra */
};

struct http_exchange {
        const struct http_exchange_operations *operations;
        struct http_worker *worker;
        struct http_connection *connection;
        void *stream; /* the session's own part of it, where a connection has many; NULL in HTTP/1 */
        struct worker_generation *generation; /* the configuration that it began with */
        struct http_request request;
        struct http_response response;
        struct http_body_reader reader; /* on_data == NULL: the body is read and dropped */
        struct http_exchange_end *ends;
        struct http_exchange *next_free;    /* in the worker's stock */
        uint64_t id;                        /* for the log and the client: unique among workers and restarts */
        uint64_t started_usec;              /* loop clock */
        uint64_t body_received, body_sent;  /* bytes */
        uint64_t max_body;                  /* bytes that the request's body may have */
        struct file_fetch *fetch;           /* while the body's next bytes are read from the disk */
        struct file_range resident;         /* of the body, in memory when it was looked at */
        struct http_phase_clock body_clock; /* of the request's body; stands still while the reader pauses */
        const char *detail;                 /* of a failure, for the log; static or in the arena */
        void *tunnel;                       /* whoever opened one */
        void (*on_drain)(
                        struct
                        http_exchange *exchange); /* the worker stops: an answer without an end is to end; may be NULL */
        bool is_responded;                        /* http_exchange_respond was called */
        bool is_refused;                          /* no request was made of it: it has its own line in the log */
        bool is_charged;                          /* to the account of its client */
        bool close;                               /* the connection ends with this exchange */
        uint32_t retry_after;                     /* s, of a failure with 429 or 503, where it is known; 0: soon */
        struct arena arena;                       /* last: all before it is cleared for each use */
};

/* The id as text, no NUL. */
static inline void http_exchange_id_text(const struct http_exchange *exchange, char ret_text[HTTP_EXCHANGE_ID_TEXT]) {
        static const char digits[] = "0123456789abcdef";
        for (unsigned i = 0; i < HTTP_EXCHANGE_ID_TEXT; i++)
                ret_text[i] = digits[(exchange->id >> (60 - 4 * i)) & 0xf];
}

/* Begins the response that was prepared in exchange->response. Once for each exchange. May end the exchange before it returns:
 * the handler does not touch it afterwards. */
void http_exchange_respond(struct http_exchange *exchange);

/* Answers with the cause's status and a small body that says why: problem details (RFC 9457), or HTML for a client that prefers it.
 * `detail` is for the log only. Ends like http_exchange_respond. */
void http_exchange_fail(struct http_exchange *exchange, enum cause cause, const char *detail);

/* Agrees to request.upgrade: from here on, bytes of that protocol go both ways, from exchange->response.body, which was prepared, and to
 * `reader`, without a length and without limits of time, until the source ends or the client does. Answered with 101, in HTTP/2 with 200;
 * exchange->response.extra has what the protocol adds. `on_drain` is called when the worker stops; may be NULL. */
void http_exchange_open_tunnel(struct http_exchange *exchange, void (*on_drain)(struct http_exchange *),
                               struct http_body_reader reader);

/* The body source has more, or the reader can take more. Must not be called from within peek or on_data. */
void http_exchange_resume(struct http_exchange *exchange);

/* For sessions: what of the response's body comes next, as its source shows it (see http_body_operations); but bytes of a file that
 * are not in memory are first read there on the thread pool. -EAGAIN meanwhile: the exchange is resumed. */
int http_exchange_peek(struct http_exchange *exchange, struct http_segment *ret_segment);

/* Starts reading the request's body into `reader` (sends 100 Continue when the client waits for it). A response may begin before the body ended. */
void http_exchange_read_body(struct http_exchange *exchange, struct http_body_reader reader);

/* Attaches something that must be given back when the exchange ends, however it ends. */
void http_exchange_on_end(struct http_exchange *exchange, struct http_exchange_end *end);

/* Sends the fields added so far ahead of the response, as 103 Early Hints (RFC 8297), and takes them off it. Nothing is sent when there are
 * none, to a client of HTTP/1.0, or after the response. */
void http_exchange_send_hints(struct http_exchange *exchange);

/* The client's address, in text, with the port after the last colon for TCP; "unix:" otherwise. In the arena; never NULL. */
const char *http_exchange_peer(struct http_exchange *exchange);

/* Who asks, on a unix socket: see peer_credentials_get, whose errors come. The groups are in the exchange's arena. */
int http_exchange_peer_credentials(struct http_exchange *exchange, struct peer_credentials *ret_peer);

/* What the listener it came by means in the generation it began with. */
const struct http_listener_settings *http_exchange_listener(const struct http_exchange *exchange);

/* For sessions: an exchange of this worker with an id and an empty request, and its end: logs it, counts it, gives back all that is
 * attached and its memory. NULL when malloc fails. */
struct http_exchange *http_exchange_begin(struct http_connection *connection,
                                          const struct http_exchange_operations *operations);
void http_exchange_finish(struct http_exchange *exchange);

/* The body of the request cannot be read on: tells the reader, and answers with the cause unless there is an answer already. The cause
 * is that of the exchange in both cases. */
void http_exchange_abort_body(struct http_exchange *exchange, enum cause cause, const char *detail);

/* The head is complete and right: the application's turn, unless the client has too many requests under way. */
void http_exchange_handle(struct http_exchange *exchange);

/* Takes back an exchange that was begun too early, as if it had not been. */
void http_exchange_discard(struct http_exchange *exchange);
