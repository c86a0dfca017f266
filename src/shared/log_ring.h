/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A ring of records of variable length between one writing and one reading thread, without locks; for log.c.
 *
 * Positions only ever grow; a position's place is its remainder by the capacity. Each record is a header and its
 * payload, contiguous and aligned to 8. Where the rest up to the end of the memory is too short for a record, a filler
 * takes it up and the record begins at the front.
 */
/* Keeps the two threads' lines apart. */
struct log_ring {
        char *data;
        uint64_t capacity; /* a power of two */

        /* The writer's cache line. */
        _Alignas(64) uint64_t head; /* behind the last finished record */
        uint64_t reserved;          /* where the record in hand begins: head, or behind a filler */
        uint64_t known_tail;        /* an older value of tail, so that the reader's line is seldom asked for */

        /* The reader's cache line. */
        _Alignas(64) uint64_t tail; /* the first record that is not released */
};

/* `capacity` is rounded up to a power of two, at least 256. -ENOMEM; -EINVAL above 1 GiB. */
int log_ring_init(struct log_ring *ring, size_t capacity);
void log_ring_done(struct log_ring *ring);

/*
 * Writer: room for a payload of at least `minimum` bytes, of which *ret_room may be used; NULL when there is none now,
 * and always when `minimum` is above log_ring_longest. The room stays until the next call; nothing is visible before
 * log_ring_commit.
 */
char *log_ring_reserve(struct log_ring *ring, size_t minimum, size_t *ret_room);

/* Writer: makes the record in hand, now of `length` bytes, visible. A sequentially consistent store: what the writer
 * loads afterwards cannot be older. */
void log_ring_commit(struct log_ring *ring, size_t length);

/* Writer: more than half of the ring waits for the reader. */
bool log_ring_is_half_full(struct log_ring *ring);

/* Any payload up to this length finds room once the ring is empty. */
size_t log_ring_longest(const struct log_ring *ring);

/* Reader: a position up to which everything is visible now. */
uint64_t log_ring_head(const struct log_ring *ring);

/* Reader: the next payload before `head`, or NULL. It stays until log_ring_release. */
const char *log_ring_next(struct log_ring *ring, uint64_t head, size_t *ret_length);
void log_ring_release(struct log_ring *ring);
