/* SPDX-License-Identifier: Apache-2.0 */
/* A radix tree over the literal beginnings of patterns. A path is walked down once; each node that it passes has the
 * patterns whose literal beginning ends there. No two children of a node begin with the same byte. */
#include "server/pattern_index.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/syscall.h"

struct pattern_entry {
        struct pattern_entry *next;
        const struct path_pattern *pattern;
        uint32_t number;
};

struct pattern_node {
        struct slice label;
        struct pattern_node *children, *next;
        struct pattern_entry *entries;
};

void pattern_index_init(struct pattern_index *index, struct arena *arena) {
        *index = (struct pattern_index) { .arena = arena };
}

static struct pattern_node **find_child(struct pattern_node **children, char first) {
        while (*children && (*children)->label.data[0] != first)
                children = &(*children)->next;
        return children;
}

static size_t common_length(struct slice a, struct slice b) {
        size_t limit = MIN_OF(a.length, b.length), i = 0;
        while (i < limit && a.data[i] == b.data[i])
                i++;
        return i;
}

/* Puts a node for the first `length` bytes of the label in front of the node. */
static int split_node(struct arena *arena, struct pattern_node **place, size_t length) {
        struct pattern_node *lower = *place, *upper = arena_alloc_zero(arena, sizeof(*upper));
        if (!upper)
                return -ENOMEM;
        upper->label = (struct slice) { lower->label.data, length };
        upper->next = lower->next;
        upper->children = lower;
        lower->next = NULL;
        lower->label = slice_from(lower->label, length);
        *place = upper;
        return 0;
}

/* The node at the end of `rest` below `place`; made where it is missing. */
static int reach_node(struct arena *arena, struct pattern_node **place, struct slice rest,
                      struct pattern_node **ret_node) {
        struct pattern_node *node = *place;
        while (rest.length > 0) {
                place = find_child(&node->children, rest.data[0]);
                if (!*place) {
                        *place = arena_alloc_zero(arena, sizeof(**place));
                        if (!*place)
                                return -ENOMEM;
                        (*place)->label = rest;
                }
                size_t common = common_length((*place)->label, rest);
                if (common < (*place)->label.length) {
                        int r = split_node(arena, place, common);
                        if (r < 0)
                                return r;
                }
                node = *place;
                rest = slice_from(rest, common);
        }
        *ret_node = node;
        return 0;
}

int pattern_index_add(struct pattern_index *index, const struct path_pattern *pattern) {
        if (!index->root) {
                index->root = arena_alloc_zero(index->arena, sizeof(*index->root));
                if (!index->root)
                        return -ENOMEM;
        }

        struct pattern_node *node;
        int r = reach_node(index->arena, &index->root, pattern->prefix, &node);
        if (r < 0)
                return r;
        struct pattern_entry *entry = arena_alloc(index->arena, sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        *entry = (struct pattern_entry) { node->entries, pattern, (uint32_t) index->count++ };
        node->entries = entry;
        return 0;
}

static int add_match(struct pattern_matches *matches, uint32_t number) {
        if (matches->count == matches->capacity) {
                size_t capacity = matches->capacity ? 2 * matches->capacity : 4;
                uint32_t *larger = realloc(matches->numbers, capacity * sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                matches->numbers = larger;
                matches->capacity = capacity;
        }
        matches->numbers[matches->count++] = number;
        return 0;
}

static int add_matches_of(const struct pattern_node *node, struct slice path, struct slice rest,
                          struct pattern_matches *matches) {
        for (const struct pattern_entry *entry = node->entries; entry; entry = entry->next) {
                if (entry->pattern->is_literal ? rest.length > 0 : !path_pattern_match(entry->pattern, path, NULL))
                        continue;
                int r = add_match(matches, entry->number);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_numbers(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        return (x > y) - (x < y);
}

int pattern_index_find(const struct pattern_index *index, struct slice path, struct pattern_matches *matches) {
        struct slice rest = path;
        for (struct pattern_node *node = index->root; node;) {
                int r = add_matches_of(node, path, rest, matches);
                if (r < 0)
                        return r;
                if (rest.length == 0)
                        break;
                node = *find_child(&node->children, rest.data[0]);
                if (!node || !slice_starts_with(rest, node->label))
                        break;
                rest = slice_from(rest, node->label.length);
        }
        if (matches->count > 1)
                qsort(matches->numbers, matches->count, sizeof(matches->numbers[0]), compare_numbers);
        return 0;
}

void pattern_matches_done(struct pattern_matches *matches) {
        free(matches->numbers);
        *matches = PATTERN_MATCHES_INIT;
}
