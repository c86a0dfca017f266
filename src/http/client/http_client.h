/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/field.h"
#include "http/method.h"
#include "shared/list.h"
#include "shared/loop.h"

/*
 * A client of HTTP/1.1 (RFC 9112) for whole messages of a bounded size, on one loop: what daemons say to each other. Connections
 * are kept and used again, one request at a time each; a request waits for one while as many as may be are busy.
 *
 * How a connection comes about is the owner's: by a hand-over, or by connect(2).
 */
struct http_client;

struct http_client_options {
        struct loop *loop;
        /* A connected stream socket that does not block, or a negative errno. */
        int (*connect)(void *userdata);
        void *userdata;
        unsigned max_connections;
        unsigned max_waiting; /* requests that have no connection yet; more are refused */
        size_t max_response;  /* bytes, head and body */
        uint64_t timeout;     /* ms, of a request from its start to the end of its answer */
};

struct http_client_response {
        unsigned status;
        struct http_fields fields;
        struct slice body;
};

/* One request. Embedded in its owner's memory, which lasts until `done` or http_client_cancel. */
struct http_client_call {
        enum http_method method;
        struct slice request; /* the whole message, which must not be read in two ways */
        bool is_repeatable;   /* may be sent again when a kept connection turns out to be gone */
        /* Exactly once, never from within http_client_start: 0 with the response, whose views end with the call; -EBUSY: too many wait;
         * -ETIMEDOUT; -EBADMSG: the answer is none; -EFBIG: it is too large; -ECONNRESET: it did not come whole; -ECANCELED: the
         * client is being freed; or why there is no connection. */
        void (*done)(struct http_client_call *call, int result, const struct http_client_response *response);

        /* The rest is the client's. */
        struct http_client *client;
        struct http_client_connection *connection;
        struct list link;
        struct timer timer;
        int result;
        bool was_repeated;
};

int http_client_new(const struct http_client_options *options, struct http_client **ret_client);

/* Ends what is under way; also from within `done`, where it is the last that is done with the client. Takes NULL. */
void http_client_free(struct http_client *client);

void http_client_start(struct http_client *client, struct http_client_call *call);

/* `done` will not be called. Does nothing to a call that has ended or was never started (all zero). */
void http_client_cancel(struct http_client_call *call);
