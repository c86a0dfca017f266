/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "shared/slice.h"

/*
 * Memory that ends all at once: of one exchange, of one configuration.
 *
 * Allocation moves a pointer. Under AddressSanitizer what is not handed out is poisoned. Not thread-safe.
 */
struct arena_chunk;

struct arena {
        struct arena_chunk *chunks; /* newest first */
        char *next, *end;           /* free part of the newest standard chunk */
        size_t total;               /* bytes held from malloc, for accounting */
        size_t limit;               /* no chunk is added beyond this total; 0: none */
};

/* `limit` bounds what a stranger can make the arena hold, in bytes; 0 for none. */
void arena_init(struct arena *arena, size_t limit);

/* Frees every chunk. Takes an arena that is all zero. */
void arena_done(struct arena *arena);

/* Forgets every allocation, keeps one chunk of the standard size for the next user. */
void arena_reset(struct arena *arena);

/* `size` bytes aligned to 16, not cleared; NULL when malloc fails or the limit is reached. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
void *arena_alloc_zero(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* NUL-terminated copies; NULL as arena_alloc. An absent slice is copied as the empty string. */
char *arena_copy(struct arena *arena, struct slice text);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
