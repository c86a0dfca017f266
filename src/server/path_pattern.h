/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/arena.h"
#include "shared/error.h"
#include "shared/slice.h"

/*
 * Patterns of canonical paths: "*" stands for any bytes within a segment, "**" for any bytes at all, "?" for one byte
 * other than '/'. The time to match is linear in the length of the path, whatever path a stranger sends.
 */
#define PATH_PATTERN_PIECES_MAX 32
#define PATH_PATTERN_CAPTURES_MAX 9

enum path_gap {
        PATH_GAP_NONE,    /* only before the first piece: the pattern begins with it */
        PATH_GAP_SEGMENT, /* "*" */
        PATH_GAP_ANY,     /* "**" */
};

/* What lies between two stars, and the star in front of it. */
struct path_piece {
        enum path_gap gap;
        struct slice chunk; /* literal bytes and '?' */
};

struct path_pattern {
        struct path_piece *pieces;
        size_t piece_count;  /* at least 1 */
        struct slice prefix; /* the bytes in front of the first wildcard, which every match begins with */
        bool is_literal;     /* there is no wildcard: the prefix is all of it */
};

/* What the wildcards matched, in their order: views of the path. */
struct path_captures {
        struct slice items[PATH_PATTERN_CAPTURES_MAX];
        size_t count;
};

/* The pattern keeps views of `text`; its pieces are in the arena. -EINVAL (said in `error`) for a pattern that is not
 * absolute or has too many wildcards, -ENOMEM. */
int path_pattern_compile(const char *text, struct arena *arena, struct error *error, struct path_pattern *ret_pattern);

/* `ret_captures` may be NULL. Each wildcard takes as little as it can, from left to right. */
bool path_pattern_match(const struct path_pattern *pattern, struct slice path, struct path_captures *ret_captures);
