/* SPDX-License-Identifier: Apache-2.0 */
/* Owns one heap block that doubles as it grows. `capacity` counts the terminating NUL: length < capacity whenever there
 * is a block. After a failed allocation the block stays as it was and every call but text_done does nothing. */
#include "shared/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/utf8.h"

#define TEXT_CAPACITY_MIN 64

void text_done(struct text *text) {
        if (!text)
                return;
        free(text->data);
        *text = TEXT_INIT;
}

/* Makes room for `more` bytes and the NUL. False when there is none, now or earlier. */
static bool reserve(struct text *text, size_t more) {
        if (text->failed)
                return false;
        if (more < text->capacity - text->length)
                return true;

        size_t capacity = text->capacity ? text->capacity : TEXT_CAPACITY_MIN / 2;
        char *larger = NULL;
        if (more < SIZE_MAX / 4 && text->length < SIZE_MAX / 4) {
                do
                        capacity *= 2;
                while (capacity - text->length <= more);
                larger = realloc(text->data, capacity);
        }
        if (!larger) {
                text->failed = true;
                return false;
        }
        text->data = larger;
        text->capacity = capacity;
        return true;
}

void text_append(struct text *text, struct slice bytes) {
        if (!reserve(text, bytes.length))
                return;
        if (bytes.length)
                memcpy(text->data + text->length, bytes.data, bytes.length);
        text->length += bytes.length;
        text->data[text->length] = '\0';
}

void text_append_char(struct text *text, char byte) {
        if (!reserve(text, 1))
                return;
        text->data[text->length++] = byte;
        text->data[text->length] = '\0';
}

void text_append_string(struct text *text, const char *string) {
        text_append(text, slice_of(string));
}

void text_printf(struct text *text, const char *format, ...) {
        if (!reserve(text, 0))
                return;
        for (;;) {
                size_t room = text->capacity - text->length;
                va_list arguments;
                va_start(arguments, format);
                int length = vsnprintf(text->data + text->length, room, format, arguments);
                va_end(arguments);
                if (length >= 0 && (size_t) length < room) {
                        text->length += (size_t) length;
                        return;
                }
                text->data[text->length] = '\0'; /* not half of it, whatever comes */
                if (length < 0)
                        text->failed = true;
                if (length < 0 || !reserve(text, (size_t) length))
                        return;
        }
}

size_t format_unsigned(uint64_t number, char ret_digits[UNSIGNED_DIGITS_MAX]) {
        size_t length = 1;
        for (uint64_t rest = number; rest >= 10; rest /= 10)
                length++;
        for (size_t at = length; at > 0; number /= 10)
                ret_digits[--at] = (char) ('0' + number % 10);
        return length;
}

void text_append_unsigned(struct text *text, uint64_t number) {
        char digits[UNSIGNED_DIGITS_MAX];
        text_append(text, (struct slice) { digits, format_unsigned(number, digits) });
}

/* Length of the bytes at the front that stand for themselves in a JSON string, whatever follows them. */
static size_t plain_json_prefix(struct slice bytes) {
        size_t i = 0;
        for (; i < bytes.length; i++) {
                unsigned char byte = (unsigned char) bytes.data[i];
                if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\')
                        break;
        }
        return i;
}

static void append_json_escape(struct text *text, char byte) {
        static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the byte, its letter after the backslash */
        for (size_t i = 0; i + 1 < sizeof(named); i += 2)
                if (named[i] == byte) {
                        text_append(text, (struct slice) { (const char[]) { '\\', named[i + 1] }, 2 });
                        return;
                }
        text_printf(text, "\\u%04x", (unsigned) byte);
}

void text_append_json(struct text *text, struct slice bytes) {
        text_append_char(text, '"');
        while (bytes.length) {
                size_t length = plain_json_prefix(bytes);
                bool is_ascii = (unsigned char) *bytes.data < 0x80;
                if (length || (!is_ascii && utf8_next(bytes, &length)))
                        text_append(text, (struct slice) { bytes.data, length });
                else if (!is_ascii)
                        text_append(text, SLICE_LITERAL("\xEF\xBF\xBD")); /* U+FFFD for `length` bytes */
                else {
                        append_json_escape(text, *bytes.data);
                        length = 1;
                }
                bytes = slice_from(bytes, length);
        }
        text_append_char(text, '"');
}

static const char *html_escape_of(char byte) {
        switch (byte) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        default:
                return NULL;
        }
}

void text_append_html(struct text *text, struct slice bytes) {
        size_t start = 0;
        for (size_t i = 0; i < bytes.length; i++) {
                const char *escape = html_escape_of(bytes.data[i]);
                if (!escape)
                        continue;
                text_append(text, (struct slice) { bytes.data + start, i - start });
                text_append_string(text, escape);
                start = i + 1;
        }
        text_append(text, slice_from(bytes, start));
}

/* pchar of RFC 3986 section 3.3 without ':', and '/'. */
static bool stands_in_path(unsigned char byte) {
        if ((unsigned char) ((byte | 0x20) - 'a') <= 'z' - 'a' || (unsigned char) (byte - '0') <= 9)
                return true;
        return byte && strchr("-._~!$&'()*+,;=@/", byte);
}

void text_append_uri_path(struct text *text, struct slice bytes) {
        bool in_first_segment = true;
        for (size_t i = 0; i < bytes.length; i++) {
                unsigned char byte = (unsigned char) bytes.data[i];
                in_first_segment = in_first_segment && byte != '/';
                if (stands_in_path(byte) || (byte == ':' && !in_first_segment))
                        text_append_char(text, (char) byte);
                else
                        text_append(text, (struct slice) { (const char[]) { '%', "0123456789ABCDEF"[byte >> 4],
                                                                            "0123456789ABCDEF"[byte & 15] },
                                                           3 });
        }
}

int text_finish(struct text *text, char **ret_string, size_t *ret_length) {
        if (!reserve(text, 0))
                return -ENOMEM;
        text->data[text->length] = '\0';
        *ret_string = text->data;
        if (ret_length)
                *ret_length = text->length;
        *text = TEXT_INIT;
        return 0;
}

char *text_format(const char *format, ...) {
        char *string = NULL;
        va_list arguments;
        va_start(arguments, format);
        int length = vasprintf(&string, format, arguments);
        va_end(arguments);
        return length < 0 ? NULL : string;
}
