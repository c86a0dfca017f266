/* SPDX-License-Identifier: Apache-2.0 */
/* The names that uploaded files may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/upload/upload_name.h"

static void usual_names_are_taken(void **state) {
        static const char *const names[] = {
                "a", "a.txt", "a/b/c.d", "a b", "\xc3\xa4.txt", "a\\b", "x..y", "~", "-rf"
        };
        (void) state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_null(upload_name_fault(slice_of(names[i])));
}

static void others_are_not(void **state) {
        static const char *const names[] = { "",     "/",    "/a",   "a/",  "a//b",      ".",           "..",
                                             "a/..", "../a", ".git", "a/.", "a/.ccodes", "a\nb",        "a\x7f",
                                             "\x01", "\xff", "a\tb", "/..", "\xc3",      "\xed\xa0\x80" };
        (void) state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_non_null(upload_name_fault(slice_of(names[i])));
        assert_non_null(upload_name_fault((struct slice) { "a\0b", 3 }));
        assert_non_null(upload_name_fault(SLICE_NULL));
}

static void bounds_are_exact(void **state) {
        char name[UPLOAD_NAME_MAX + 2];
        (void) state;
        memset(name, 'x', sizeof(name));
        assert_null(upload_name_fault((struct slice) { name, 255 }));
        assert_non_null(upload_name_fault((struct slice) { name, 256 }));
        for (size_t i = 200; i < sizeof(name); i += 200)
                name[i] = '/';
        assert_null(upload_name_fault((struct slice) { name, UPLOAD_NAME_MAX }));
        assert_non_null(upload_name_fault((struct slice) { name, UPLOAD_NAME_MAX + 1 }));
        for (size_t i = 1; i < 2 * UPLOAD_NAME_PARTS + 2; i += 2)
                name[i] = '/';
        assert_null(upload_name_fault((struct slice) { name, 2 * UPLOAD_NAME_PARTS - 1 }));
        assert_non_null(upload_name_fault((struct slice) { name, 2 * UPLOAD_NAME_PARTS + 1 }));
}

static void a_browsers_path_is_cut(void **state) {
        (void) state;
        assert_true(slice_equal_text(upload_name_last(SLICE_LITERAL("C:\\Users\\me\\a.txt")), "a.txt"));
        assert_true(slice_equal_text(upload_name_last(SLICE_LITERAL("/home/me/a.txt")), "a.txt"));
        assert_true(slice_equal_text(upload_name_last(SLICE_LITERAL("a.txt")), "a.txt"));
        assert_int_equal(upload_name_last(SLICE_LITERAL("a/")).length, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(usual_names_are_taken),
                cmocka_unit_test(others_are_not),
                cmocka_unit_test(bounds_are_exact),
                cmocka_unit_test(a_browsers_path_is_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
