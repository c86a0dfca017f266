/* SPDX-License-Identifier: Apache-2.0 */
/* nearest: slips are found, strangers are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/nearest.h"

static void distances(void **state) {
        (void) state;
        static const struct {
                const char *typed, *candidate;
                unsigned distance;
        } cases[] = {
                { "listener", "listener", 0 },
                { "Listener", "listener", 0 },
                { "max-body", "max_body", 0 },
                { "lisen", "listener", 3 },
                { "lsitener", "listener", 1 }, /* a swap */
                { "rot", "root", 1 },
                { "rooot", "root", 1 },
                { "cert", "certificate", 7 }, /* the beginning of it */
                { "certificates", "certificate", 1 },
                { "ab", "abcdefgh", NEAREST_NONE }, /* too short a beginning */
                { "key", "tls", NEAREST_NONE },
                { "x", "y", NEAREST_NONE },
                { "", "root", NEAREST_NONE },
                { "root", "", NEAREST_NONE },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(nearest_distance(cases[i].typed, cases[i].candidate), cases[i].distance);
                assert_int_equal(nearest_distance(cases[i].candidate, cases[i].typed), cases[i].distance);
        }
}

static void long_names_are_near_to_nothing(void **state) {
        (void) state;
        char longest[65], longer[66];
        memset(longest, 'a', sizeof(longest));
        longest[64] = '\0';
        memset(longer, 'a', sizeof(longer));
        longer[65] = '\0';
        assert_int_equal(nearest_distance(longest, longest), 0);
        assert_int_equal(nearest_distance(longer, longer), NEAREST_NONE);
        assert_int_equal(nearest_distance(longest, longer), NEAREST_NONE);
}

static void the_nearest_of_several(void **state) {
        (void) state;
        static const char *const levels[] = { "error", "warning", "notice", "info", "debug", NULL };
        static const char *const none[] = { NULL };
        assert_string_equal(nearest_of("warn", levels), "warning");
        assert_string_equal(nearest_of("ERORR", levels), "error");
        assert_null(nearest_of("critical", levels));
        assert_null(nearest_of("error", none));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(distances),
                cmocka_unit_test(long_names_are_near_to_nothing),
                cmocka_unit_test(the_nearest_of_several),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
