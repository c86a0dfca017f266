/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths, held against a slow matcher that tries everything, and the index over many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/pattern_index.h"
#include "shared/syscall.h"

static struct path_pattern compile(struct arena *arena, const char *text) {
        struct path_pattern pattern;
        assert_int_equal(path_pattern_compile(text, arena, NULL, &pattern), 0);
        return pattern;
}

static bool matches(const char *text, const char *path) {
        struct arena arena;
        arena_init(&arena, 0);
        struct path_pattern pattern = compile(&arena, text);
        bool result = path_pattern_match(&pattern, slice_of(path), NULL);
        arena_done(&arena);
        return result;
}

/* What the words in path_pattern.h say, by trying everything. */
static bool matches_slowly(const char *pattern, const char *path) {
        if (pattern[0] == '*' && pattern[1] == '*') {
                for (;; path++) {
                        if (matches_slowly(pattern + 2, path))
                                return true;
                        if (!*path)
                                return false;
                }
        }
        if (pattern[0] == '*') {
                for (;; path++) {
                        if (matches_slowly(pattern + 1, path))
                                return true;
                        if (!*path || *path == '/')
                                return false;
                }
        }
        if (!*pattern || !*path)
                return *pattern == *path;
        return (*pattern == *path || (*pattern == '?' && *path != '/')) && matches_slowly(pattern + 1, path + 1);
}

static void test_examples(void **state) {
        static const struct {
                const char *pattern, *path;
                bool matches;
        } cases[] = {
                { "/", "/", true },
                { "/", "/a", false },
                { "/a", "/a", true },
                { "/a", "/a/", false },
                { "/a", "/", false },
                { "/*", "/", true },
                { "/*", "/abc", true },
                { "/*", "/a/b", false },
                { "/*.html", "/a.html", true },
                { "/*.html", "/.html", true },
                { "/*.html", "/a.html.html", true },
                { "/*.html", "/a/b.html", false },
                { "/**.html", "/a/b.html", true },
                { "/**", "/", true },
                { "/**", "/a/b/c", true },
                { "/a/**", "/a", false },
                { "/a/**", "/a/", true },
                { "/**/*.js", "/x/y/z.js", true },
                { "/**/*.js", "/z.js", false },
                { "/a?c", "/abc", true },
                { "/a?c", "/a/c", false },
                { "/?", "/", false },
                { "/**/a*b/c", "/x/ab/a/axb/c", true },
                { "/**/a*b/c", "/x/ab/a/axb/cd", false },
                { "/***x", "/a/b/x", true },
                { "/*a*", "/bab", true },
                { "/*/b/*", "/a/b/c", true },
                { "/*/b/*", "/a/c/b/c", false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                if (matches(cases[i].pattern, cases[i].path) != cases[i].matches)
                        fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].path);
}

/* Every pattern and every path of a small alphabet, up to a length. */
static void test_against_slow_matcher(void **state) {
        static const char pattern_alphabet[] = "*?/a", path_alphabet[] = "/ab";
        char pattern[8] = "/", path[8] = "/";
        for (unsigned p = 0; p < 4 * 4 * 4 * 4 * 4 * 4; p++) {
                unsigned length = 1 + p % 7;
                for (unsigned i = 1, rest = p; i < length; i++, rest /= 4)
                        pattern[i] = pattern_alphabet[rest % 4];
                pattern[length] = '\0';

                struct arena arena;
                arena_init(&arena, 0);
                struct path_pattern compiled = compile(&arena, pattern);
                for (unsigned q = 0; q < 3 * 3 * 3 * 3 * 3 * 3; q++) {
                        unsigned path_length = 1 + q % 7;
                        for (unsigned i = 1, rest = q; i < path_length; i++, rest /= 3)
                                path[i] = path_alphabet[rest % 3];
                        path[path_length] = '\0';
                        if (path_pattern_match(&compiled, slice_of(path), NULL) != matches_slowly(pattern, path))
                                fail_msg("'%s' against '%s'", pattern, path);
                }
                arena_done(&arena);
        }
}

static void test_random_long(void **state) {
        unsigned seed = 7;
        for (unsigned round = 0; round < 20000; round++) {
                char pattern[20] = "/", path[28] = "/";
                size_t pattern_length = 1 + (size_t) rand_r(&seed) % 18, path_length = 1 + (size_t) rand_r(&seed) % 26;
                for (size_t i = 1; i < pattern_length; i++)
                        pattern[i] = "**?//aab"[rand_r(&seed) % 8];
                for (size_t i = 1; i < path_length; i++)
                        path[i] = "/aab"[rand_r(&seed) % 4];
                if (matches(pattern, path) != matches_slowly(pattern, path))
                        fail_msg("'%s' against '%s'", pattern, path);
        }
}

static void assert_captures(const char *text, const char *path, const char *joined) {
        struct arena arena;
        arena_init(&arena, 0);
        struct path_pattern pattern = compile(&arena, text);
        struct path_captures captures;
        assert_true(path_pattern_match(&pattern, slice_of(path), &captures));
        char result[256] = "";
        for (size_t i = 0; i < captures.count; i++) {
                size_t used = strlen(result);
                (void) snprintf(result + used, sizeof(result) - used, "%s%.*s", i ? "|" : "",
                                SLICE_PRINTF(captures.items[i]));
        }
        assert_string_equal(result, joined);
        arena_done(&arena);
}

static void test_captures(void **state) {
        assert_captures("/a/*/b/**", "/a/x/b/y/z", "x|y/z");
        assert_captures("/**/*.html", "/a/b/c.html", "a/b|c");
        assert_captures("/?x?", "/axb", "a|b");
        assert_captures("/*?*", "/abc", "|a|bc");
        assert_captures("/**", "/", "");
        assert_captures("/a/*", "/a/", "");
        assert_captures("/*-*-*-*-*-*-*-*-*-*", "/1-2-3-4-5-6-7-8-9-10", "1|2|3|4|5|6|7|8|9");
        assert_captures("/**a*b", "/xa/a/acb", "xa/a/|c");
}

static void test_refused(void **state) {
        struct arena arena;
        arena_init(&arena, 0);
        struct path_pattern pattern;
        struct error error = ERROR_INIT;
        assert_int_equal(path_pattern_compile("a/*", &arena, &error, &pattern), -EINVAL);
        assert_non_null(strstr(error.text, "'a/*'"));
        assert_int_equal(path_pattern_compile("", &arena, NULL, &pattern), -EINVAL);

        char many[2 * PATH_PATTERN_PIECES_MAX + 2] = "/";
        for (unsigned i = 0; i < PATH_PATTERN_PIECES_MAX - 1; i++)
                strcat(many, "*a");
        assert_int_equal(path_pattern_compile(many, &arena, NULL, &pattern), 0);
        strcat(many, "*");
        assert_int_equal(path_pattern_compile(many, &arena, NULL, &pattern), -EINVAL);
        arena_done(&arena);
}

/* Counts steps by the processor's clock of this thread; a matcher that backtracks needs minutes here. */
static void test_linear(void **state) {
        static char path[100001];
        memset(path, 'a', sizeof(path) - 1);
        path[0] = '/';
        struct timespec before, after;
        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        assert_false(matches("/**a*a*a*a*a**a*a*a*a*b", path));
        assert_false(matches("/**a*c", path));
        assert_false(matches("/*a*a*a*a*a*a*a*a*a*a*a*a*a*/", path));
        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        assert_true(after.tv_sec - before.tv_sec < 5);
}

static void assert_found(const struct pattern_index *index, const char *path, const char *numbers) {
        struct pattern_matches found = PATTERN_MATCHES_INIT;
        assert_int_equal(pattern_index_find(index, slice_of(path), &found), 0);
        char text[256] = "";
        for (size_t i = 0; i < found.count; i++) {
                size_t used = strlen(text);
                (void) snprintf(text + used, sizeof(text) - used, "%s%u", i ? " " : "", found.numbers[i]);
        }
        assert_string_equal(text, numbers);
        pattern_matches_done(&found);
}

static void test_index(void **state) {
        static const char *const texts[] = { "/**", "/blog/*",  "/blog",   "/blog/**",
                                             "/b*", "/blogs/x", "/**.css", "/blog" };
        struct path_pattern patterns[ELEMENTS_OF(texts)];
        struct arena arena;
        arena_init(&arena, 0);
        struct pattern_index index;
        pattern_index_init(&index, &arena);
        assert_found(&index, "/", "");
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
                patterns[i] = compile(&arena, texts[i]);
                assert_int_equal(pattern_index_add(&index, &patterns[i]), 0);
        }
        assert_found(&index, "/", "0");
        assert_found(&index, "/blog", "0 2 4 7");
        assert_found(&index, "/blog/", "0 1 3");
        assert_found(&index, "/blog/a.css", "0 1 3 6");
        assert_found(&index, "/blog/a/b", "0 3");
        assert_found(&index, "/blogs/x", "0 5");
        assert_found(&index, "/blogs/xy", "0");
        assert_found(&index, "/c", "0");
        arena_done(&arena);
}

static void test_index_of_many(void **state) {
        enum { COUNT = 10000 };
        struct arena arena;
        arena_init(&arena, 0);
        struct pattern_index index;
        pattern_index_init(&index, &arena);
        struct path_pattern *patterns = arena_alloc(&arena, COUNT * sizeof(*patterns));
        assert_non_null(patterns);
        for (unsigned i = 0; i < COUNT; i++) {
                char *text = arena_format(&arena, i % 2 ? "/old/post-%u" : "/old/%u/**", i);
                patterns[i] = compile(&arena, text);
                assert_int_equal(pattern_index_add(&index, &patterns[i]), 0);
        }
        for (unsigned i = 0; i < COUNT; i++) {
                char path[64], number[16];
                (void) snprintf(path, sizeof(path), i % 2 ? "/old/post-%u" : "/old/%u/x", i);
                (void) snprintf(number, sizeof(number), "%u", i);
                assert_found(&index, path, number);
        }
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_examples),    cmocka_unit_test(test_against_slow_matcher),
                cmocka_unit_test(test_random_long), cmocka_unit_test(test_captures),
                cmocka_unit_test(test_refused),     cmocka_unit_test(test_linear),
                cmocka_unit_test(test_index),       cmocka_unit_test(test_index_of_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
