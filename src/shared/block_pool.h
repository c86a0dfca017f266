/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * Small blocks of one thread, kept by their size when they are given back: for a library that allocates and frees the
 * same few sizes all the time, many of each at once, where malloc keeps few at hand.
 *
 * Larger blocks are malloc's. Under AddressSanitizer the free ones are poisoned.
 */
#define BLOCK_POOL_STEP 64 /* bytes from one size to the next */
#define BLOCK_POOL_LARGEST 1024

struct block_pool {
        struct block *free[BLOCK_POOL_LARGEST / BLOCK_POOL_STEP];
        size_t free_bytes;
        size_t keep; /* free bytes above this go back to malloc */
};

void block_pool_init(struct block_pool *pool, size_t keep);

/* Frees what is kept. Blocks that are lent still may be freed, by block_pool_free, afterwards. */
void block_pool_done(struct block_pool *pool);

/* `size` bytes aligned to 16, not cleared; NULL when malloc fails. */
void *block_pool_alloc(struct block_pool *pool, size_t size);

/* As realloc(3): takes NULL; when it fails, `memory` is as it was. */
void *block_pool_resize(struct block_pool *pool, void *memory, size_t size);

/* Takes NULL. */
void block_pool_free(struct block_pool *pool, void *memory);
