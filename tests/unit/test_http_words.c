/* SPDX-License-Identifier: Apache-2.0 */
/* Method names, status lines and reasons. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/method.h"
#include "http/status.h"

static void every_method_has_its_name(void **state) {
        (void) state;
        static const struct {
                const char *name;
                enum http_method method;
        } rows[] = {
                { "GET", HTTP_METHOD_GET },         { "HEAD", HTTP_METHOD_HEAD },
                { "POST", HTTP_METHOD_POST },       { "PUT", HTTP_METHOD_PUT },
                { "DELETE", HTTP_METHOD_DELETE },   { "CONNECT", HTTP_METHOD_CONNECT },
                { "OPTIONS", HTTP_METHOD_OPTIONS }, { "TRACE", HTTP_METHOD_TRACE },
                { "PATCH", HTTP_METHOD_PATCH },     { "get", HTTP_METHOD_OTHER },
                { "GETS", HTTP_METHOD_OTHER },      { "GE", HTTP_METHOD_OTHER },
                { "", HTTP_METHOD_OTHER },          { "PROPFIND", HTTP_METHOD_OTHER },
                { "PUR", HTTP_METHOD_OTHER },       { "HEAT", HTTP_METHOD_OTHER },
                { "PATCh", HTTP_METHOD_OTHER },     { "CONNECt", HTTP_METHOD_OTHER },
                { "DELETD", HTTP_METHOD_OTHER },    { "OPTIONS ", HTTP_METHOD_OTHER },
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(http_method_from_name(slice_of(rows[i].name)), rows[i].method);
}

static void status_lines_are_whole(void **state) {
        (void) state;
        for (int status = 100; status <= 599; status++) {
                struct slice line = http_status_line(status);
                char expected[128];
                int length = snprintf(expected, sizeof(expected), "HTTP/1.1 %d %s\r\n", status,
                                      http_status_reason(status));
                assert_int_equal(line.length, length);
                assert_memory_equal(line.data, expected, line.length);
        }
}

static void reasons_are_those_of_the_registry(void **state) {
        (void) state;
        assert_string_equal(http_status_reason(200), "OK");
        assert_string_equal(http_status_reason(404), "Not Found");
        assert_string_equal(http_status_reason(413), "Content Too Large");
        assert_string_equal(http_status_reason(418), "");
        assert_string_equal(http_status_reason(599), "");
        assert_string_equal(http_status_reason(99), "");
        assert_string_equal(http_status_reason(600), "");
        assert_string_equal(http_status_reason(-1), "");
}

static void answers_without_content(void **state) {
        (void) state;
        assert_true(http_status_is_bodyless(100));
        assert_true(http_status_is_bodyless(204));
        assert_true(http_status_is_bodyless(304));
        assert_false(http_status_is_bodyless(200));
        assert_false(http_status_is_bodyless(205));
        assert_false(http_status_is_bodyless(404));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_method_has_its_name),
                cmocka_unit_test(status_lines_are_whole),
                cmocka_unit_test(reasons_are_those_of_the_registry),
                cmocka_unit_test(answers_without_content),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
