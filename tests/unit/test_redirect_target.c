/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of redirects: filled in, encoded, and never leading to a host that the rule does not name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/redirect_target.h"
#include "shared/syscall.h"

static void assert_target(const char *pattern_text, const char *target_text, const char *path, const char *query,
                          const char *expected) {
        struct arena arena;
        arena_init(&arena, 0);
        struct path_pattern pattern;
        assert_int_equal(path_pattern_compile(pattern_text, &arena, NULL, &pattern), 0);
        struct path_captures captures;
        assert_true(path_pattern_match(&pattern, slice_of(path), &captures));
        struct redirect_target target;
        struct error error = ERROR_INIT;
        if (redirect_target_compile(target_text, captures.count, &arena, &error, &target) < 0)
                fail_msg("%s: %s", target_text, error.text);
        _cleanup_text_ struct text text = TEXT_INIT;
        redirect_target_append(&target, slice_of(path), slice_of(query), &captures, &text);
        assert_string_equal(text.data ? text.data : "", expected);
        arena_done(&arena);
}

static void test_filled_in(void **state) {
        assert_target("/old/*", "/new/$1", "/old/page", NULL, "/new/page");
        assert_target("/a/*/b/**", "/$2/$1", "/a/x/b/y/z", NULL, "/y/z/x");
        assert_target("/**", "https://example.org$uri", "/a b", NULL, "https://example.org/a%20b");
        assert_target("/**", "https://example.org$uri?$query", "/a", "x=1&y=%20", "https://example.org/a?x=1&y=%20");
        assert_target("/**", "https://example.org$uri?$query", "/a", NULL, "https://example.org/a");
        assert_target("/**", "/x?from=old&$query", "/a", "", "/x?from=old");
        assert_target("/**", "/x?$query&from=old", "/a", "", "/x?&from=old");
        assert_target("/find/*", "/search?q=$1&more=1", "/find/a&b=c+d e", NULL, "/search?q=a%26b%3Dc%2Bd%20e&more=1");
        assert_target("/**", "$uri", "/a", NULL, "/a");
        assert_target("/**", "/price$$", "/a", NULL, "/price$");
        assert_target("/", "https://example.org", "/", NULL, "https://example.org");
}

static void test_hostile_requests(void **state) {
        assert_target("/go/**", "/$1", "/go/x\r\nSet-Cookie: a=b", NULL, "/x%0D%0ASet-Cookie%3A%20a=b");
        assert_target("/**", "/x?$query", "/a", "q=\r\nX: y\"<\xff", "/x?q=%0D%0AX:%20y%22%3C%FF");
        assert_target("/a**", "/$1", "/a/evil.test", NULL, "/evil.test");
        assert_target("/a**", "/$1", "/a//evil.test", NULL, "/evil.test");
        assert_target("/a*/**", "/$1$2", "/a/evil.test", NULL, "/evil.test");
        assert_target("/*a/**", "/$1/$2", "/a/evil.test", NULL, "/evil.test");
        assert_target("/**", "/$uri", "/evil.test", NULL, "/evil.test");
        assert_target("/go/**", "/$1", "/go/\\evil.test", NULL, "/%5Cevil.test");
}

static void assert_refused(const char *text, size_t wildcards, const char *word) {
        struct arena arena;
        arena_init(&arena, 0);
        struct redirect_target target;
        struct error error = ERROR_INIT;
        assert_int_equal(redirect_target_compile(text, wildcards, &arena, &error, &target), -EINVAL);
        if (!strstr(error.text, word))
                fail_msg("%s: '%s' does not say '%s'", text, error.text, word);
        arena_done(&arena);
}

static void test_refused(void **state) {
        assert_refused("", 0, "must begin");
        assert_refused("page", 0, "must begin");
        assert_refused("$1", 1, "must begin");
        assert_refused("ftp://example.org/", 0, "must begin");
        assert_refused("//example.org/", 0, "names a host");
        assert_refused("/$2", 1, "1 wildcard");
        assert_refused("/$1", 0, "0 wildcards");
        assert_refused("/$x", 3, "digit");
        assert_refused("/$", 3, "digit");
        assert_refused("/$0", 3, "digit");
        assert_refused("/a b", 0, "percent-encoded");
        assert_refused("/a\nb", 0, "percent-encoded");
        assert_refused("https://$1.example.org/", 1, "host");
        assert_refused("https://example.org$1", 1, "host");
        assert_refused("https://$query", 1, "host");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_filled_in),
                cmocka_unit_test(test_hostile_requests),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
