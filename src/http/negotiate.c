/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a content coding, and lists of media types. A coding is sent only to a client that named it or "*"; what
 * is malformed in the client's field counts as not said. */
#include "http/negotiate.h"

#include <errno.h>

#include "http/byte_class.h"
#include "http/field.h"
#include "shared/syscall.h"

#define WEIGHT_MAX 1000
#define UNSET UINT16_MAX

static const struct slice names[1 + HTTP_CODING_COUNT] = {
        SLICE_LITERAL("identity"),
        SLICE_LITERAL("br"),
        SLICE_LITERAL("zstd"),
        SLICE_LITERAL("gzip"),
};

static size_t index_of(enum http_coding coding) {
        return coding == HTTP_CODING_IDENTITY ? 0 : 1 + (size_t) __builtin_ctz(coding);
}

struct slice http_coding_name(enum http_coding coding) {
        return names[index_of(coding)];
}

/* qvalue (RFC 9110 section 12.4.2): "0", "0.5", "1.000", at most three decimals. -EBADMSG. */
static int parse_weight(struct slice text, unsigned short *ret_weight) {
        if (text.length == 0 || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
            (text.length > 1 && text.data[1] != '.'))
                return -EBADMSG;
        unsigned weight = text.data[0] == '1' ? WEIGHT_MAX : 0;
        unsigned scale = 100;
        for (size_t i = 2; i < text.length; i++, scale /= 10) {
                if (!http_byte_is_digit(text.data[i]))
                        return -EBADMSG;
                weight += (unsigned) (text.data[i] - '0') * scale;
        }
        if (weight > WEIGHT_MAX)
                return -EBADMSG;
        *ret_weight = (unsigned short) weight;
        return 0;
}

/* "gzip", "gzip;q=0.5", "gzip ; Q=1". -EBADMSG. */
static int parse_element(struct slice element, struct slice *ret_name, unsigned short *ret_weight) {
        const char *mark = memchr(element.data, ';', element.length);
        size_t length = mark ? (size_t) (mark - element.data) : element.length;
        *ret_name = slice_trim((struct slice) { element.data, length });
        *ret_weight = WEIGHT_MAX;
        if (!http_is_token(*ret_name))
                return -EBADMSG;
        if (!mark)
                return 0;
        struct slice parameter = slice_trim(slice_from(element, length + 1));
        if (parameter.length < 2 || http_byte_lower(parameter.data[0]) != 'q' || parameter.data[1] != '=')
                return -EBADMSG;
        return parse_weight(slice_from(parameter, 2), ret_weight);
}

static void set_weight(struct http_accept_encoding *accept, struct slice name, unsigned short weight) {
        if (slice_equal_nocase(name, SLICE_LITERAL("x-gzip"))) /* RFC 9110 section 8.4.1.3 */
                name = SLICE_LITERAL("gzip");
        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                if (slice_equal_nocase(name, names[i]))
                        accept->weight[i] = weight;
}

void http_accept_encoding_parse(struct slice field, struct http_accept_encoding *ret_accept) {
        unsigned short others = UNSET; /* "*" */
        struct slice element, name;
        unsigned short weight;

        for (size_t i = 0; i < ELEMENTS_OF(ret_accept->weight); i++)
                ret_accept->weight[i] = UNSET;
        while (http_list_next(&field, &element)) {
                if (parse_element(element, &name, &weight) < 0)
                        continue;
                if (slice_equal_text(name, "*"))
                        others = weight;
                else
                        set_weight(ret_accept, name, weight);
        }
        /* Identity is acceptable unless it is excluded, but any coding that is named comes before it. */
        if (ret_accept->weight[0] == UNSET)
                ret_accept->weight[0] = others == UNSET ? 1 : others;
        for (size_t i = 1; i < ELEMENTS_OF(ret_accept->weight); i++)
                if (ret_accept->weight[i] == UNSET)
                        ret_accept->weight[i] = others == UNSET ? 0 : others;
}

enum http_coding http_coding_choose(const struct http_accept_encoding *accept, unsigned available,
                                    const enum http_coding *preference, size_t preference_count) {
        enum http_coding best = HTTP_CODING_IDENTITY;
        unsigned best_weight = 0;
        for (size_t i = 0; i < preference_count; i++) {
                unsigned weight = accept->weight[index_of(preference[i])];
                if ((available & preference[i]) && weight > best_weight) {
                        best = preference[i];
                        best_weight = weight;
                }
        }
        return accept->weight[0] > best_weight ? HTTP_CODING_IDENTITY : best;
}

static bool media_type_matches(struct slice type, struct slice pattern) {
        if (slice_equal_text(pattern, "*"))
                return true;
        if (pattern.length == 0 || type.length < pattern.length)
                return false;
        if (pattern.data[0] == '+')
                return slice_equal_nocase(slice_from(type, type.length - pattern.length), pattern);
        if (pattern.data[pattern.length - 1] == '/')
                type.length = pattern.length;
        return slice_equal_nocase(type, pattern);
}

bool http_media_type_in(struct slice type, const char *const *patterns, size_t pattern_count) {
        const char *mark = type.length ? memchr(type.data, ';', type.length) : NULL;
        if (mark)
                type.length = (size_t) (mark - type.data);
        type = slice_trim(type);
        for (size_t i = 0; i < pattern_count; i++)
                if (media_type_matches(type, slice_of(patterns[i])))
                        return true;
        return false;
}
