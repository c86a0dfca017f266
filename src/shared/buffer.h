/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Fixed-size I/O buffers, lent by a pool of one thread.
 *
 * A connection that waits holds none: it borrows when bytes come and gives back when they are used up. The last
 * one given back is the next one lent, so that a busy worker stays in the same few cache lines.
 * Under AddressSanitizer the free ones are poisoned.
 */
#define BUFFER_SIZE 16384 /* payload bytes, a TLS record (RFC 8446 section 5.1) */

struct buffer {
        struct buffer *next; /* in the pool, or in a chain of its borrower's */
        uint32_t start, end; /* the bytes that are there: data[start..end) */
        char data[BUFFER_SIZE];
};

struct buffer_pool {
        struct buffer *free;
        size_t free_count, lent_count;
        size_t keep; /* free ones above this go back to malloc */
};

void buffer_pool_init(struct buffer_pool *pool, size_t keep);
void buffer_pool_done(struct buffer_pool *pool);

/* An empty buffer, or NULL when malloc fails. */
struct buffer *buffer_get(struct buffer_pool *pool);

/* Takes NULL. */
void buffer_put(struct buffer_pool *pool, struct buffer *buffer);

static inline size_t buffer_length(const struct buffer *buffer) {
        return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer) {
        return BUFFER_SIZE - buffer->end;
}

/* Moves the bytes to the front, for more room at the end. Views into the buffer move with them: hold none. */
void buffer_compact(struct buffer *buffer);
