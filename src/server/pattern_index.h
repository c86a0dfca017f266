/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "server/path_pattern.h"

/*
 * Many patterns, of which only those are tried for a path whose literal beginning the path has: ten thousand rules
 * cost what the few cost that concern a path. Immutable once filled; any number of threads may search it.
 */
struct pattern_node;

struct pattern_index {
        struct arena *arena;
        struct pattern_node *root;
        size_t count; /* patterns; the next one's number */
};

/* Numbers of patterns, ascending. On the heap. */
struct pattern_matches {
        uint32_t *numbers;
        size_t count, capacity;
};

#define PATTERN_MATCHES_INIT ((struct pattern_matches) { 0 })

/* Everything is allocated in the arena, which must outlive the index. */
void pattern_index_init(struct pattern_index *index, struct arena *arena);

/* The patterns are numbered from 0 in the order they are added; they stay their owner's. -ENOMEM. */
int pattern_index_add(struct pattern_index *index, const struct path_pattern *pattern);

/* Adds the numbers of all patterns that match to `matches` (which was empty). -ENOMEM. */
int pattern_index_find(const struct pattern_index *index, struct slice path, struct pattern_matches *matches);

void pattern_matches_done(struct pattern_matches *matches);
