/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the free buffers of one thread, last in first out; the lent ones belong to their borrowers and are only counted.
 * A free buffer keeps nothing but its link readable. */
#include "shared/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "shared/poison.h"

#define POISONED_SIZE (sizeof(struct buffer) - offsetof(struct buffer, start))

void buffer_pool_init(struct buffer_pool *pool, size_t keep) {
        *pool = (struct buffer_pool) { .keep = keep };
}

void buffer_pool_done(struct buffer_pool *pool) {
        while (pool->free) {
                struct buffer *buffer = pool->free;
                pool->free = buffer->next;
                free(buffer);
        }
        pool->free_count = 0;
}

struct buffer *buffer_get(struct buffer_pool *pool) {
        struct buffer *buffer = pool->free;
        if (buffer) {
                pool->free = buffer->next;
                pool->free_count--;
                unpoison_memory(&buffer->start, POISONED_SIZE);
        } else {
                buffer = malloc(sizeof(*buffer));
                if (!buffer)
                        return NULL;
        }
        pool->lent_count++;
        buffer->next = NULL;
        buffer->start = buffer->end = 0;
        return buffer;
}

void buffer_put(struct buffer_pool *pool, struct buffer *buffer) {
        if (!buffer)
                return;
        pool->lent_count--;
        if (pool->free_count >= pool->keep) {
                free(buffer);
                return;
        }
        buffer->next = pool->free;
        pool->free = buffer;
        pool->free_count++;
        poison_memory(&buffer->start, POISONED_SIZE);
}

void buffer_compact(struct buffer *buffer) {
        size_t length = buffer_length(buffer);
        if (buffer->start && length)
                memmove(buffer->data, buffer->data + buffer->start, length);
        buffer->start = 0;
        buffer->end = (uint32_t) length;
}
