/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "http/fault.h"
#include "http/field.h"
#include "http/method.h"
#include "shared/text.h"

/*
 * HTTP/1.x heads (RFC 9112), parsed in place: pure functions on bytes that allocate nothing and keep no state between
 * calls, so that they can be tried at every split. Strict where leniency has been used for request smuggling: lines end with CR LF
 * and nothing else, no obs-fold, no white space before a colon, no control characters.
 */
struct h1_limits {
        uint32_t max_request_line; /* bytes, without CR LF */
        uint32_t max_head;         /* bytes of the whole head; at most BUFFER_SIZE */
};

struct h1_request_head {
        enum http_method method;
        struct slice method_name;
        struct slice target;    /* as it was sent */
        unsigned minor_version; /* 0 or 1 */
};

/*
 * Parses one request head at the start of `data`; views point into it. One empty line before the request line is skipped
 * (RFC 9112 section 2.2). `scanned` is in/out state of the caller for a head that comes in pieces: 0 at first, then what the last call left;
 * with it the work over all calls is linear. `fields` has an array; it is cleared first. -EAGAIN leaves it undefined.
 *
 * A method that is not known is HTTP_METHOD_OTHER. What depends on more than the syntax is the caller's to check: that
 * HTTP/1.1 has exactly one Host (http_fields_has, http_fields_is_repeated), the target's form, the framing.
 *
 * Returns the length of the head, > 0; -EAGAIN when it is not complete (but already within the limits and free of
 * faults as far as could be seen cheaply); -EBADMSG with `ret_fault` filled.
 */
ssize_t h1_parse_request(const char *data, size_t length, const struct h1_limits *limits, size_t *scanned,
                         struct http_fields *fields, struct h1_request_head *ret_head, struct http_fault *ret_fault);

struct h1_response_head {
        unsigned status; /* 100 to 599 */
        struct slice reason;
        unsigned minor_version; /* 0 or 1 */
};

/* The same for the head of a response: as strict, but for a reason that is not there. The cause of a fault is that of a request with
 * the same fault. */
ssize_t h1_parse_response(const char *data, size_t length, const struct h1_limits *limits, size_t *scanned,
                          struct http_fields *fields, struct h1_response_head *ret_head, struct http_fault *ret_fault);

/* How a body is delimited (RFC 9112 section 6.3). */
enum h1_framing {
        H1_FRAMING_NONE,    /* no body, or one of Content-Length: 0 */
        H1_FRAMING_LENGTH,  /* Content-Length, above 0 and at most 2^63 - 1 */
        H1_FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
        H1_FRAMING_CLOSE,   /* of a response: to the end of the connection */
};

/*
 * Decides the framing, strictly: both fields at once, a repeated or malformed Content-Length, a coding other than exactly one
 * final "chunked", or Transfer-Encoding in HTTP/1.0 are -EBADMSG. The method plays no part: a GET with a body has one.
 */
int h1_request_framing(const struct http_fields *fields, unsigned minor_version, enum h1_framing *ret_framing,
                       uint64_t *ret_length, struct http_fault *ret_fault);

/* The same for a response to a request of this method, which has no tunnel: what a request may not have, a response may not have either. */
int h1_response_framing(const struct http_fields *fields, const struct h1_response_head *head, enum http_method method,
                        enum h1_framing *ret_framing, uint64_t *ret_length, struct http_fault *ret_fault);

#define H1_TRAILER_NAME_MAX 20 /* bytes kept; longer names are not among those that are looked for */

/* Decodes a chunked body (RFC 9112 section 7.1) bytewise; all zero but max_overhead is its start. */
struct h1_chunked {
        uint64_t left;     /* bytes of the current chunk that are still to come */
        uint32_t overhead; /* bytes of chunk extensions, leading zeros and trailers so far */
        uint32_t max_overhead;
        uint8_t state;
        uint8_t digits;      /* of the chunk's size so far */
        uint8_t name_length; /* of the trailer's name so far; H1_TRAILER_NAME_MAX + 1: longer */
        char name[H1_TRAILER_NAME_MAX];
        struct text *trailers; /* where their lines are kept, whole; NULL: they are dropped */
};

/*
 * Consumes a prefix of `data`. Returns how many bytes, with at most one run of body bytes in `ret_body` (its data == NULL when
 * there is none in the prefix); call again with the rest until it consumes nothing. `ret_done` becomes true with the CR LF that
 * ends the trailers, which are checked as fields; one that names a framing, routing or authentication field is a fault. -EBADMSG with `ret_fault` filled.
 */
ssize_t h1_chunked_decode(struct h1_chunked *chunked, const char *data, size_t length, struct slice *ret_body,
                          bool *ret_done, struct http_fault *ret_fault);

/* Which implementation the CPU got: "avx2", "sse4.2", "portable". */
const char *h1_parse_implementation(void);
