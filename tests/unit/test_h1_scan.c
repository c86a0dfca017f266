/* SPDX-License-Identifier: Apache-2.0 */
/* The scanners of heads: each equals the plain definition, and reads nothing beyond its length. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/h1/h1_scan.h"

static bool is_control(unsigned char byte) {
        return byte < 0x20 || byte == 0x7f;
}

static bool is_separator(unsigned char byte) {
        return byte <= 0x20 || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte);
}

static bool bit(const uint64_t *bitmap, size_t at) {
        return bitmap[at / 64] >> at % 64 & 1;
}

static void check(const struct h1_scanner *scanner, const char *data, size_t length) {
        struct h1_masks masks;
        memset(&masks, 0, sizeof(masks));
        scanner->classify(data, length, &masks);
        for (size_t i = 0; i < length; i++) {
                assert_int_equal(bit(masks.control, i), is_control((unsigned char) data[i]));
                assert_int_equal(bit(masks.separator, i), is_separator((unsigned char) data[i]));
        }
        if (length < H1_WINDOW) {
                assert_true(bit(masks.control, length));
                assert_true(bit(masks.separator, length));
        }
}

static void every_byte_at_every_place(void **state) {
        const struct h1_scanner *scanner = *state;
        char data[H1_WINDOW];
        for (size_t shift = 0; shift < H1_WINDOW; shift++) {
                for (size_t i = 0; i < H1_WINDOW; i++)
                        data[i] = (char) (i + shift);
                check(scanner, data, H1_WINDOW);
        }
}

/* Each in a block of its own size from the heap, so that AddressSanitizer sees a read beyond it. */
static void every_length(void **state) {
        const struct h1_scanner *scanner = *state;
        unsigned short seed[3] = { 1, 2, 3 };
        for (size_t length = 0; length <= H1_WINDOW; length++)
                for (int round = 0; round < 8; round++) {
                        char *data = malloc(length ? length : 1);
                        assert_non_null(data);
                        for (size_t i = 0; i < length; i++)
                                data[i] = (char) (round % 2 ? nrand48(seed) : 'a' + nrand48(seed) % 26);
                        check(scanner, data, length);
                        free(data);
                }
}

static void the_best_is_the_first(void **state) {
        (void) state;
        const struct h1_scanner *scanners[3];
        size_t count = h1_scanners(scanners);
        assert_in_range(count, 1, 3);
        assert_ptr_equal(h1_scanner_best(), scanners[0]);
        assert_ptr_equal(scanners[count - 1], &h1_scanner_portable);
        assert_string_equal(h1_parse_implementation(), scanners[0]->name);
}

int main(void) {
        const struct h1_scanner *scanners[3];
        size_t count = h1_scanners(scanners);
        int failed = 0;
        for (size_t i = 0; i < count; i++) {
                const struct CMUnitTest tests[] = {
                        cmocka_unit_test_prestate(every_byte_at_every_place, (void *) scanners[i]),
                        cmocka_unit_test_prestate(every_length, (void *) scanners[i]),
                };
                failed += cmocka_run_group_tests_name(scanners[i]->name, tests, NULL, NULL);
        }
        const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_is_the_first) };
        return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
