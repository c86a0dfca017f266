/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches paths against patterns with two kinds of star. A piece is always put at the first place where it fits: what
 * follows then has the most room, so that only the last "**" is ever tried again further right. What a "*" found is
 * remembered for the next try, which keeps the whole linear in the length of the path.
 */
#include "server/path_pattern.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define NOWHERE SIZE_MAX

/* A search for a piece behind "*" from anywhere within [from, to] ends at `found`. */
struct search_memory {
        size_t from, to, found;
};

static int add_piece(struct path_pattern *pattern, enum path_gap gap, const char *start, const char *end) {
        if (pattern->piece_count == PATH_PATTERN_PIECES_MAX)
                return -E2BIG;
        pattern->pieces[pattern->piece_count++] =
                        (struct path_piece) { .gap = gap, .chunk = { start, (size_t) (end - start) } };
        return 0;
}

static int split(struct path_pattern *pattern, const char *text) {
        enum path_gap gap = PATH_GAP_NONE;
        for (;;) {
                const char *end = text + strcspn(text, "*");
                int r = add_piece(pattern, gap, text, end);
                if (r < 0 || !*end)
                        return r;
                gap = end[1] == '*' ? PATH_GAP_ANY : PATH_GAP_SEGMENT;
                text = end + (gap == PATH_GAP_ANY ? 2 : 1);
        }
}

int path_pattern_compile(const char *text, struct arena *arena, struct error *error, struct path_pattern *ret_pattern) {
        if (text[0] != '/')
                return error_set(error, -EINVAL, "the pattern '%s' must begin with '/'", text);

        struct path_piece pieces[PATH_PATTERN_PIECES_MAX];
        struct path_pattern pattern = { .pieces = pieces };
        if (split(&pattern, text) < 0)
                return error_set(error, -EINVAL, "the pattern '%s' has more than %d stars", text,
                                 PATH_PATTERN_PIECES_MAX - 1);

        pattern.pieces = arena_alloc(arena, pattern.piece_count * sizeof(pieces[0]));
        if (!pattern.pieces)
                return -ENOMEM;
        memcpy(pattern.pieces, pieces, pattern.piece_count * sizeof(pieces[0]));
        pattern.prefix = (struct slice) { text, strcspn(text, "*?") };
        pattern.is_literal = !text[pattern.prefix.length];
        *ret_pattern = pattern;
        return 0;
}

/* Whether the chunk stands at `at`, where there are enough bytes for it. */
static bool chunk_is_at(struct slice chunk, struct slice path, size_t at) {
        const char *bytes = path.data + at;
        for (size_t i = 0; i < chunk.length; i++)
                if (chunk.data[i] != bytes[i] && (chunk.data[i] != '?' || bytes[i] == '/'))
                        return false;
        return true;
}

static size_t find_anywhere(struct slice chunk, struct slice path, size_t from) {
        for (size_t at = from; at + chunk.length <= path.length; at++)
                if (chunk_is_at(chunk, path, at))
                        return at;
        return NOWHERE;
}

/* As find_anywhere, but with no slash between `from` and the place. */
static size_t find_in_segment(struct slice chunk, struct slice path, size_t from, struct search_memory *memory) {
        if (from >= memory->from && from <= memory->to)
                return memory->found;

        size_t at = from, found = NOWHERE;
        for (; at + chunk.length <= path.length; at++) {
                if (chunk_is_at(chunk, path, at)) {
                        found = at;
                        break;
                }
                if (at == path.length || path.data[at] == '/')
                        break;
        }
        *memory = (struct search_memory) { .from = from, .to = at, .found = found };
        return found;
}

/* The last piece has one place only: the end. */
static size_t find_at_end(const struct path_piece *piece, struct slice path, size_t from,
                          struct search_memory *memory) {
        if (from + piece->chunk.length > path.length)
                return NOWHERE;
        size_t at = path.length - piece->chunk.length;
        if (memory->found == NOWHERE) {
                if (!chunk_is_at(piece->chunk, path, at))
                        return NOWHERE;
                const char *slash = piece->gap == PATH_GAP_SEGMENT ? memrchr(path.data, '/', at) : NULL;
                memory->found = at;
                memory->from = slash ? (size_t) (slash - path.data) + 1 : 0;
        }
        return from >= memory->from ? at : NOWHERE;
}

static void capture(const struct path_pattern *pattern, struct slice path, const size_t *places,
                    struct path_captures *captures) {
        size_t end = 0; /* of the piece before */
        captures->count = 0;
        for (size_t i = 0; i < pattern->piece_count; i++) {
                const struct path_piece *piece = &pattern->pieces[i];
                if (piece->gap != PATH_GAP_NONE && captures->count < PATH_PATTERN_CAPTURES_MAX)
                        captures->items[captures->count++] = (struct slice) { path.data + end, places[i] - end };
                for (size_t j = 0; j < piece->chunk.length && captures->count < PATH_PATTERN_CAPTURES_MAX; j++)
                        if (piece->chunk.data[j] == '?')
                                captures->items[captures->count++] = (struct slice) { path.data + places[i] + j, 1 };
                end = places[i] + piece->chunk.length;
        }
}

bool path_pattern_match(const struct path_pattern *pattern, struct slice path, struct path_captures *ret_captures) {
        size_t places[PATH_PATTERN_PIECES_MAX] = { 0 };
        struct search_memory memories[PATH_PATTERN_PIECES_MAX];
        size_t count = pattern->piece_count, last = count - 1, anchor = 0;
        struct slice first = pattern->pieces[0].chunk;

        if (path.length < first.length || !chunk_is_at(first, path, 0) || (last == 0 && path.length != first.length))
                return false;
        for (size_t i = 0; i < count; i++)
                memories[i] = (struct search_memory) { .from = 1, .to = 0, .found = NOWHERE };

        for (size_t i = 1, from = first.length; i < count;) {
                const struct path_piece *piece = &pattern->pieces[i];
                size_t place = i == last ? find_at_end(piece, path, from, &memories[i])
                               : piece->gap == PATH_GAP_SEGMENT
                                               ? find_in_segment(piece->chunk, path, from, &memories[i])
                                               : find_anywhere(piece->chunk, path, from);
                if (place == NOWHERE) {
                        if (piece->gap == PATH_GAP_ANY || anchor == 0)
                                return false;
                        i = anchor;
                        from = places[anchor] + 1;
                        continue;
                }
                places[i] = place;
                if (piece->gap == PATH_GAP_ANY)
                        anchor = i;
                from = place + piece->chunk.length;
                i++;
        }
        if (ret_captures)
                capture(pattern, path, places, ret_captures);
        return true;
}
