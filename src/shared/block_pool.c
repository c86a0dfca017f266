/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the free blocks of one thread, in a list for each size, last in first out. In front of each block stands what it is
 * large, so that it finds its list again. */
#include "shared/block_pool.h"

#include <stdlib.h>
#include <string.h>

#include "shared/poison.h"
#include "shared/syscall.h"

struct block {
        struct block *next; /* while it is free */
        size_t size;        /* of `data` */
        _Alignas(16) char data[];
};

static struct block *block_of(void *memory) {
        return container_of(memory, struct block, data);
}

static struct block **list_of(struct block_pool *pool, size_t size) {
        return &pool->free[size / BLOCK_POOL_STEP - 1];
}

/* The size of the blocks that one of this many bytes is taken from. */
static size_t round_up(size_t size) {
        if (size > BLOCK_POOL_LARGEST)
                return size;
        return size == 0 ? BLOCK_POOL_STEP : (size + BLOCK_POOL_STEP - 1) / BLOCK_POOL_STEP * BLOCK_POOL_STEP;
}

void block_pool_init(struct block_pool *pool, size_t keep) {
        *pool = (struct block_pool) { .keep = keep };
}

void block_pool_done(struct block_pool *pool) {
        for (size_t i = 0; i < ELEMENTS_OF(pool->free); i++)
                while (pool->free[i]) {
                        struct block *block = pool->free[i];
                        pool->free[i] = block->next;
                        free(block);
                }
        pool->free_bytes = pool->keep = 0;
}

static void *alloc_anew(size_t size) {
        if (size > PTRDIFF_MAX)
                return NULL;
        struct block *block = malloc(sizeof(*block) + size);
        if (!block)
                return NULL;
        block->size = size;
        return block->data;
}

void *block_pool_alloc(struct block_pool *pool, size_t size) {
        size = round_up(size);
        if (size > BLOCK_POOL_LARGEST)
                return alloc_anew(size);
        struct block **list = list_of(pool, size), *block = *list;
        if (!block)
                return alloc_anew(size);
        *list = block->next;
        pool->free_bytes -= size;
        unpoison_memory(block->data, size);
        return block->data;
}

void block_pool_free(struct block_pool *pool, void *memory) {
        if (!memory)
                return;
        struct block *block = block_of(memory);
        if (block->size > BLOCK_POOL_LARGEST || pool->free_bytes + block->size > pool->keep) {
                free(block);
                return;
        }
        struct block **list = list_of(pool, block->size);
        block->next = *list;
        *list = block;
        pool->free_bytes += block->size;
        poison_memory(block->data, block->size);
}

void *block_pool_resize(struct block_pool *pool, void *memory, size_t size) {
        if (memory && size <= block_of(memory)->size)
                return memory;
        void *larger = block_pool_alloc(pool, size);
        if (larger && memory) {
                memcpy(larger, memory, block_of(memory)->size);
                block_pool_free(pool, memory);
        }
        return larger;
}
