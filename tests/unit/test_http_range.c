/* SPDX-License-Identifier: Apache-2.0 */
/* Byte ranges, and requests that try to make a small file a large answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/range.h"
#include "shared/syscall.h"

#define HUGE_NUMBER "99999999999999999999999999"

static void ranges_against_a_size(void **state) {
        (void) state;
        static const struct {
                const char *field;
                uint64_t size;
                ssize_t result;
                struct http_range ranges[4];
        } rows[] = {
                { "bytes=0-0", 10, 1, { { 0, 1 } } },
                { "bytes=0-9", 10, 1, { { 0, 10 } } },
                { "bytes=0-", 10, 1, { { 0, 10 } } },
                { "bytes=9-", 10, 1, { { 9, 1 } } },
                { "bytes=3-99", 10, 1, { { 3, 7 } } },
                { "bytes=-1", 10, 1, { { 9, 1 } } },
                { "bytes=-99", 10, 1, { { 0, 10 } } },
                { "Bytes=0-1", 10, 1, { { 0, 2 } } },
                { "bytes=0-" HUGE_NUMBER, 10, 1, { { 0, 10 } } },
                { "bytes=-" HUGE_NUMBER, 10, 1, { { 0, 10 } } },
                { "bytes=1-18446744073709551615", UINT64_MAX, 1, { { 1, UINT64_MAX - 1 } } },
                { "bytes=0-0,9-9", 10, 2, { { 0, 1 }, { 9, 1 } } },
                { "bytes=9-9 , 0-0", 10, 2, { { 9, 1 }, { 0, 1 } } },
                { "bytes= ,0-0,\t,-1,", 10, 2, { { 0, 1 }, { 9, 1 } } },
                /* two may overlap, more are joined */
                { "bytes=0-5,3-9", 10, 2, { { 0, 6 }, { 3, 7 } } },
                { "bytes=0-1,2-3,8-8", 10, 2, { { 0, 4 }, { 8, 1 } } },
                { "bytes=8-8,0-1,1-3", 10, 2, { { 8, 1 }, { 0, 4 } } },
                { "bytes=0-1,8-9,4-5", 10, 3, { { 0, 2 }, { 8, 2 }, { 4, 2 } } },
                { "bytes=0-1,8-9,4-5,2-3,6-7", 10, 1, { { 0, 10 } } },
                { "bytes=4-4,0-0,0-9", 10, 1, { { 0, 10 } } },
                { "bytes=0-0,0-0,0-0", 10, 1, { { 0, 1 } } },
                /* those that lie outside are left out */
                { "bytes=10-,0-0", 10, 1, { { 0, 1 } } },
                { "bytes=0-0,-0", 10, 1, { { 0, 1 } } },
                { "bytes=10-", 10, -ERANGE, { { 0, 0 } } },
                { "bytes=10-20,30-", 10, -ERANGE, { { 0, 0 } } },
                { "bytes=-0", 10, -ERANGE, { { 0, 0 } } },
                { "bytes=" HUGE_NUMBER "-", 10, -ERANGE, { { 0, 0 } } },
                { "bytes=0-0", 0, -ERANGE, { { 0, 0 } } },
                { "bytes=0-", 0, -ERANGE, { { 0, 0 } } },
                /* a suffix of nothing is the whole of nothing */
                { "bytes=-5", 0, 0, { { 0, 0 } } },
                /* to be ignored */
                { "", 10, 0, { { 0, 0 } } },
                { "bytes", 10, 0, { { 0, 0 } } },
                { "bytes=", 10, 0, { { 0, 0 } } },
                { "bytes= , ", 10, 0, { { 0, 0 } } },
                { "bytes 0-1", 10, 0, { { 0, 0 } } },
                { "bytes =0-1", 10, 0, { { 0, 0 } } },
                { "items=0-1", 10, 0, { { 0, 0 } } },
                { "bytes=5-4", 10, 0, { { 0, 0 } } },
                { "bytes=0-1,5-4", 10, 0, { { 0, 0 } } },
                { "bytes=-", 10, 0, { { 0, 0 } } },
                { "bytes=1", 10, 0, { { 0, 0 } } },
                { "bytes=a-b", 10, 0, { { 0, 0 } } },
                { "bytes=0x1-2", 10, 0, { { 0, 0 } } },
                { "bytes=0 -1", 10, 0, { { 0, 0 } } },
                { "bytes=0- 1", 10, 0, { { 0, 0 } } },
                { "bytes=--1", 10, 0, { { 0, 0 } } },
                { "bytes=1--1", 10, 0, { { 0, 0 } } },
                { "bytes=0-1;2-3", 10, 0, { { 0, 0 } } },
                { "bytes=+0-1", 10, 0, { { 0, 0 } } },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct http_range ranges[HTTP_RANGE_MAX];
                ssize_t r = http_range_parse(slice_of(rows[i].field), rows[i].size, ranges);
                if (r != rows[i].result)
                        fail_msg("\"%s\" of %lu: %zd", rows[i].field, (unsigned long) rows[i].size, r);
                for (ssize_t k = 0; k < r; k++) {
                        assert_true(ranges[k].first == rows[i].ranges[k].first);
                        assert_true(ranges[k].length == rows[i].ranges[k].length);
                }
        }
        struct http_range ranges[HTTP_RANGE_MAX];
        assert_int_equal(http_range_parse(SLICE_NULL, 10, ranges), 0);
}

/* `count` ranges that begin `step` bytes apart, of one byte or to the end. */
static size_t build(char *text, size_t count, bool is_open, size_t step) {
        size_t length = (size_t) sprintf(text, "bytes=");
        for (size_t i = 0; i < count; i++)
                length += (size_t) (is_open ? sprintf(text + length, "%zu-,", i * step)
                                            : sprintf(text + length, "%zu-%zu,", i * step, i * step));
        return length;
}

/* "Apache killer": hundreds of ranges that all reach to the end. */
static void many_overlapping_ranges_do_not_multiply(void **state) {
        (void) state;
        static char text[65536];
        struct http_range ranges[HTTP_RANGE_MAX];
        size_t length = build(text, 1300, true, 1);
        assert_int_equal(http_range_parse((struct slice) { text, length }, 100000, ranges), 0);

        length = build(text, HTTP_RANGE_MAX, true, 1);
        assert_int_equal(http_range_parse((struct slice) { text, length }, 100000, ranges), 1);
        assert_true(ranges[0].first == 0 && ranges[0].length == 100000);

        length = build(text, HTTP_RANGE_MAX, false, 1);
        assert_int_equal(http_range_parse((struct slice) { text, length }, 100000, ranges), 1);
        assert_true(ranges[0].first == 0 && ranges[0].length == HTTP_RANGE_MAX);

        length = build(text, HTTP_RANGE_MAX, false, 2);
        assert_int_equal(http_range_parse((struct slice) { text, length }, 100000, ranges), HTTP_RANGE_MAX);
        length = build(text, HTTP_RANGE_MAX + 1, false, 2);
        assert_int_equal(http_range_parse((struct slice) { text, length }, 100000, ranges), 0);
}

/* At random: the result covers exactly the bytes asked for, and more than two ranges are disjoint. */
static void joining_loses_and_adds_nothing(void **state) {
        (void) state;
        unsigned short seed[3] = { 3, 2, 1 };
        for (int round = 0; round < 3000; round++) {
                char text[1024];
                size_t length = (size_t) sprintf(text, "bytes="), count = 1 + (size_t) nrand48(seed) % HTTP_RANGE_MAX;
                unsigned char asked[128] = { 0 }, got[128] = { 0 };
                for (size_t i = 0; i < count; i++) {
                        size_t first = (size_t) nrand48(seed) % 100, last = first + (size_t) nrand48(seed) % 5;
                        length += (size_t) sprintf(text + length, "%zu-%zu,", first, last);
                        for (size_t k = first; k <= last && k < 100; k++)
                                asked[k] = 1;
                }
                struct http_range ranges[HTTP_RANGE_MAX];
                ssize_t r = http_range_parse((struct slice) { text, length }, 100, ranges);
                assert_true(r > 0);
                for (ssize_t i = 0; i < r; i++)
                        for (uint64_t k = 0; k < ranges[i].length; k++)
                                got[ranges[i].first + k]++;
                for (size_t k = 0; k < sizeof(got); k++) {
                        assert_int_equal(got[k] != 0, asked[k]);
                        assert_true(got[k] <= 1 || count <= 2);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ranges_against_a_size),
                cmocka_unit_test(many_overlapping_ranges_do_not_multiply),
                cmocka_unit_test(joining_loses_and_adds_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
