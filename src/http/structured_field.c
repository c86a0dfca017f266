/* SPDX-License-Identifier: Apache-2.0 */
/* The parsing algorithms of RFC 8941 section 4.2 (and the date of RFC 9651), for dictionaries. Each function takes what it
 * has read off the front. */
#include "http/structured_field.h"

#include <errno.h>
#include <stdbool.h>

#include "http/byte_class.h"

#define INTEGER_DIGITS_MAX 15
#define DECIMAL_DIGITS_MAX 12
#define FRACTION_DIGITS_MAX 3

static bool starts_with(const struct slice *text, char byte) {
        return text->length > 0 && text->data[0] == byte;
}

static bool take_byte(struct slice *text, char byte) {
        if (!starts_with(text, byte))
                return false;
        *text = slice_from(*text, 1);
        return true;
}

static void skip(struct slice *text, const char *bytes) {
        while (text->length > 0 && text->data[0] != '\0' && strchr(bytes, text->data[0]))
                *text = slice_from(*text, 1);
}

static bool is_lower(char byte) {
        return byte >= 'a' && byte <= 'z';
}

static bool is_alpha(char byte) {
        return is_lower((char) (byte | 0x20));
}

static int take_key(struct slice *text, struct slice *ret_key) {
        size_t length = 0;
        if (text->length == 0 || !(is_lower(text->data[0]) || text->data[0] == '*'))
                return -EBADMSG;
        while (length < text->length) {
                char byte = text->data[length];
                if (!is_lower(byte) && !http_byte_is_digit(byte) && (byte == '\0' || !strchr("_-.*", byte)))
                        break;
                length++;
        }
        *ret_key = (struct slice) { text->data, length };
        *text = slice_from(*text, length);
        return 0;
}

static size_t take_digits(struct slice *text, int64_t *value) {
        size_t count = 0;
        while (text->length > 0 && http_byte_is_digit(text->data[0]) && count <= INTEGER_DIGITS_MAX) {
                *value = *value * 10 + (text->data[0] - '0');
                *text = slice_from(*text, 1);
                count++;
        }
        return count;
}

static int take_number(struct slice *text, struct structured_member *member) {
        bool is_negative = take_byte(text, '-');
        int64_t value = 0, fraction = 0;
        size_t digits = take_digits(text, &value);
        if (digits == 0 || digits > INTEGER_DIGITS_MAX)
                return -EBADMSG;
        if (take_byte(text, '.')) {
                size_t fraction_digits = take_digits(text, &fraction);
                if (digits > DECIMAL_DIGITS_MAX || fraction_digits == 0 || fraction_digits > FRACTION_DIGITS_MAX)
                        return -EBADMSG;
                return 0;
        }
        member->type = STRUCTURED_INTEGER;
        member->integer = is_negative ? -value : value;
        return 0;
}

static int take_string(struct slice *text) {
        *text = slice_from(*text, 1);
        while (text->length > 0) {
                char byte = text->data[0];
                *text = slice_from(*text, 1);
                if (byte == '"')
                        return 0;
                if (byte < 0x20 || byte > 0x7e)
                        return -EBADMSG;
                if (byte == '\\' && !take_byte(text, '"') && !take_byte(text, '\\'))
                        return -EBADMSG;
        }
        return -EBADMSG;
}

static int take_bytes(struct slice *text, struct structured_member *member) {
        *text = slice_from(*text, 1);
        const char *end = text->length ? memchr(text->data, ':', text->length) : NULL;
        if (!end)
                return -EBADMSG;
        member->type = STRUCTURED_BYTES;
        member->bytes = (struct slice) { text->data, (size_t) (end - text->data) };
        *text = slice_from(*text, member->bytes.length + 1);
        for (size_t i = 0; i < member->bytes.length; i++) {
                char byte = member->bytes.data[i];
                if (!is_alpha(byte) && !http_byte_is_digit(byte) && byte != '+' && byte != '/' && byte != '=')
                        return -EBADMSG;
        }
        return 0;
}

static int take_token(struct slice *text) {
        while (text->length > 0 &&
               (http_byte_is(text->data[0], HTTP_BYTE_TOKEN) || text->data[0] == ':' || text->data[0] == '/'))
                *text = slice_from(*text, 1);
        return 0;
}

static int take_bare_item(struct slice *text, struct structured_member *member) {
        if (text->length == 0)
                return -EBADMSG;
        char first = text->data[0];
        struct structured_member ignored;
        if (first == '-' || http_byte_is_digit(first))
                return take_number(text, member);
        if (first == '"')
                return take_string(text);
        if (first == ':')
                return take_bytes(text, member);
        if (first == '*' || is_alpha(first))
                return take_token(text);
        *text = slice_from(*text, 1);
        if (first == '?')
                return take_byte(text, '0') || take_byte(text, '1') ? 0 : -EBADMSG;
        ignored.type = STRUCTURED_OTHER;
        if (first == '@' && text->length > 0 && take_number(text, &ignored) >= 0 && ignored.type == STRUCTURED_INTEGER)
                return 0;
        return -EBADMSG;
}

static int take_parameters(struct slice *text) {
        while (take_byte(text, ';')) {
                struct structured_member ignored;
                skip(text, " ");
                int r = take_key(text, &ignored.key);
                if (r >= 0 && take_byte(text, '='))
                        r = take_bare_item(text, &ignored);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_inner_list(struct slice *text) {
        *text = slice_from(*text, 1);
        for (;;) {
                struct structured_member ignored;
                skip(text, " ");
                if (take_byte(text, ')'))
                        return 0;
                int r = take_bare_item(text, &ignored);
                if (r >= 0)
                        r = take_parameters(text);
                if (r < 0)
                        return r;
                if (!starts_with(text, ' ') && !starts_with(text, ')'))
                        return -EBADMSG;
        }
}

static int take_value(struct slice *text, struct structured_member *member) {
        if (!take_byte(text, '='))
                return 0; /* true */
        return starts_with(text, '(') ? take_inner_list(text) : take_bare_item(text, member);
}

int structured_dictionary_next(struct slice *dictionary, struct structured_member *ret_member) {
        struct structured_member member = { .type = STRUCTURED_OTHER };
        struct slice text = *dictionary;
        skip(&text, " ");
        if (text.length == 0)
                return 0;
        int r = take_key(&text, &member.key);
        if (r >= 0)
                r = take_value(&text, &member);
        if (r >= 0)
                r = take_parameters(&text);
        if (r < 0)
                return r;
        skip(&text, " \t");
        if (text.length > 0) {
                if (!take_byte(&text, ','))
                        return -EBADMSG;
                skip(&text, " \t");
                if (text.length == 0)
                        return -EBADMSG;
        }
        *dictionary = text;
        *ret_member = member;
        return 1;
}
