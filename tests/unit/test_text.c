/* SPDX-License-Identifier: Apache-2.0 */
/* struct text: growth, failure that is remembered, and the three ways of escaping. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/text.h"

typedef void append_function(struct text *text, struct slice bytes);

static void expect(append_function *append, struct slice bytes, const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        append(&text, bytes);
        assert_string_equal(text.data, expected);
        assert_int_equal(text.length, strlen(expected));
}

static void an_unused_text_finishes_as_the_empty_string(void **state) {
        (void) state;
        struct text text = TEXT_INIT;
        _cleanup_free_ char *string = NULL;
        size_t length = 1;
        assert_int_equal(text_finish(&text, &string, &length), 0);
        assert_string_equal(string, "");
        assert_int_equal(length, 0);
        assert_null(text.data);
}

static void appends_of_every_length_are_kept(void **state) {
        (void) state;
        struct text text = TEXT_INIT;
        char piece[300];
        memset(piece, 'p', sizeof(piece));
        size_t total = 0;
        for (size_t i = 0; i <= sizeof(piece); i++) {
                text_append(&text, (struct slice) { piece, i });
                total += i;
                assert_int_equal(text.length, total);
                assert_int_equal(text.data[total], '\0');
                assert_true(text.capacity > total);
        }
        for (size_t i = 0; i < 1000; i++)
                text_append_char(&text, 'c');
        _cleanup_free_ char *string = NULL;
        assert_int_equal(text_finish(&text, &string, NULL), 0);
        assert_int_equal(strspn(string, "p"), total);
        assert_int_equal(strspn(string + total, "c"), 1000);
        assert_int_equal(strlen(string), total + 1000);
}

static void nothing_may_be_appended(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append(&text, SLICE_NULL);
        text_append_string(&text, NULL);
        text_append_string(&text, "");
        text_append_html(&text, SLICE_NULL);
        text_append_uri_path(&text, SLICE_NULL);
        assert_int_equal(text.length, 0);
        assert_false(text.failed);
}

static void formats_at_every_fill_of_the_block(void **state) {
        (void) state;
        for (size_t fill = 0; fill < 130; fill++)
                for (int width = 1; width < 130; width += 7) {
                        _cleanup_text_ struct text text = TEXT_INIT;
                        for (size_t i = 0; i < fill; i++)
                                text_append_char(&text, '.');
                        text_printf(&text, "%*d", width, 7);
                        assert_int_equal(text.length, fill + (size_t) width);
                        assert_int_equal(text.data[text.length - 1], '7');
                        assert_int_equal(strlen(text.data), text.length);
                }
}

static void numbers(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_unsigned(&text, 0);
        text_append_char(&text, ' ');
        text_append_unsigned(&text, 10);
        text_append_char(&text, ' ');
        text_append_unsigned(&text, UINT64_MAX);
        assert_string_equal(text.data, "0 10 18446744073709551615");
}

static void a_failure_is_remembered(void **state) {
        (void) state;
        struct text text = TEXT_INIT;
        text_append_string(&text, "before");
        text_append(&text, (struct slice) { "", SIZE_MAX / 2 }); /* fails before it reads */
        assert_true(text.failed);
        assert_string_equal(text.data, "before");

        text_append_string(&text, "after");
        text_append_char(&text, 'c');
        text_printf(&text, "%d", 1);
        text_append_unsigned(&text, 1);
        text_append_json(&text, SLICE_LITERAL("\"\n\x80"));
        text_append_html(&text, SLICE_LITERAL("<a>"));
        text_append_uri_path(&text, SLICE_LITERAL("a b"));
        assert_string_equal(text.data, "before");

        char *string = NULL;
        size_t length = 77;
        assert_int_equal(text_finish(&text, &string, &length), -ENOMEM);
        assert_null(string);
        assert_int_equal(length, 77);
        text_done(&text);
        assert_false(text.failed);
        text_done(&text);
        text_done(NULL);
}

static void json(void **state) {
        (void) state;
        expect(text_append_json, SLICE_NULL, "\"\"");
        expect(text_append_json, SLICE_LITERAL("plain text/"), "\"plain text/\"");
        expect(text_append_json, SLICE_LITERAL("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
        expect(text_append_json, SLICE_LITERAL("a\0b\x01\x1F\x7F"), "\"a\\u0000b\\u0001\\u001f\x7F\"");
        expect(text_append_json, SLICE_LITERAL("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"),
               "\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
        expect(text_append_json,
               SLICE_LITERAL("a\xFF"
                             "b"),
               "\"a\xEF\xBF\xBD"
               "b\"");
        expect(text_append_json, SLICE_LITERAL("\xE2\x82\""), "\"\xEF\xBF\xBD\\\"\""); /* the quote is not swallowed */
        expect(text_append_json, SLICE_LITERAL("\xE2\x82"), "\"\xEF\xBF\xBD\"");
        expect(text_append_json, SLICE_LITERAL("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
        expect(text_append_json, SLICE_LITERAL("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void html(void **state) {
        (void) state;
        expect(text_append_html, SLICE_LITERAL("plain"), "plain");
        expect(text_append_html, SLICE_LITERAL("<a href=\"x\">'&'</a>"),
               "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
        expect(text_append_html, SLICE_LITERAL("&amp;"), "&amp;amp;");
        expect(text_append_html, SLICE_LITERAL("tail>"), "tail&gt;");
        expect(text_append_html, SLICE_LITERAL("\xC3\xA4"), "\xC3\xA4");
}

static void uri_path(void **state) {
        (void) state;
        expect(text_append_uri_path, SLICE_LITERAL("/a/b.txt"), "/a/b.txt");
        expect(text_append_uri_path, SLICE_LITERAL("a b?c#d%e"), "a%20b%3Fc%23d%25e");
        expect(text_append_uri_path, SLICE_LITERAL("-._~!$&'()*+,;=@"), "-._~!$&'()*+,;=@");
        expect(text_append_uri_path, SLICE_LITERAL("\"<>[\\]^`{|}"), "%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
        expect(text_append_uri_path, SLICE_LITERAL("\0\x1F\x7F\xC3\xA4\xFF"), "%00%1F%7F%C3%A4%FF");
        expect(text_append_uri_path, SLICE_LITERAL("javascript:x/a:b"), "javascript%3Ax/a:b");
        expect(text_append_uri_path, SLICE_LITERAL("/a:b"), "/a:b");
        expect(text_append_uri_path, SLICE_LITERAL("AZaz09"), "AZaz09");
}

static void format(void **state) {
        (void) state;
        _cleanup_free_ char *string = text_format("%s/%d", "a", 7);
        assert_string_equal(string, "a/7");
        _cleanup_free_ char *empty = text_format("%s", "");
        assert_string_equal(empty, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_unused_text_finishes_as_the_empty_string),
                cmocka_unit_test(appends_of_every_length_are_kept),
                cmocka_unit_test(nothing_may_be_appended),
                cmocka_unit_test(formats_at_every_fill_of_the_block),
                cmocka_unit_test(numbers),
                cmocka_unit_test(a_failure_is_remembered),
                cmocka_unit_test(json),
                cmocka_unit_test(html),
                cmocka_unit_test(uri_path),
                cmocka_unit_test(format),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
