/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * A rate that bytes may go at: a token bucket in one word, so that workers can share it without a lock. A burst of a
 * quarter of a second's worth goes at once. Times are us of a monotonic clock.
 */
#define HTTP_PACE_RATE_MAX (UINT64_C(1) << 40) /* bytes a second */

struct http_exchange;

struct http_pace {
        uint64_t rate; /* bytes a second */
        uint64_t burst;
        uint64_t full_at; /* ns: when the bucket is full again; atomic */
};

/* A full bucket. A rate beyond the bounds becomes the nearest. */
void http_pace_init(struct http_pace *pace, uint64_t rate);

/* Bytes that may go now. */
uint64_t http_pace_available(const struct http_pace *pace, uint64_t now);

/* They went: at most 2^30 bytes. More than were available are made up for later. */
void http_pace_take(struct http_pace *pace, uint64_t bytes, uint64_t now);

/* us until as many bytes may go, or a burst when that is less; 0: they may now. */
uint64_t http_pace_wait(const struct http_pace *pace, uint64_t bytes, uint64_t now);

/*
 * Paces the body of the exchange's response, whatever its source is: by `rate` of its own (QUANTITY_INFINITY: none), and by a bucket that it
 * shares with others, which outlives the exchange (NULL: none). Before the response begins. Files are still sent by sendfile; while it
 * waits no clock of the client's runs. -ENOMEM when the arena is full.
 */
int http_exchange_pace(struct http_exchange *exchange, uint64_t rate, struct http_pace *shared);
