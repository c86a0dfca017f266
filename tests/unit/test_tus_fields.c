/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the tus protocol, and the records that are kept of uploads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/upload/tus_record.h"

static void numbers_are_digits(void **state) {
        static const char *const wrong[] = {
                "", "-1", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "99999999999999999999"
        };
        uint64_t number;
        (void) state;
        assert_int_equal(tus_number_parse(SLICE_LITERAL("0"), &number), 0);
        assert_int_equal(number, 0);
        assert_int_equal(tus_number_parse(SLICE_LITERAL("9223372036854775807"), &number), 0);
        assert_true(number == INT64_MAX);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(tus_number_parse(slice_of(wrong[i]), &number), -EINVAL);
        assert_int_equal(tus_number_parse(SLICE_NULL, &number), -EINVAL);
}

static void metadata_are_pairs(void **state) {
        static const char *const right[] = {
                "", "a", "a YQ==", "a YQ==,b", "a YQ==, b Yg==", "is_confidential,filename d29ybGQ="
        };
        static const char *const wrong[] = { "a YQ", "a !",     "a YQ==,a Yg==", ",",
                                             "a,",   "a  YQ==", "\x01 YQ==",     "a YQ== x" };
        (void) state;
        for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
                assert_true(tus_metadata_is_valid(slice_of(right[i])));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_false(tus_metadata_is_valid(slice_of(wrong[i])));
        static char long_value[TUS_METADATA_MAX + 5];
        memset(long_value, 'A', sizeof(long_value));
        long_value[1] = ' ';
        assert_true(tus_metadata_is_valid((struct slice) { long_value, TUS_METADATA_MAX - 2 }));
        assert_false(tus_metadata_is_valid((struct slice) { long_value, TUS_METADATA_MAX + 2 }));
}

static void values_are_decoded(void **state) {
        char buffer[TUS_METADATA_MAX];
        struct slice metadata = SLICE_LITERAL("name eA==, filename d29ybGQ=,empty");
        (void) state;
        assert_true(slice_equal_text(tus_metadata_find(metadata, SLICE_LITERAL("filename"), buffer), "world"));
        assert_true(slice_equal_text(tus_metadata_find(metadata, SLICE_LITERAL("name"), buffer), "x"));
        struct slice empty = tus_metadata_find(metadata, SLICE_LITERAL("empty"), buffer);
        assert_true(empty.data && empty.length == 0);
        assert_null(tus_metadata_find(metadata, SLICE_LITERAL("file"), buffer).data);
        assert_null(tus_metadata_find(SLICE_NULL, SLICE_LITERAL("file"), buffer).data);
}

#define ID "0123456789abcdef0123456789abcdef"

static void concatenations_name_uploads(void **state) {
        enum tus_concat concat;
        struct slice list, id;
        struct slice folder = SLICE_LITERAL("/f/.tus/");
        (void) state;
        assert_int_equal(tus_concat_parse(SLICE_NULL, &concat, &list), 0);
        assert_int_equal(concat, TUS_CONCAT_NONE);
        assert_int_equal(tus_concat_parse(SLICE_LITERAL("partial"), &concat, &list), 0);
        assert_int_equal(concat, TUS_CONCAT_PARTIAL);
        assert_int_equal(tus_concat_parse(SLICE_LITERAL("final; /f/.tus/" ID "  https://h:1/f/.tus/" ID), &concat,
                                          &list),
                         0);
        assert_int_equal(concat, TUS_CONCAT_FINAL);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(tus_concat_next(&list, folder, &id), 1);
                assert_true(slice_equal_text(id, ID));
        }
        assert_int_equal(tus_concat_next(&list, folder, &id), 0);

        static const char *const wrong[] = { "", "Partial", "final", "final;", "final; ", "partial;", "final ;x" };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(tus_concat_parse(slice_of(wrong[i]), &concat, &list), -EINVAL);
        static const char *const addresses[] = { "/g/.tus/" ID,         "/f/.tus/" ID "0",
                                                 "/f/.tus/" ID "/",     "http://h",
                                                 "/f/.tus/../.tus/" ID, "f/.tus/" ID,
                                                 "//f/.tus/" ID,        "/f/.tus/0123456789ABCDEF0123456789abcdef" };
        for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
                list = slice_of(addresses[i]);
                assert_int_equal(tus_concat_next(&list, folder, &id), -EINVAL);
        }
}

static void records_are_read_as_they_were_written(void **state) {
        const struct tus_record record = { .length = 1000,
                                           .saved = 999,
                                           .concat = SLICE_LITERAL("partial"),
                                           .name = SLICE_LITERAL("a/b c"),
                                           .metadata = SLICE_LITERAL("filename YQ==") };
        _cleanup_text_ struct text text = TEXT_INIT;
        struct tus_record again;
        (void) state;
        tus_record_append(&text, &record);
        assert_int_equal(tus_record_parse((struct slice) { text.data, text.length }, &again), 0);
        assert_int_equal(again.length, 1000);
        assert_int_equal(again.saved, 999);
        assert_false(again.is_complete);
        assert_true(slice_equal(again.name, record.name) && slice_equal(again.concat, record.concat) &&
                    slice_equal(again.metadata, record.metadata));

        /* What changes is written over what was there. */
        char line[TUS_RECORD_STATE_SIZE];
        again.saved = 1000;
        again.is_complete = true;
        tus_record_format_state(&again, line);
        memcpy(text.data + TUS_RECORD_STATE_OFFSET, line, sizeof(line) - 1);
        assert_int_equal(tus_record_parse((struct slice) { text.data, text.length }, &again), 0);
        assert_int_equal(again.saved, 1000);
        assert_true(again.is_complete);

        /* One that was cut short is none. */
        for (size_t length = 0; length < text.length; length++)
                assert_int_equal(tus_record_parse((struct slice) { text.data, length }, &again), -EBADMSG);
        text_append_char(&text, 'x');
        assert_int_equal(tus_record_parse((struct slice) { text.data, text.length }, &again), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_digits),
                cmocka_unit_test(metadata_are_pairs),
                cmocka_unit_test(values_are_decoded),
                cmocka_unit_test(concatenations_name_uploads),
                cmocka_unit_test(records_are_read_as_they_were_written),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
