/* SPDX-License-Identifier: Apache-2.0 */
/* struct error: the first cause wins, prefixes stack, long texts are cut at their end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/error.h"

static void first_cause_wins(void **state) {
        (void) state;
        struct error error = ERROR_INIT;
        assert_int_equal(error_set(&error, -ENOENT, "opening %s", "a"), -ENOENT);
        assert_int_equal(error_set(&error, -EIO, "later"), -EIO);
        assert_string_equal(error.text, "opening a");
        assert_int_equal(error.code, -ENOENT);
}

static void prefixes_stack(void **state) {
        (void) state;
        struct error error = ERROR_INIT;
        error_set_errno(&error, -EACCES, "opening root %s", "/srv/blog");
        error_prefix(&error, "reading site '%s'", "blog");
        assert_string_equal(error.text, "reading site 'blog': opening root /srv/blog: Permission denied");
        assert_int_equal(error_prefix(&error, "outer"), -EACCES);
}

static void a_place_stays_in_front(void **state) {
        (void) state;
        struct error error = ERROR_INIT;
        error_place(&error, "nothing:1:1");
        assert_string_equal(error.text, "");
        error_set(&error, -EINVAL, "unreadable");
        error_prefix(&error, "key");
        error_place(&error, "%s:%u:%u", "a.toml", 3, 1);
        error_prefix(&error, "certificate 'x'");
        error_place(&error, "%s:%u:%u", "b.toml", 9, 9);
        assert_int_equal(error_prefix(&error, "listener 'y'"), -EINVAL);
        assert_string_equal(error.text, "a.toml:3:1: listener 'y': certificate 'x': key: unreadable");
        error_place(NULL, "nobody reads");
}

static void a_prefix_without_cause_does_nothing(void **state) {
        (void) state;
        struct error error = ERROR_INIT;
        assert_int_equal(error_prefix(&error, "noun"), 0);
        assert_false(error_is_set(&error));
        assert_int_equal(error_set(NULL, -EIO, "nobody reads"), -EIO);
        assert_int_equal(error_prefix(NULL, "nobody reads"), 0);
}

static void long_texts_are_cut_at_the_end(void **state) {
        (void) state;
        char long_text[2 * ERROR_TEXT_MAX];
        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';

        struct error error = ERROR_INIT;
        error_set_errno(&error, -EIO, "%s", long_text);
        error_prefix(&error, "place");
        assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 1);
        assert_memory_equal(error.text, "place: xxx", 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_cause_wins),
                cmocka_unit_test(prefixes_stack),
                cmocka_unit_test(a_place_stays_in_front),
                cmocka_unit_test(a_prefix_without_cause_does_nothing),
                cmocka_unit_test(long_texts_are_cut_at_the_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
