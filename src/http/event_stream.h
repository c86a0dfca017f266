/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"

/*
 * Server-sent events (HTML Living Standard, section 9.2): messages one way, on a response without an end. The client comes back by itself
 * when it breaks off, with the id of the last event it had. Lives as long as its exchange, on that worker's thread.
 */
struct event_stream;

struct event_stream_handler {
        /* After -EAGAIN: there is room again. May be NULL. */
        void (*on_room)(struct event_stream *stream, void *userdata);

        /* The last call: the client has gone, or the worker stops. May be NULL. */
        void (*on_close)(struct event_stream *stream, void *userdata);
};

struct event_stream_options {
        const struct event_stream_handler *handler;
        void *userdata;
        uint64_t retry; /* ms that the client should wait before it comes back; 0: its own choice */
};

/* Whether the request asks for events. */
bool event_stream_is_wanted(const struct http_request *request);

/* The id of the last event that the client had; data == NULL: it is new. */
struct slice event_stream_last_id(const struct http_request *request);

/* Answers the exchange with a stream. NULL without memory: the exchange is answered all the same. */
struct event_stream *event_stream_open(struct http_exchange *exchange, const struct event_stream_options *options);

/* Queues an event; data may have several lines. `id` and `type` have no line ends; data == NULL: none. -EAGAIN when the queue is full, -EINVAL,
 * -ENOMEM. */
int event_stream_send(struct event_stream *stream, struct slice id, struct slice type, struct slice data);

/* Ends the stream after what is queued; the client will come back. */
void event_stream_close(struct event_stream *stream);
