/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, canonical paths, authorities. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/target.h"
#include "shared/syscall.h"

static void assert_slice(struct slice actual, const char *expected) {
        if (!expected) {
                assert_null(actual.data);
                return;
        }
        if (!slice_equal_text(actual, expected))
                fail_msg("\"%.*s\" is not \"%s\"", SLICE_PRINTF(actual), expected);
}

static void targets_of_each_form(void **state) {
        (void) state;
        static const struct {
                const char *text;
                bool is_connect;
                enum http_target_form form;
                const char *scheme, *authority, *path, *query;
        } rows[] = {
                { "/", false, HTTP_TARGET_ORIGIN, NULL, NULL, "/", NULL },
                { "/a/b?c=d?e", false, HTTP_TARGET_ORIGIN, NULL, NULL, "/a/b", "c=d?e" },
                { "/?", false, HTTP_TARGET_ORIGIN, NULL, NULL, "/", "" },
                { "//a/b", false, HTTP_TARGET_ORIGIN, NULL, NULL, "//a/b", NULL },
                { "http://a", false, HTTP_TARGET_ABSOLUTE, "http", "a", "/", NULL },
                { "HTTPS://A.b:8443/x?y", false, HTTP_TARGET_ABSOLUTE, "HTTPS", "A.b:8443", "/x", "y" },
                { "http://[::1]:80?q", false, HTTP_TARGET_ABSOLUTE, "http", "[::1]:80", "/", "q" },
                { "a+b-c.d://h/", false, HTTP_TARGET_ABSOLUTE, "a+b-c.d", "h", "/", NULL },
                { "*", false, HTTP_TARGET_ASTERISK, NULL, NULL, NULL, NULL },
                { "a:443", true, HTTP_TARGET_AUTHORITY, NULL, "a:443", NULL, NULL },
                { "[::1]:443", true, HTTP_TARGET_AUTHORITY, NULL, "[::1]:443", NULL, NULL },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct http_target target;
                assert_int_equal(http_target_parse(slice_of(rows[i].text), rows[i].is_connect, &target), 0);
                assert_int_equal(target.form, rows[i].form);
                assert_slice(target.scheme, rows[i].scheme);
                assert_slice(target.authority, rows[i].authority);
                assert_slice(target.raw_path, rows[i].path);
                assert_slice(target.query, rows[i].query);
        }
}

static void targets_of_no_form(void **state) {
        (void) state;
        static const struct {
                struct slice text;
                bool is_connect;
        } rows[] = {
                { SLICE_LITERAL(""), false },
                { SLICE_LITERAL("a"), false },
                { SLICE_LITERAL("a/b"), false },
                { SLICE_LITERAL("?a"), false },
                { SLICE_LITERAL("**"), false },
                { SLICE_LITERAL("/a#b"), false },
                { SLICE_LITERAL("/?a#"), false },
                { SLICE_LITERAL("/a b"), false },
                { SLICE_LITERAL("/a\tb"), false },
                { SLICE_LITERAL("/a\0"), false },
                { SLICE_LITERAL("/\x7f"), false },
                { SLICE_LITERAL("/?\n"), false },
                { SLICE_LITERAL("a:80"), false },
                { SLICE_LITERAL("http:/a"), false },
                { SLICE_LITERAL("http:///a"), false },
                { SLICE_LITERAL("http://"), false },
                { SLICE_LITERAL("://a"), false },
                { SLICE_LITERAL("1http://a"), false },
                { SLICE_LITERAL("h_t://a"), false },
                { SLICE_LITERAL("http://u@a/"), false },
                { SLICE_LITERAL("http://u:p@a/"), false },
                { SLICE_LITERAL("http://a#b"), false },
                { SLICE_LITERAL("http://a:b/"), false },
                { SLICE_LITERAL("http://a\\b/"), false },
                { SLICE_LITERAL("a"), true },
                { SLICE_LITERAL("a:"), true },
                { SLICE_LITERAL("a:0"), true },
                { SLICE_LITERAL("/"), true },
                { SLICE_LITERAL("*"), true },
                { SLICE_LITERAL("http://a:1/"), true },
                { SLICE_LITERAL(""), true },
                { SLICE_LITERAL(":1"), true },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct http_target target;
                if (http_target_parse(rows[i].text, rows[i].is_connect, &target) != -EBADMSG)
                        fail_msg("\"%.*s\" was taken", SLICE_PRINTF(rows[i].text));
        }
}

/* Each from a heap block of its own size, with scratch of its own size. */
static int canonicalize(struct slice raw, struct slice *ret_path, char **ret_raw, char **ret_scratch) {
        *ret_raw = malloc(raw.length ? raw.length : 1);
        *ret_scratch = malloc(raw.length ? raw.length : 1);
        assert_non_null(*ret_raw);
        assert_non_null(*ret_scratch);
        memcpy(*ret_raw, raw.data, raw.length);
        return http_path_canonicalize((struct slice) { *ret_raw, raw.length }, *ret_scratch, ret_path);
}

static void paths_that_are_canonical_are_views(void **state) {
        (void) state;
        static const char *const paths[] = { "/",
                                             "/a",
                                             "/a/",
                                             "/a/b.c",
                                             "/.well-known/x",
                                             "/a/...",
                                             "/..a/b..",
                                             "/a.",
                                             "/a~b!$&'()*+,;=:@",
                                             "/\xc3\xa4/\xff",
                                             "/.../",
                                             "/a/.b" };
        for (size_t i = 0; i < ELEMENTS_OF(paths); i++) {
                _cleanup_free_ char *raw = NULL, *scratch = NULL;
                struct slice path;
                assert_int_equal(canonicalize(slice_of(paths[i]), &path, &raw, &scratch), 0);
                assert_slice(path, paths[i]);
                assert_ptr_equal(path.data, raw);
        }
}

static void paths_are_made_canonical(void **state) {
        (void) state;
        static const struct {
                const char *raw, *path;
        } rows[] = {
                { "/%61", "/a" },
                { "/a%20b", "/a b" },
                { "/%C3%a4", "/\xc3\xa4" },
                { "/%25", "/%" },
                { "/%252e%252e/", "/%2e%2e/" },
                { "/%3f%23", "/?#" },
                { "/%5c", "/\\" },
                { "//", "/" },
                { "//a", "/a" },
                { "///a///b///", "/a/b/" },
                { "/.", "/" },
                { "/./", "/" },
                { "/./a", "/a" },
                { "/a/.", "/a/" },
                { "/a/./b", "/a/b" },
                { "/a/..", "/" },
                { "/a/../", "/" },
                { "/a/../b", "/b" },
                { "/a/b/..", "/a/" },
                { "/a/b/../..", "/" },
                { "/a/b/../../c", "/c" },
                { "/a//../b", "/b" },
                { "/a/%2e%2E/b", "/b" },
                { "/a/.%2e/b", "/b" },
                { "/a/%2e/b", "/a/b" },
                { "/a/%2e", "/a/" },
                { "/ab/cd/../%65f", "/ab/ef" },
                { "/%2e%2e%2e", "/..." },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                _cleanup_free_ char *raw = NULL, *scratch = NULL;
                struct slice path;
                assert_int_equal(canonicalize(slice_of(rows[i].raw), &path, &raw, &scratch), 0);
                assert_slice(path, rows[i].path);
        }
}

static void paths_that_are_refused(void **state) {
        (void) state;
        static const struct slice rows[] = {
                SLICE_LITERAL(""),       SLICE_LITERAL("a"),        SLICE_LITERAL("/.."),
                SLICE_LITERAL("/../a"),  SLICE_LITERAL("/a/../.."), SLICE_LITERAL("/a/../../b"),
                SLICE_LITERAL("//.."),   SLICE_LITERAL("/%2e%2e"),  SLICE_LITERAL("/%2e./a"),
                SLICE_LITERAL("/.%2e"),  SLICE_LITERAL("/%00"),     SLICE_LITERAL("/a%00.html"),
                SLICE_LITERAL("/%0a"),   SLICE_LITERAL("/%0D"),     SLICE_LITERAL("/%1f"),
                SLICE_LITERAL("/%7f"),   SLICE_LITERAL("/%7F"),     SLICE_LITERAL("/%2f"),
                SLICE_LITERAL("/a%2Fb"), SLICE_LITERAL("/..%2f"),   SLICE_LITERAL("/%"),
                SLICE_LITERAL("/%2"),    SLICE_LITERAL("/%2g"),     SLICE_LITERAL("/%g2"),
                SLICE_LITERAL("/%%"),    SLICE_LITERAL("/%u0041"),  SLICE_LITERAL("/%/a"),
                SLICE_LITERAL("/a\\b"),  SLICE_LITERAL("/..\\a"),   SLICE_LITERAL("/a\0b"),
                SLICE_LITERAL("/\n"),    SLICE_LITERAL("/a?b"),     SLICE_LITERAL("/a#b"),
                SLICE_LITERAL("/%61\\"), SLICE_LITERAL("/%61?"),    SLICE_LITERAL("/%61\x01"),
                SLICE_LITERAL("/%2 0"),  SLICE_LITERAL("/%+1"),     SLICE_LITERAL("/%0x"),
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                _cleanup_free_ char *raw = NULL, *scratch = NULL;
                struct slice path;
                if (canonicalize(rows[i], &path, &raw, &scratch) != -EBADMSG)
                        fail_msg("\"%.*s\" was taken", SLICE_PRINTF(rows[i]));
        }
}

static void authorities(void **state) {
        (void) state;
        static const struct {
                const char *text, *host; /* NULL: refused */
                uint16_t port;
        } rows[] = {
                { "a", "a", 0 },
                { "Example.ORG", "example.org", 0 },
                { "example.org.", "example.org", 0 },
                { "example.org.:80", "example.org", 80 },
                { "a:", "a", 0 },
                { "a:65535", "a", 65535 },
                { "a:00080", "a", 80 },
                { "127.0.0.1:8080", "127.0.0.1", 8080 },
                { "my_service-1", "my_service-1", 0 },
                { "xn--bcher-kva.example", "xn--bcher-kva.example", 0 },
                { "[::1]", "[::1]", 0 },
                { "[2001:DB8::A]:443", "[2001:db8::a]", 443 },
                { "[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]", 1 },
                { "", NULL, 0 },
                { ".", NULL, 0 },
                { "..", NULL, 0 },
                { ".a", NULL, 0 },
                { "a..b", NULL, 0 },
                { "a..", NULL, 0 },
                { ":80", NULL, 0 },
                { "a:0", NULL, 0 },
                { "a:65536", NULL, 0 },
                { "a:000080", NULL, 0 },
                { "a:8o", NULL, 0 },
                { "a:+80", NULL, 0 },
                { "a: 80", NULL, 0 },
                { "a:80:80", NULL, 0 },
                { "::1", NULL, 0 },
                { "[::1", NULL, 0 },
                { "[]", NULL, 0 },
                { "[]:80", NULL, 0 },
                { "[::1]a", NULL, 0 },
                { "[::1].", NULL, 0 },
                { "[::1%25lo]", NULL, 0 },
                { "[::g]", NULL, 0 },
                { "[v1.a]", NULL, 0 },
                { "[127.0.0.1]", NULL, 0 },
                { "[1:2:3:4:5:6:7:8:9]", NULL, 0 },
                { "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", NULL, 0 },
                { "u@a", NULL, 0 },
                { "a/b", NULL, 0 },
                { "a b", NULL, 0 },
                { "a,b", NULL, 0 },
                { "a%41", NULL, 0 },
                { "a\\b", NULL, 0 },
                { "*", NULL, 0 },
                { "\xc3\xa4", NULL, 0 },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                size_t length = strlen(rows[i].text);
                _cleanup_free_ char *text = malloc(length + 1), *scratch = malloc(length + 1);
                assert_non_null(text);
                assert_non_null(scratch);
                memcpy(text, rows[i].text, length);
                struct slice host;
                uint16_t port;
                int r = http_authority_parse((struct slice) { text, length }, scratch, &host, &port);
                if (r != (rows[i].host ? 0 : -EBADMSG))
                        fail_msg("\"%s\": %d", rows[i].text, r);
                if (r < 0)
                        continue;
                assert_slice(host, rows[i].host);
                assert_int_equal(port, rows[i].port);
        }
}

static void long_and_odd_authorities(void **state) {
        (void) state;
        char text[300], scratch[300];
        struct slice host;
        uint16_t port;
        memset(text, 'a', sizeof(text));
        assert_int_equal(http_authority_parse((struct slice) { text, 255 }, scratch, &host, &port), 0);
        assert_int_equal(http_authority_parse((struct slice) { text, 256 }, scratch, &host, &port), -EBADMSG);
        assert_int_equal(http_authority_parse(SLICE_NULL, scratch, &host, &port), -EBADMSG);
        assert_int_equal(http_authority_parse(SLICE_LITERAL("a\0b"), scratch, &host, &port), -EBADMSG);
        assert_int_equal(http_authority_parse(SLICE_LITERAL("[::1\0]"), scratch, &host, &port), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(targets_of_each_form),
                cmocka_unit_test(targets_of_no_form),
                cmocka_unit_test(paths_that_are_canonical_are_views),
                cmocka_unit_test(paths_are_made_canonical),
                cmocka_unit_test(paths_that_are_refused),
                cmocka_unit_test(authorities),
                cmocka_unit_test(long_and_odd_authorities),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
