/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as people write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/time_expression.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define NOW (INT64_C(1777660200) * SECOND) /* 2026-05-01 18:30:00 UTC */
#define MIDNIGHT (NOW - 18 * HOUR - HOUR / 2)

static void moments(void **state) {
        (void) state;
        static const struct {
                const char *text;
                int64_t usec;
        } cases[] = {
                { "now", NOW },
                { "today", MIDNIGHT },
                { "yesterday", MIDNIGHT - 24 * HOUR },
                { "tomorrow", MIDNIGHT + 24 * HOUR },
                { "18:30", NOW },
                { "00:00:01", MIDNIGHT + SECOND },
                { "2026-05-01", MIDNIGHT },
                { "2026-05-01 18:30", NOW },
                { "2026-05-01T18:30:00", NOW },
                { "2026-05-01T18:30:00Z", NOW },
                { "2028-02-29", INT64_C(1835395200) * SECOND },
                { "@1777660200", NOW },
                { "@0", 0 },
                { "15min", NOW - HOUR / 4 },
                { "2h 30min ago", NOW - 2 * HOUR - HOUR / 2 },
                { "-1h", NOW - HOUR },
                { "+1h", NOW + HOUR },
                { "30", NOW - 30 * SECOND },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t usec = -1;
                assert_int_equal(time_expression_parse(cases[i].text, NOW, NULL, &usec), 0);
                assert_int_equal(usec, cases[i].usec);
        }
}

static void what_is_no_moment(void **state) {
        (void) state;
        static const char *const texts[] = {
                "",
                "soon",
                "2026-13-01",
                "2026-02-30",
                "2026-00-10",
                "24:00",
                "18:60",
                "18:3",
                "1:30",
                "2026-05-01 ",
                "2026-05-01x",
                "@",
                "@x",
                "@-1",
                "-",
                "+",
                "ago",
                "2026-05-01 18",
                "18:30:61",
                "1 fortnight",
                "1969-01-01",
                "infinity",
                "@99999999999999999999",
                "99999999999999h",
                "18:30:",
        };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct error error = ERROR_INIT;
                int64_t usec = 7;
                int r = time_expression_parse(texts[i], NOW, &error, &usec);
                assert_int_equal(r, -EINVAL);
                assert_non_null(strstr(error.text, "is no moment"));
                assert_int_equal(usec, 7);
        }
}

/* On the night when the clock is put forward, a day has 23 hours. */
static void the_zone_counts(void **state) {
        (void) state;
        int64_t noon, usec;
        setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
        tzset();
        assert_int_equal(time_expression_parse("2026-03-29 12:00", NOW, NULL, &noon), 0);
        assert_int_equal(time_expression_parse("today", noon, NULL, &usec), 0);
        assert_int_equal(noon - usec, 11 * HOUR);
        assert_int_equal(time_expression_parse("2026-03-29T10:00:00Z", NOW, NULL, &usec), 0);
        assert_int_equal(usec, noon);
        setenv("TZ", "UTC", 1);
        tzset();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(moments),
                cmocka_unit_test(what_is_no_moment),
                cmocka_unit_test(the_zone_counts),
        };
        setenv("TZ", "UTC", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
