/* SPDX-License-Identifier: Apache-2.0 */
/* Tells well-formed UTF-8 from other bytes, by table 3-7 of The Unicode Standard: the first byte of a sequence sets its
 * length and narrows the range of the second, the others are 80 to BF. */
#include "shared/utf8.h"

/* How many continuation bytes follow `first`, and the range of the first of them; -1 when no sequence starts so. */
static int lead_of(unsigned char first, unsigned char *ret_low, unsigned char *ret_high) {
        *ret_low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        *ret_high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (first < 0x80)
                return 0;
        if (first < 0xC2)
                return -1;
        if (first < 0xE0)
                return 1;
        if (first < 0xF0)
                return 2;
        return first < 0xF5 ? 3 : -1;
}

bool utf8_next(struct slice text, size_t *ret_length) {
        const unsigned char *bytes = (const unsigned char *) text.data;
        unsigned char low, high;
        int following = lead_of(bytes[0], &low, &high);
        size_t length = 1;
        for (; following > 0; following--, length++) {
                if (length == text.length || bytes[length] < low || bytes[length] > high)
                        break;
                low = 0x80;
                high = 0xBF;
        }
        *ret_length = length;
        return following == 0;
}

bool utf8_is_valid(struct slice text) {
        size_t length;
        for (size_t i = 0; i < text.length; i += length) {
                length = 1;
                if ((unsigned char) text.data[i] >= 0x80 && !utf8_next(slice_from(text, i), &length))
                        return false;
        }
        return true;
}
