/* SPDX-License-Identifier: Apache-2.0 */
/* A rule of a site against a request. The first line is the pattern, the second the redirect's target, the third the
 * path, the rest the query. The index agrees with the matcher; captures are views of the path; whatever was asked
 * for, the Location is one line of address characters and names no host that the rule does not name. */
#include <errno.h>

#include "fuzz.h"
#include "server/pattern_index.h"
#include "server/redirect_target.h"
#include "server/sniff.h"
#include "shared/syscall.h"

static struct slice take_line(struct slice *text) {
        const char *end = text->length ? memchr(text->data, '\n', text->length) : NULL;
        size_t length = end ? (size_t) (end - text->data) : text->length;
        struct slice line = { text->data, length };
        *text = slice_from(*text, end ? length + 1 : length);
        return line;
}

static void check_captures(const struct path_captures *captures, struct slice path) {
        require(captures->count <= PATH_PATTERN_CAPTURES_MAX);
        for (size_t i = 0; i < captures->count; i++)
                require(lies_within(captures->items[i], path.data, path.length));
}

/* The host of an address as a browser reads it: nothing, for a path on the same host. */
static struct slice host_of(const char *location) {
        struct slice rest = slice_of(location);
        if (slice_starts_with(rest, SLICE_LITERAL("//")))
                return slice_from(rest, 2);
        if (slice_starts_with(rest, SLICE_LITERAL("/")))
                return SLICE_LITERAL("");
        const char *slashes = strstr(location, "//");
        require(slashes);
        rest = slice_of(slashes + 2);
        return (struct slice) { rest.data, strcspn(rest.data, "/?#") };
}

static void check_location(const struct redirect_target *target, const char *target_text, struct slice path,
                           struct slice query, const struct path_captures *captures) {
        _cleanup_text_ struct text text = TEXT_INIT;
        redirect_target_append(target, path, query, captures, &text);
        require(!text.failed);
        const char *location = text.data ? text.data : "";
        for (const char *at = location; *at; at++)
                require((unsigned char) *at > ' ' && (unsigned char) *at < 0x7f && !strchr("\"<>\\^`{|}", *at));
        if (*location == '\0')
                return;
        if (strncmp(target_text, "http", 4) != 0) {
                require(host_of(location).length == 0);
                return;
        }
        struct slice host = host_of(location);
        const char *named = strstr(target_text, "//") + 2;
        require(host.length <= strlen(named));
        for (size_t i = 0, j = 0; i < host.length; i++, j++) {
                j += named[j] == '$'; /* "$$" stands for one */
                require(host.data[i] == named[j]);
        }
}

static void check_rule(const char *pattern_text, const char *target_text, struct slice path, struct slice query,
                       struct arena *arena) {
        struct path_pattern pattern;
        if (path_pattern_compile(pattern_text, arena, NULL, &pattern) < 0)
                return;
        struct path_captures captures;
        bool matches = path_pattern_match(&pattern, path, &captures);

        struct pattern_index index;
        pattern_index_init(&index, arena);
        require(pattern_index_add(&index, &pattern) == 0);
        struct pattern_matches found = PATTERN_MATCHES_INIT;
        require(pattern_index_find(&index, path, &found) == 0);
        require(found.count == matches);
        pattern_matches_done(&found);

        if (!matches)
                return;
        check_captures(&captures, path);
        struct redirect_target target;
        int r = redirect_target_compile(target_text, captures.count, arena, NULL, &target);
        require(r == 0 || r == -EINVAL);
        if (r == 0)
                check_location(&target, target_text, path, query, &captures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct slice rest = { (const char *) data, size };
        require(sniff_media_type(data, size));
        if (memchr(data ? (const char *) data : "", '\0', size))
                return 0;

        struct arena arena;
        arena_init(&arena, 0);
        char *pattern = arena_copy(&arena, take_line(&rest)), *target = arena_copy(&arena, take_line(&rest));
        struct slice path = take_line(&rest);
        require(pattern && target);
        /* What a canonical path is: it begins with a slash, and no two stand together. */
        if (path.length > 0 && path.data[0] == '/' && !memmem(path.data, path.length, "//", 2)) {
                _cleanup_free_ char *exact = exact_copy(path.data, path.length);
                check_rule(pattern, target, (struct slice) { exact, path.length }, rest, &arena);
        }
        arena_done(&arena);
        return 0;
}
