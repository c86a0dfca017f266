/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Classes of bytes that the grammars of HTTP and URIs are made of, for the parsers of this folder. */
enum http_byte_class {
        HTTP_BYTE_TOKEN = 1 << 0,   /* tchar (RFC 9110 section 5.6.2) */
        HTTP_BYTE_CONTROL = 1 << 1, /* C0, the tab among them, and DEL */
        HTTP_BYTE_HOST = 1 << 2,    /* may stand in a registered name here: letters, digits, "-", ".", "_" */
};

extern const uint8_t http_byte_classes[256];

static inline bool http_byte_is(char byte, enum http_byte_class class) {
        return http_byte_classes[(unsigned char) byte] & class;
}

/* ASCII only, never by locale. */
static inline char http_byte_lower(char byte) {
        return byte >= 'A' && byte <= 'Z' ? (char) (byte | 0x20) : byte;
}

static inline bool http_byte_is_digit(char byte) {
        return byte >= '0' && byte <= '9';
}

/* The value of a hexadecimal digit, -1 for any other byte. */
static inline int http_byte_hex(char byte) {
        if (http_byte_is_digit(byte))
                return byte - '0';
        char lower = (char) (byte | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
