/* SPDX-License-Identifier: Apache-2.0 */
/* Byte ranges. Invariant of the result: every range is not empty and lies within the representation, and with more than
 * two of them no byte is in two, so that no request makes an answer more than twice as long as the file, whatever it asks. */
#include "http/range.h"

#include <errno.h>

#include "http/byte_class.h"
#include "http/field.h"
#include "shared/syscall.h"

/* A run of digits off the front; a number that does not fit is UINT64_MAX, which is beyond any file. */
static bool take_number(struct slice *text, uint64_t *ret_number) {
        uint64_t number = 0;
        size_t digits = 0;
        for (; digits < text->length && http_byte_is_digit(text->data[digits]); digits++)
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (uint64_t) (text->data[digits] - '0'), &number))
                        number = UINT64_MAX;
        *ret_number = number;
        *text = slice_from(*text, digits);
        return digits > 0;
}

/* Reads "first-", "first-last" or "-suffix". A range that cannot be satisfied has length 0. -EBADMSG. */
static int parse_spec(struct slice spec, uint64_t size, struct http_range *ret_range) {
        uint64_t first, last;
        bool has_first = take_number(&spec, &first);
        if (spec.length == 0 || spec.data[0] != '-')
                return -EBADMSG;
        spec = slice_from(spec, 1);
        bool has_last = take_number(&spec, &last);
        if (spec.length || (!has_first && !has_last) || (has_first && has_last && last < first))
                return -EBADMSG;

        if (!has_first) {
                uint64_t length = MIN_OF(last, size);
                *ret_range = (struct http_range) { size - length, length };
        } else if (first >= size)
                *ret_range = (struct http_range) { 0 };
        else {
                uint64_t end = has_last && last < size ? last + 1 : size;
                *ret_range = (struct http_range) { first, end - first };
        }
        return 0;
}

static bool touches(const struct http_range *a, const struct http_range *b) {
        return a->first <= b->first + b->length && b->first <= a->first + a->length;
}

/* Joins ranges that overlap or touch. The joined one stands where the first of them was asked for. */
static size_t join(struct http_range *ranges, size_t count) {
        for (size_t i = 0; i < count; i++)
                for (size_t k = i + 1; k < count;) {
                        struct http_range *into = &ranges[i], *from = &ranges[k];
                        if (!touches(into, from)) {
                                k++;
                                continue;
                        }
                        uint64_t end = MAX_OF(into->first + into->length, from->first + from->length);
                        into->first = MIN_OF(into->first, from->first);
                        into->length = end - into->first;
                        count--;
                        memmove(from, from + 1, (count - k) * sizeof(*from));
                        k = i + 1; /* the joined range may reach one that the parts did not */
                }
        return count;
}

ssize_t http_range_parse(struct slice field, uint64_t size, struct http_range ret_ranges[HTTP_RANGE_MAX]) {
        const struct slice unit = SLICE_LITERAL("bytes=");
        if (field.length < unit.length || !slice_equal_nocase((struct slice) { field.data, unit.length }, unit))
                return 0;

        struct slice list = slice_from(field, unit.length), spec;
        size_t specs = 0, count = 0;
        bool has_empty_suffix = false;
        while (http_list_next(&list, &spec)) {
                struct http_range range;
                if (++specs > HTTP_RANGE_MAX || parse_spec(spec, size, &range) < 0)
                        return 0;
                if (range.length)
                        ret_ranges[count++] = range;
                else if (size == 0 && spec.data[0] == '-')
                        has_empty_suffix = true;
        }
        if (specs == 0 || (count == 0 && has_empty_suffix))
                return 0;
        if (count == 0)
                return -ERANGE;
        return (ssize_t) (count > 2 ? join(ret_ranges, count) : count);
}
