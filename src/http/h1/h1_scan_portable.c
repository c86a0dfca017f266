/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner for any CPU: control characters are found eight at a time by arithmetic in a word, separators by the table
 * of byte classes. The other scanners are tested against this one. */
#include <endian.h>

#include "http/byte_class.h"
#include "http/h1/h1_scan_window.h"

#define EACH_BYTE(value) (0x0101010101010101 * (uint64_t) (value))

/* Bit i says whether byte i of the word, counted from the lowest, is a control character. */
static inline uint64_t control_bits(uint64_t word) {
        uint64_t low = word & EACH_BYTE(0x7f);
        uint64_t not_c0 = low + EACH_BYTE(0x60); /* bit 7 of each: at least 0x20 */
        uint64_t is_del = low + EACH_BYTE(0x01); /* bit 7 of each: 0x7f */
        uint64_t found = (~not_c0 | is_del) & ~word & EACH_BYTE(0x80);
        return ((found >> 7) * 0x0102040810204080) >> 56;
}

static inline uint64_t separator_bits(const char *data) {
        uint64_t bits = 0;
        for (unsigned i = 0; i < 8; i++)
                bits |= (uint64_t) !http_byte_is(data[i], HTTP_BYTE_TOKEN) << i;
        return bits;
}

static inline void block_portable(const char *data, uint64_t *ret_control, uint64_t *ret_separator) {
        uint64_t control = 0, separator = 0;
        for (unsigned i = 0; i < 64; i += 8) {
                uint64_t word;
                memcpy(&word, data + i, sizeof(word));
                control |= control_bits(le64toh(word)) << i;
                separator |= separator_bits(data + i) << i;
        }
        *ret_control = control;
        *ret_separator = separator;
}

static void classify_portable(const char *data, size_t length, struct h1_masks *ret_masks) {
        h1_scan_window(data, length, ret_masks, block_portable);
}

const struct h1_scanner h1_scanner_portable = { "portable", classify_portable };
