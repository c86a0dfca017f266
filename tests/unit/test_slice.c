/* SPDX-License-Identifier: Apache-2.0 */
/* struct slice: comparison, ends, trimming; absent and empty ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/slice.h"

static void equality(void **state) {
        (void) state;
        assert_true(slice_equal(SLICE_NULL, SLICE_NULL));
        assert_true(slice_equal(SLICE_NULL, SLICE_LITERAL("")));
        assert_true(slice_equal(SLICE_LITERAL("a\0b"), (struct slice) { "a\0bc", 3 }));
        assert_false(slice_equal(SLICE_LITERAL("a\0b"), SLICE_LITERAL("a\0c")));
        assert_false(slice_equal(SLICE_LITERAL("a"), SLICE_LITERAL("ab")));
        assert_true(slice_equal_text(SLICE_LITERAL("abc"), "abc"));
        assert_false(slice_equal_text(SLICE_LITERAL("abc"), "abcd"));
        assert_true(slice_equal_text(SLICE_NULL, NULL));
}

/* Bytes are equal when they are the same, or letters that differ in case only. */
static void equality_without_case_for_all_pairs_of_bytes(void **state) {
        (void) state;
        for (unsigned a = 0; a < 256; a++)
                for (unsigned b = 0; b < 256; b++) {
                        unsigned upper_a = a >= 'a' && a <= 'z' ? a - 32 : a;
                        unsigned upper_b = b >= 'a' && b <= 'z' ? b - 32 : b;
                        char x = (char) a, y = (char) b;
                        if (slice_equal_nocase((struct slice) { &x, 1 }, (struct slice) { &y, 1 }) !=
                            (upper_a == upper_b))
                                fail_msg("%u and %u", a, b);
                }
        assert_true(slice_equal_nocase(SLICE_LITERAL("Content-Length"), SLICE_LITERAL("cONTENT-lENGTH")));
        assert_false(slice_equal_nocase(SLICE_LITERAL("Content-Length"), SLICE_LITERAL("Content-Lengt")));
        assert_true(slice_equal_nocase(SLICE_NULL, SLICE_LITERAL("")));
}

static void starts_and_ends(void **state) {
        (void) state;
        struct slice text = SLICE_LITERAL("abcabd");
        assert_true(slice_starts_with(text, SLICE_LITERAL("abc")));
        assert_true(slice_starts_with(text, text));
        assert_true(slice_starts_with(text, SLICE_NULL));
        assert_true(slice_starts_with(SLICE_NULL, SLICE_NULL));
        assert_false(slice_starts_with(text, SLICE_LITERAL("abd")));
        assert_false(slice_starts_with(text, SLICE_LITERAL("abcabde")));
        assert_false(slice_starts_with(SLICE_NULL, text));
        assert_true(slice_ends_with(text, SLICE_LITERAL("abd")));
        assert_true(slice_ends_with(text, text));
        assert_true(slice_ends_with(text, SLICE_NULL));
        assert_true(slice_ends_with(SLICE_NULL, SLICE_NULL));
        assert_false(slice_ends_with(text, SLICE_LITERAL("abc")));
        assert_false(slice_ends_with(SLICE_LITERAL("d"), text));
}

static void rests(void **state) {
        (void) state;
        assert_true(slice_equal_text(slice_from(SLICE_LITERAL("abc"), 1), "bc"));
        assert_int_equal(slice_from(SLICE_LITERAL("abc"), 3).length, 0);
        assert_null(slice_from(SLICE_NULL, 0).data);
}

static void trimming(void **state) {
        (void) state;
        assert_true(slice_equal_text(slice_trim(SLICE_LITERAL(" \t a b\t ")), "a b"));
        assert_true(slice_equal_text(slice_trim(SLICE_LITERAL("\r\na")), "\r\na"));
        assert_int_equal(slice_trim(SLICE_LITERAL(" \t ")).length, 0);
        assert_int_equal(slice_trim(SLICE_LITERAL("")).length, 0);
        assert_null(slice_trim(SLICE_NULL).data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equality),        cmocka_unit_test(equality_without_case_for_all_pairs_of_bytes),
                cmocka_unit_test(starts_and_ends), cmocka_unit_test(rests),
                cmocka_unit_test(trimming),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
