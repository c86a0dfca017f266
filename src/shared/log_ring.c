/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between a thread that logs and the logging thread. Only the writer stores head, only the reader stores tail,
 * and tail <= head <= tail + capacity holds at all times. */
#include "shared/log_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 256
#define CAPACITY_MAX (UINT64_C(1) << 30)

struct header {
        uint32_t length; /* of the payload */
        uint32_t is_filler;
};

/* The header's size is the alignment too, so that a filler always has room for its own. */
_Static_assert(sizeof(struct header) == 8, "records are aligned to their header's size");

static uint64_t record_size(size_t length) {
        return (sizeof(struct header) + length + sizeof(struct header) - 1) & ~(sizeof(struct header) - 1);
}

int log_ring_init(struct log_ring *ring, size_t capacity) {
        if (capacity > CAPACITY_MAX)
                return -EINVAL;
        uint64_t rounded = CAPACITY_MIN;
        while (rounded < capacity)
                rounded *= 2;
        char *data = malloc(rounded);
        if (!data)
                return -ENOMEM;
        *ring = (struct log_ring) { .data = data, .capacity = rounded };
        return 0;
}

void log_ring_done(struct log_ring *ring) {
        free(ring->data);
        ring->data = NULL;
}

/* Half of the ring, since what is behind the middle may be taken up by a filler. */
size_t log_ring_longest(const struct log_ring *ring) {
        return ring->capacity / 2 - sizeof(struct header);
}

static struct header *header_at(const struct log_ring *ring, uint64_t position) {
        return (struct header *) (ring->data + (position & (ring->capacity - 1)));
}

static uint64_t distance_to_end(const struct log_ring *ring, uint64_t position) {
        return ring->capacity - (position & (ring->capacity - 1));
}

/* The free bytes behind head; asks for the reader's position only when `wanted` are not known to be free. */
static uint64_t free_bytes(struct log_ring *ring, uint64_t wanted) {
        uint64_t room = ring->known_tail + ring->capacity - ring->head;
        if (room < wanted) {
                ring->known_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
                room = ring->known_tail + ring->capacity - ring->head;
        }
        return room;
}

char *log_ring_reserve(struct log_ring *ring, size_t minimum, size_t *ret_room) {
        if (minimum > log_ring_longest(ring))
                return NULL;

        uint64_t size = record_size(minimum);
        uint64_t to_end = distance_to_end(ring, ring->head);
        uint64_t filler = to_end < size ? to_end : 0;
        uint64_t room = free_bytes(ring, filler + size);
        if (room < filler + size)
                return NULL;
        if (filler)
                *header_at(ring, ring->head) = (struct header) {
                        .length = (uint32_t) (filler - sizeof(struct header)),
                        .is_filler = true,
                };
        ring->reserved = ring->head + filler;

        uint64_t contiguous = distance_to_end(ring, ring->reserved);
        room -= filler;
        *ret_room = (size_t) (room < contiguous ? room : contiguous) - sizeof(struct header);
        return (char *) (header_at(ring, ring->reserved) + 1);
}

void log_ring_commit(struct log_ring *ring, size_t length) {
        *header_at(ring, ring->reserved) = (struct header) { .length = (uint32_t) length };
        __atomic_store_n(&ring->head, ring->reserved + record_size(length), __ATOMIC_SEQ_CST);
}

bool log_ring_is_half_full(struct log_ring *ring) {
        return free_bytes(ring, ring->capacity / 2) < ring->capacity / 2;
}

uint64_t log_ring_head(const struct log_ring *ring) {
        return __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST);
}

void log_ring_release(struct log_ring *ring) {
        uint64_t size = record_size(header_at(ring, ring->tail)->length);
        __atomic_store_n(&ring->tail, ring->tail + size, __ATOMIC_RELEASE);
}

const char *log_ring_next(struct log_ring *ring, uint64_t head, size_t *ret_length) {
        while (ring->tail != head) {
                const struct header *header = header_at(ring, ring->tail);
                if (!header->is_filler) {
                        *ret_length = header->length;
                        return (const char *) (header + 1);
                }
                log_ring_release(ring);
        }
        return NULL;
}
