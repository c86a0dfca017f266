/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates: written as libc would in the C locale, read in three forms and no other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/date.h"
#include "shared/syscall.h"

#define YEAR_2026 1767225600 /* 2026-01-01 00:00:00 */

static void check_format(time_t when) {
        char expected[64], text[HTTP_DATE_LENGTH + 1] = "";
        struct tm parts;
        assert_non_null(gmtime_r(&when, &parts));
        assert_int_equal(strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &parts), HTTP_DATE_LENGTH);
        http_date_format(when, text);
        assert_string_equal(text, expected);

        time_t parsed;
        assert_int_equal(http_date_parse((struct slice) { text, HTTP_DATE_LENGTH }, YEAR_2026, &parsed), 0);
        assert_true(parsed == when);
}

static void formats_every_kind_of_day(void **state) {
        (void) state;
        for (time_t day = -370 * 365; day < 700 * 365; day++)
                check_format(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        check_format(0);
        check_format(-1);
        check_format(784111777);
        check_format(253402300799); /* the last of 9999 */
        check_format(-30610224000); /* the first of 1000; libc writes earlier years with fewer digits */
}

static void stays_within_four_digits(void **state) {
        (void) state;
        char text[HTTP_DATE_LENGTH + 1] = "";
        http_date_format((time_t) INT64_MAX, text);
        assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
        http_date_format((time_t) INT64_MIN, text);
        assert_string_equal(text, "Sat, 01 Jan 0000 00:00:00 GMT");
}

static void reads_the_three_forms(void **state) {
        (void) state;
        static const struct {
                const char *text;
                time_t when;
        } rows[] = {
                { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
                { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
                { "Sun Nov  6 08:49:37 1994", 784111777 },
                { "Wed Nov 16 08:49:37 1994", 784975777 },
                { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
                { "Tue, 29 Feb 2000 23:59:59 GMT", 951868799 },
                { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
                { "Mon, 06 Nov 1994 08:49:37 GMT", 784111777 }, /* it was a Sunday */
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                time_t when;
                assert_int_equal(http_date_parse(slice_of(rows[i].text), YEAR_2026, &when), 0);
                assert_true(when == rows[i].when);
        }
}

static void two_digit_years_turn_after_fifty(void **state) {
        (void) state;
        static const struct {
                const char *text;
                const char *same;
        } rows[] = {
                /* seen from 2026-01-01 00:00:00 */
                { "Monday, 01-Jan-26 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT" },
                { "Monday, 31-Dec-75 23:59:59 GMT", "Tue, 31 Dec 2075 23:59:59 GMT" },
                { "Monday, 01-Jan-76 00:00:00 GMT", "Wed, 01 Jan 2076 00:00:00 GMT" },
                { "Monday, 01-Jan-76 00:00:01 GMT", "Thu, 01 Jan 1976 00:00:01 GMT" },
                { "Monday, 01-Jan-77 00:00:00 GMT", "Sat, 01 Jan 1977 00:00:00 GMT" },
                { "Monday, 29-Feb-00 00:00:00 GMT", "Tue, 29 Feb 2000 00:00:00 GMT" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                time_t when, same;
                assert_int_equal(http_date_parse(slice_of(rows[i].text), YEAR_2026, &when), 0);
                assert_int_equal(http_date_parse(slice_of(rows[i].same), YEAR_2026, &same), 0);
                assert_true(when == same);
        }
}

static void nothing_else_is_a_date(void **state) {
        (void) state;
        static const char *const rows[] = {
                "",
                "Sun",
                "0",
                "784111777",
                "sun, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 gmt",
                "Sun, 06 Nov 1994 08:49:37 UTC",
                "Sun, 06 Nov 1994 08:49:37 +0000",
                "Sun, 06 Nov 1994 08:49:37",
                "Sun, 06 Nov 1994 08:49:37 GMT ",
                " Sun, 06 Nov 1994 08:49:37 GMT",
                "Sun, 6 Nov 1994 08:49:37 GMT",
                "Sun,06 Nov 1994 08:49:37 GMT",
                "Sun, 06  Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 94 08:49:37 GMT",
                "Sun, 06-Nov-1994 08:49:37 GMT",
                "Sun, 06-Nov-94 08:49:37 GMT",
                "Sunday, 06-Nov-1994 08:49:37 GMT",
                "Sunday, 06 Nov 1994 08:49:37 GMT",
                "Sunday Nov  6 08:49:37 1994",
                "Sun Nov 06 08:49:37 94",
                "Sun Nov 6 08:49:37 1994",
                "Sun Nov  16 08:49:37 1994",
                "Sun, 00 Nov 1994 08:49:37 GMT",
                "Sun, 31 Nov 1994 08:49:37 GMT",
                "Wed, 29 Feb 2023 00:00:00 GMT",
                "Thu, 29 Feb 1900 00:00:00 GMT",
                "Thu, 29-Feb-23 00:00:00 GMT",
                "Sun, 06 Nov 1994 24:00:00 GMT",
                "Sun, 06 Nov 1994 08:60:00 GMT",
                "Sun, 06 Nov 1994 08:49:61 GMT",
                "Sun, 06 Nov 1994 8:49:37 GMT",
                "Sun, 06 Nov 1994 -8:49:37 GMT",
                "Sun, 06 Now 1994 08:49:37 GMT",
                "Xxx, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 GMT, Mon, 07 Nov 1994 08:49:37 GMT",
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                time_t when = 42;
                if (http_date_parse(slice_of(rows[i]), YEAR_2026, &when) != -EINVAL || when != 42)
                        fail_msg("\"%s\" was taken", rows[i]);
        }
        time_t when;
        assert_int_equal(http_date_parse(SLICE_NULL, YEAR_2026, &when), -EINVAL);
}

static void no_prefix_is_a_date(void **state) {
        (void) state;
        static const char *const rows[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                            "Sun Nov  6 08:49:37 1994" };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++)
                for (size_t length = 0; length < strlen(rows[i]); length++) {
                        _cleanup_free_ char *text = malloc(length + 1);
                        time_t when;
                        assert_non_null(text);
                        memcpy(text, rows[i], length);
                        assert_int_equal(http_date_parse((struct slice) { text, length }, YEAR_2026, &when), -EINVAL);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(formats_every_kind_of_day), cmocka_unit_test(stays_within_four_digits),
                cmocka_unit_test(reads_the_three_forms),     cmocka_unit_test(two_digit_years_turn_after_fifty),
                cmocka_unit_test(nothing_else_is_a_date),    cmocka_unit_test(no_prefix_is_a_date),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
