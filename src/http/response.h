/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/body.h"
#include "http/head_block.h"
#include "shared/cause.h"
#include "shared/slice.h"

struct http_exchange;

/* What a handler answers with. Fields that the session itself writes must not be in `block` or `extra`: Date,
 * Content-Length, Transfer-Encoding, Connection, Keep-Alive. */
struct http_response {
        int status;
        enum cause cause;       /* CAUSE_NONE for a success */
        int64_t content_length; /* -1: known at the end only. For HEAD and 304, what GET would have, or -1 for no field */
        const struct http_head_block *block; /* ready fields, or NULL; outlives the exchange by other means */
        struct http_head_field *extra;       /* further fields; grown by http_response_add */
        size_t extra_count, extra_capacity;
        struct http_head_field *trailers; /* fields after the body; grown by http_response_add_trailer */
        size_t trailer_count, trailer_capacity;
        struct http_body *body; /* NULL: no content */
        bool is_tunnel;         /* see http_exchange_open_tunnel */
        struct slice upgrade; /* a protocol that the client should change to (RFC 9110 section 7.8); HTTP/1.1 alone has that */
        struct slice coding; /* Content-Encoding, for the log only */
};

/* Adds a response field; the views must live as long as the exchange. The name is lower case. -ENOMEM when the arena is full. */
int http_response_add(struct http_exchange *exchange, struct slice name, struct slice value);

/* The same for a field that follows the body: before the body's source has said its end. Sent in HTTP/2, and with a body of unknown
 * length in HTTP/1.1 to a client that accepts trailers (TE: trailers); dropped otherwise. */
int http_response_add_trailer(struct http_exchange *exchange, struct slice name, struct slice value);
