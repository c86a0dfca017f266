/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and sizes: each spelling of systemd.time(7), what is refused, and the way there and back. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/quantity.h"

#define SECOND UINT64_C(1000000)
#define UNTOUCHED UINT64_C(0x5555)

struct reading {
        const char *text;
        int result;
        uint64_t value;
};

static void check(int (*parse)(struct slice text, uint64_t *ret_value), const struct reading *readings, size_t count) {
        for (size_t i = 0; i < count; i++) {
                uint64_t value = UNTOUCHED;
                int r = parse(slice_of(readings[i].text), &value);
                uint64_t expected = readings[i].result < 0 ? UNTOUCHED : readings[i].value;
                if (r != readings[i].result || value != expected)
                        fail_msg("'%s': %d and %" PRIu64 ", expected %d and %" PRIu64, readings[i].text, r, value,
                                 readings[i].result, expected);
        }
}

static void every_unit_of_time(void **state) {
        (void) state;
        static const struct reading readings[] = {
                { "3us", 0, 3 },
                { "3usec", 0, 3 },
                { "3\xC2\xB5s", 0, 3 },
                { "3\xCE\xBCs", 0, 3 },
                { "3ms", 0, 3000 },
                { "3msec", 0, 3000 },
                { "3s", 0, 3 * SECOND },
                { "3sec", 0, 3 * SECOND },
                { "3second", 0, 3 * SECOND },
                { "3seconds", 0, 3 * SECOND },
                { "3m", 0, 180 * SECOND },
                { "3min", 0, 180 * SECOND },
                { "3minute", 0, 180 * SECOND },
                { "3minutes", 0, 180 * SECOND },
                { "3h", 0, 10800 * SECOND },
                { "3hr", 0, 10800 * SECOND },
                { "3hour", 0, 10800 * SECOND },
                { "3hours", 0, 10800 * SECOND },
                { "3d", 0, 3 * 86400 * SECOND },
                { "3day", 0, 3 * 86400 * SECOND },
                { "3days", 0, 3 * 86400 * SECOND },
                { "3w", 0, 21 * 86400 * SECOND },
                { "3week", 0, 21 * 86400 * SECOND },
                { "3weeks", 0, 21 * 86400 * SECOND },
                { "3M", 0, 3 * 2629800 * SECOND },
                { "3month", 0, 3 * 2629800 * SECOND },
                { "3months", 0, 3 * 2629800 * SECOND },
                { "3y", 0, 3 * 31557600 * SECOND },
                { "3year", 0, 3 * 31557600 * SECOND },
                { "3years", 0, 3 * 31557600 * SECOND },
        };
        check(quantity_parse_span, readings, ELEMENTS_OF(readings));
}

static void sums_and_spaces_and_fractions_of_time(void **state) {
        (void) state;
        static const struct reading readings[] = {
                { "0", 0, 0 },
                { "30", 0, 30 * SECOND },
                { "  30\t", 0, 30 * SECOND },
                { "infinity", 0, QUANTITY_INFINITY },
                { " infinity ", 0, QUANTITY_INFINITY },
                { "2 h", 0, 7200 * SECOND },
                { "5min 20s", 0, 320 * SECOND },
                { "5min20s", 0, 320 * SECOND },
                { "1y 12month", 0, 2 * 31557600 * SECOND },
                { "55s500ms", 0, 55500000 },
                { "300ms20s 5day", 0, 300000 + (20 + 5 * 86400) * SECOND },
                { "1.5h", 0, 5400 * SECOND },
                { ".22", 0, 220000 },
                { "0.000001", 0, 1 },
                { "0.0000019", 0, 1 },
                { "0.999999999999999999999999999", 0, 999999 },
                { "1.5us", 0, 1 },
                { "00000000000000000000000000001s", 0, SECOND },
                { "9223372036854775807us", 0, INT64_MAX },
        };
        check(quantity_parse_span, readings, ELEMENTS_OF(readings));
}

static void what_is_no_span(void **state) {
        (void) state;
        static const struct reading readings[] = {
                { NULL, -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { " ", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "five", -EINVAL, 0 },
                { "-5s", -EINVAL, 0 },
                { "+5s", -EINVAL, 0 },
                { "5x", -EINVAL, 0 },
                { "5S", -EINVAL, 0 },
                { "5minx", -EINVAL, 0 },
                { "5s,", -EINVAL, 0 },
                { "5..5s", -EINVAL, 0 },
                { "5.s", -EINVAL, 0 },
                { ".", -EINVAL, 0 },
                { "5. 5s", -EINVAL, 0 },
                { "1 000", -EINVAL, 0 },
                { "5min 20", -EINVAL, 0 },
                { "20 5min", -EINVAL, 0 },
                { "infinity 1s", -EINVAL, 0 },
                { "1s infinity", -EINVAL, 0 },
                { "0x10", -EINVAL, 0 },
                { "9223372036854775808us", -ERANGE, 0 },
                { "9223372036854775807us 1us", -ERANGE, 0 },
                { "99999999999999999999999", -ERANGE, 0 },
                { "18446744073709551616us", -ERANGE, 0 },
                { "18446744073709551615us", -ERANGE, 0 },
                { "18446744073710s", -ERANGE, 0 },
                { "300000y", -ERANGE, 0 },
        };
        check(quantity_parse_span, readings, ELEMENTS_OF(readings));
}

static void bytes_after_a_nul_count(void **state) {
        (void) state;
        uint64_t value;
        assert_int_equal(quantity_parse_span(SLICE_LITERAL("5s\0"), &value), -EINVAL);
        assert_int_equal(quantity_parse_size(SLICE_LITERAL("5K\0"), &value), -EINVAL);
        assert_int_equal(quantity_parse_span((struct slice) { "5sx", 2 }, &value), 0);
}

static void sizes(void **state) {
        (void) state;
        static const struct reading readings[] = {
                { "0", 0, 0 },
                { "1", 0, 1 },
                { "512B", 0, 512 },
                { "64K", 0, 65536 },
                { "64KB", 0, 65536 },
                { "64KiB", 0, 65536 },
                { "64 K", 0, 65536 },
                { "2M", 0, 2097152 },
                { "2MB", 0, 2097152 },
                { "2MiB", 0, 2097152 },
                { "3G", 0, UINT64_C(3221225472) },
                { "3GB", 0, UINT64_C(3221225472) },
                { "3GiB", 0, UINT64_C(3221225472) },
                { "1T", 0, UINT64_C(1099511627776) },
                { "1TB", 0, UINT64_C(1099511627776) },
                { "1TiB", 0, UINT64_C(1099511627776) },
                { "1.5G", 0, UINT64_C(1610612736) },
                { "0.1K", 0, 102 },
                { "infinity", 0, QUANTITY_INFINITY },
                { "9223372036854775807", 0, INT64_MAX },
                { "8388607T", 0, UINT64_C(8388607) << 40 },
                { NULL, -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { "K", -EINVAL, 0 },
                { "64k", -EINVAL, 0 },
                { "64KK", -EINVAL, 0 },
                { "64Ki", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "1G 1M", -EINVAL, 0 },
                { "1 1", -EINVAL, 0 },
                { "9223372036854775808", -ERANGE, 0 },
                { "8388608T", -ERANGE, 0 },
                { "99999999999T", -ERANGE, 0 },
        };
        check(quantity_parse_size, readings, ELEMENTS_OF(readings));
}

static void expect_written(void (*append)(struct text *text, uint64_t value), uint64_t value, const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        append(&text, value);
        assert_string_equal(text.data, expected);
}

static void written_spans(void **state) {
        (void) state;
        expect_written(quantity_append_span, 0, "0s");
        expect_written(quantity_append_span, 1, "1us");
        expect_written(quantity_append_span, 1500, "1ms 500us");
        expect_written(quantity_append_span, 250000, "250ms");
        expect_written(quantity_append_span, 30 * SECOND, "30s");
        expect_written(quantity_append_span, 90 * SECOND, "1min 30s");
        expect_written(quantity_append_span, 3600 * SECOND, "1h");
        expect_written(quantity_append_span, 86400 * SECOND, "1d");
        expect_written(quantity_append_span, 7 * 86400 * SECOND, "1w");
        expect_written(quantity_append_span, 10 * 86400 * SECOND, "10d");
        expect_written(quantity_append_span, 31557600 * SECOND, "365d 6h");
        expect_written(quantity_append_span, QUANTITY_INFINITY, "infinity");
}

static void written_sizes(void **state) {
        (void) state;
        expect_written(quantity_append_size, 0, "0");
        expect_written(quantity_append_size, 1000, "1000");
        expect_written(quantity_append_size, 1024, "1K");
        expect_written(quantity_append_size, 1536 << 10, "1536K");
        expect_written(quantity_append_size, 64 << 20, "64M");
        expect_written(quantity_append_size, UINT64_C(3) << 40, "3T");
        expect_written(quantity_append_size, UINT64_C(1) << 50, "1024T");
        expect_written(quantity_append_size, QUANTITY_INFINITY, "infinity");
}

static void there_and_back(void (*append)(struct text *text, uint64_t value),
                           int (*parse)(struct slice text, uint64_t *ret_value), uint64_t value) {
        _cleanup_text_ struct text text = TEXT_INIT;
        uint64_t back = UNTOUCHED;
        append(&text, value);
        if (parse((struct slice) { text.data, text.length }, &back) < 0 || back != value)
                fail_msg("%" PRIu64 " became '%s' became %" PRIu64, value, text.data, back);
}

static void every_number_comes_back(void **state) {
        (void) state;
        srandom(1);
        for (unsigned i = 0; i < 20000; i++) {
                uint64_t value = ((uint64_t) random() << 32 ^ (uint64_t) random()) >> (i % 63 + 1);
                there_and_back(quantity_append_span, quantity_parse_span, value);
                there_and_back(quantity_append_size, quantity_parse_size, value);
                there_and_back(quantity_append_span, quantity_parse_span, value >> 24 << 22);
                there_and_back(quantity_append_size, quantity_parse_size, value >> 24 << 22);
        }
        there_and_back(quantity_append_span, quantity_parse_span, INT64_MAX);
        there_and_back(quantity_append_size, quantity_parse_size, INT64_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_unit_of_time),
                cmocka_unit_test(sums_and_spaces_and_fractions_of_time),
                cmocka_unit_test(what_is_no_span),
                cmocka_unit_test(bytes_after_a_nul_count),
                cmocka_unit_test(sizes),
                cmocka_unit_test(written_spans),
                cmocka_unit_test(written_sizes),
                cmocka_unit_test(every_number_comes_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
