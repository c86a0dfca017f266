/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: codes are unique and fit for a label, statuses are errors, every row can be read by people. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/cause.h"

static void codes_lead_back_to_their_cause(void **state) {
        (void) state;
        for (enum cause cause = CAUSE_NONE; cause < CAUSE_COUNT; cause++)
                /* The search returns the first that matches: this also shows that no code is there twice. */
                assert_int_equal(cause_from_code(slice_of(cause_entry(cause)->code)), cause);
}

static void unknown_codes_are_none(void **state) {
        (void) state;
        assert_int_equal(cause_from_code(SLICE_LITERAL("")), CAUSE_NONE);
        assert_int_equal(cause_from_code(SLICE_NULL), CAUSE_NONE);
        assert_int_equal(cause_from_code(SLICE_LITERAL("no-sit")), CAUSE_NONE);
        assert_int_equal(cause_from_code(SLICE_LITERAL("no-sites")), CAUSE_NONE);
        assert_int_equal(cause_from_code(SLICE_LITERAL("No-Site")), CAUSE_NONE);
        assert_int_equal(cause_from_code((struct slice) { "no-site\0x", 9 }), CAUSE_NONE);
        assert_int_equal(cause_from_code(SLICE_LITERAL("no-site")), CAUSE_NO_SITE);
}

static void codes_are_words_with_hyphens(void **state) {
        (void) state;
        for (enum cause cause = CAUSE_NONE; cause < CAUSE_COUNT; cause++) {
                const char *code = cause_entry(cause)->code;
                size_t length = strlen(code);
                assert_in_range(length, 1, 40);
                assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-"), length);
                assert_true(islower(code[0]) && islower(code[length - 1]));
                assert_null(strstr(code, "--"));
        }
}

static void statuses_are_errors_in_order(void **state) {
        (void) state;
        assert_int_equal(cause_entry(CAUSE_NONE)->status, 200);
        int previous = 400;
        for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
                int status = cause_entry(cause)->status;
                int sort_key = status ? status : 600; /* those that only close stand last */
                assert_in_range(sort_key, previous, 600);
                assert_true(status == 0 || status < 600);
                previous = sort_key;
        }
}

static void check_prose(const char *text) {
        size_t length = strlen(text);
        assert_in_range(length, 10, 250);
        assert_true(isupper(text[0]) || strchr("/1[", text[0]) != NULL);
        assert_int_equal(text[length - 1], '.');
        assert_null(strstr(text, "  "));
        for (size_t i = 0; i < length; i++)
                assert_in_range(text[i], ' ', '~');
}

static void texts_are_sentences(void **state) {
        (void) state;
        for (enum cause cause = CAUSE_NONE; cause < CAUSE_COUNT; cause++) {
                const struct cause_entry *entry = cause_entry(cause);
                check_prose(entry->sentence);
                check_prose(entry->advice);
                assert_in_range(strlen(entry->sentence), 10, 90); /* it is the title of a page */
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(codes_lead_back_to_their_cause),
                cmocka_unit_test(unknown_codes_are_none),
                cmocka_unit_test(codes_are_words_with_hyphens),
                cmocka_unit_test(statuses_are_errors_in_order),
                cmocka_unit_test(texts_are_sentences),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
