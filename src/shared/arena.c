/* SPDX-License-Identifier: Apache-2.0 */
/* Owns a list of chunks from malloc and hands them out from front to back; nothing is given back before the end. `next`
 * and `end` bound the free part of the newest chunk of the standard size; a large piece that does not fit in there gets a
 * chunk of its own, which leaves them as they are. */
#include "shared/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/poison.h"
#include "shared/syscall.h"

#define ARENA_ALIGNMENT 16
#define ARENA_CHUNK_SIZE 4096
/* Pieces from here on get a chunk of their own, so that at most a quarter of a standard chunk is ever left unused. */
#define ARENA_LARGE (ARENA_CHUNK_SIZE / 4)
/* Bytes that stay poisoned after each piece, so that writing past its end does not hit the next one unnoticed. */
#define ARENA_RED_ZONE (POISON_IS_ACTIVE ? ARENA_ALIGNMENT : 0)

struct arena_chunk {
        struct arena_chunk *older;
        size_t size; /* of the block, this head included */
        _Alignas(ARENA_ALIGNMENT) char data[];
};

void arena_init(struct arena *arena, size_t limit) {
        *arena = (struct arena) { .limit = limit };
}

void arena_done(struct arena *arena) {
        for (struct arena_chunk *chunk = arena->chunks, *older; chunk; chunk = older) {
                older = chunk->older;
                free(chunk);
        }
        arena_init(arena, arena->limit);
}

/* Makes the whole of a standard chunk the free part. */
static void open_chunk(struct arena *arena, struct arena_chunk *chunk) {
        arena->next = chunk->data;
        arena->end = (char *) chunk + chunk->size;
        poison_memory(arena->next, (size_t) (arena->end - arena->next));
}

void arena_reset(struct arena *arena) {
        struct arena_chunk *kept = NULL;
        for (struct arena_chunk *chunk = arena->chunks, *older; chunk; chunk = older) {
                older = chunk->older;
                if (!kept && chunk->size == ARENA_CHUNK_SIZE)
                        kept = chunk;
                else
                        free(chunk);
        }

        arena_init(arena, arena->limit);
        if (kept) {
                kept->older = NULL;
                arena->chunks = kept;
                arena->total = kept->size;
                open_chunk(arena, kept);
        }
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size) {
        if (arena->limit && (size > arena->limit || arena->total > arena->limit - size))
                return NULL;

        struct arena_chunk *chunk = malloc(size);
        if (!chunk)
                return NULL;
        chunk->size = size;
        chunk->older = NULL;
        arena->total += size;
        return chunk;
}

static void *alloc_large(struct arena *arena, size_t size) {
        struct arena_chunk *chunk = chunk_new(arena, sizeof(struct arena_chunk) + size + ARENA_RED_ZONE);
        if (!chunk)
                return NULL;

        chunk->older = arena->chunks;
        arena->chunks = chunk;
        poison_memory(chunk->data + size, ARENA_RED_ZONE);
        return chunk->data;
}

/* `step` is the size rounded up, red zone included; it is less than what a fresh standard chunk has. */
static void *alloc_from_new_chunk(struct arena *arena, size_t size, size_t step) {
        struct arena_chunk *chunk = chunk_new(arena, ARENA_CHUNK_SIZE);
        if (!chunk)
                return NULL;

        chunk->older = arena->chunks;
        arena->chunks = chunk;
        open_chunk(arena, chunk);
        unpoison_memory(arena->next, size);
        void *piece = arena->next;
        arena->next += step;
        return piece;
}

void *arena_alloc(struct arena *arena, size_t size) {
        if (size > SIZE_MAX / 2)
                return NULL;
        /* An empty piece takes up room as well: no two pieces have the same address. */
        size_t step = (size + (size == 0) + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT + ARENA_RED_ZONE;
        if (step <= (size_t) (arena->end - arena->next)) {
                void *piece = arena->next;
                unpoison_memory(piece, size);
                arena->next += step;
                return piece;
        }
        return size >= ARENA_LARGE ? alloc_large(arena, size) : alloc_from_new_chunk(arena, size, step);
}

void *arena_alloc_zero(struct arena *arena, size_t size) {
        void *piece = arena_alloc(arena, size);
        return piece ? memset(piece, 0, size) : NULL;
}

char *arena_copy(struct arena *arena, struct slice text) {
        char *copy = text.length < SIZE_MAX ? arena_alloc(arena, text.length + 1) : NULL;
        if (!copy)
                return NULL;
        if (text.length)
                memcpy(copy, text.data, text.length);
        copy[text.length] = '\0';
        return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
        va_list arguments, again;
        va_start(arguments, format);
        va_copy(again, arguments);
        char *string = NULL;
        int length = vsnprintf(NULL, 0, format, arguments);
        if (length >= 0)
                string = arena_alloc(arena, (size_t) length + 1);
        if (string)
                (void) vsnprintf(string, (size_t) length + 1, format, again);
        va_end(again);
        va_end(arguments);
        return string;
}
