/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 without a table of 256: the texts are short. */
#include "shared/base64.h"

#include <errno.h>

static int value_of(char digit) {
        if (digit >= 'A' && digit <= 'Z')
                return digit - 'A';
        if (digit >= 'a' && digit <= 'z')
                return digit - 'a' + 26;
        if (digit >= '0' && digit <= '9')
                return digit - '0' + 52;
        return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Four characters to one to three bytes; only the last four may be padded. */
static int decode_group(const char *group, bool is_last, unsigned char *bytes) {
        unsigned padding = is_last && group[3] == '=' ? 1 + (group[2] == '=') : 0;
        unsigned value = 0;
        for (unsigned i = 0; i < 4; i++) {
                int digit = i < 4 - padding ? value_of(group[i]) : 0;
                if (digit < 0)
                        return -EINVAL;
                value = value << 6 | (unsigned) digit;
        }
        if (value & ((1U << 8 * padding) - 1)) /* bits that are cut off */
                return -EINVAL;
        for (unsigned i = 0; i < 3 - padding; i++)
                bytes[i] = (unsigned char) (value >> (16 - 8 * i));
        return (int) (3 - padding);
}

ssize_t base64_decode(struct slice text, void *ret_bytes) {
        unsigned char *bytes = ret_bytes;
        ssize_t length = 0;
        if (text.length % 4)
                return -EINVAL;
        for (size_t i = 0; i < text.length; i += 4) {
                int n = decode_group(text.data + i, i + 4 == text.length, bytes + length);
                if (n < 0)
                        return n;
                length += n;
        }
        return length;
}

void base64_encode(const void *bytes, size_t length, char *ret_text) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const unsigned char *data = bytes;
        for (size_t i = 0; i < length; i += 3) {
                size_t left = length - i;
                unsigned value = (unsigned) data[i] << 16 | (left > 1 ? (unsigned) data[i + 1] << 8 : 0) |
                                 (left > 2 ? data[i + 2] : 0);
                for (unsigned k = 0; k < 4; k++)
                        *ret_text++ = k <= left ? digits[value >> (18 - 6 * k) & 63] : '=';
        }
}

static int url_value_of(char digit) {
        return digit == '-' ? 62 : digit == '_' ? 63 : digit == '+' || digit == '/' ? -1 : value_of(digit);
}

ssize_t base64url_decode(struct slice text, void *ret_bytes, size_t size) {
        unsigned char *bytes = ret_bytes;
        unsigned pending = 0, bits = 0;
        size_t length = 0;
        for (size_t i = 0; i < text.length; i++) {
                int digit = url_value_of(text.data[i]);
                if (digit < 0)
                        return -EINVAL;
                pending = (pending << 6 | (unsigned) digit) & 0xFFFF;
                bits += 6;
                if (bits < 8)
                        continue;
                if (length == size)
                        return -ENOBUFS;
                bits -= 8;
                bytes[length++] = (unsigned char) (pending >> bits);
        }
        /* A digit that completes no byte, or bits that are cut off. */
        return bits >= 6 || (pending & ((1U << bits) - 1)) ? -EINVAL : (ssize_t) length;
}

void base64url_encode(const void *bytes, size_t length, char *ret_text) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const unsigned char *data = bytes;
        for (size_t i = 0; i < BASE64URL_ENCODED_SIZE(length); i++) {
                size_t byte = i * 6 / 8, shift = 10 - i * 6 % 8;
                unsigned pair = (unsigned) data[byte] << 8 | (byte + 1 < length ? data[byte + 1] : 0U);
                *ret_text++ = digits[pair >> shift & 63];
        }
}
