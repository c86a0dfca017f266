/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed and ill-formed UTF-8, against the definition by code points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/utf8.h"

/* Writes the code point as UTF-8 without asking whether it may be; by arithmetic, not by the table under test. */
static size_t encode(uint32_t code_point, char *bytes) {
        if (code_point < 0x80) {
                bytes[0] = (char) code_point;
                return 1;
        }
        size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
        for (size_t i = length - 1; i > 0; i--, code_point >>= 6)
                bytes[i] = (char) (0x80 | (code_point & 0x3F));
        bytes[0] = (char) ((0xF00 >> length & 0xF0) | code_point);
        return length;
}

static void every_scalar_value_is_accepted_and_no_other(void **state) {
        (void) state;
        for (uint32_t code_point = 0; code_point < 0x200000; code_point++) {
                char bytes[4];
                size_t length = encode(code_point, bytes), found = 0;
                bool expected = code_point < 0xD800 || (code_point > 0xDFFF && code_point < 0x110000);
                struct slice text = { bytes, length };
                if (utf8_next(text, &found) != expected || (expected && found != length))
                        fail_msg("U+%04X: length %zu, expected %zu", code_point, found, length);
                assert_int_equal(utf8_is_valid(text), expected);
        }
}

static void every_sequence_that_is_cut_is_refused(void **state) {
        (void) state;
        static const char *const whole[] = { "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
        for (size_t i = 0; i < 3; i++)
                for (size_t cut = 1; cut < strlen(whole[i]); cut++) {
                        char *exact = memcpy(test_malloc(cut), whole[i], cut); /* reading on would be found by ASan */
                        size_t length;
                        assert_false(utf8_next((struct slice) { exact, cut }, &length));
                        assert_int_equal(length, cut);
                        assert_false(utf8_is_valid((struct slice) { exact, cut }));
                        test_free(exact);
                }
}

/* Table 3-8 of The Unicode Standard: which bytes one U+FFFD stands for. */
static void maximal_subparts(void **state) {
        (void) state;
        static const struct {
                const char *bytes;
                size_t lengths[8];
        } cases[] = {
                { "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82", { 1, 1, 1, 1, 1, 1, 1, 1 } },
                { "\xED\xA0\x80\xED\xBF\xBF\xED\xAF", { 1, 1, 1, 1, 1, 1, 1, 1 } },
                { "\xF4\x91\x92\x93\xFF"
                  "A\x80\xBF",
                  { 1, 1, 1, 1, 1, 1, 1, 1 } },
                { "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF", { 2, 1, 3, 2 } },
                { "\xF0\x90\x80"
                  "A\xC2"
                  "A",
                  { 3, 1, 1, 1 } },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct slice rest = slice_of(cases[i].bytes);
                for (size_t j = 0; rest.length; j++) {
                        size_t length;
                        bool is_valid = utf8_next(rest, &length);
                        assert_int_equal(is_valid, *rest.data == 'A');
                        assert_int_equal(length, cases[i].lengths[j]);
                        rest = slice_from(rest, length);
                }
        }
}

static void texts(void **state) {
        (void) state;
        assert_true(utf8_is_valid(SLICE_NULL));
        assert_true(utf8_is_valid(slice_of("plain")));
        assert_true(utf8_is_valid((struct slice) { "a\0b", 3 }));
        assert_true(utf8_is_valid(slice_of("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC")));
        assert_false(utf8_is_valid(slice_of("ok \xFF")));
        assert_false(utf8_is_valid(slice_of("ok \xC3")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_scalar_value_is_accepted_and_no_other),
                cmocka_unit_test(every_sequence_that_is_cut_is_refused),
                cmocka_unit_test(maximal_subparts),
                cmocka_unit_test(texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
