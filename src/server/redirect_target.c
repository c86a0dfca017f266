/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles and fills in the targets of redirects. Nothing that a request brings is put in as it came: in a path
 * everything but path characters is percent-encoded, behind a '?' everything but unreserved ones is. */
#include "server/redirect_target.h"

#include <errno.h>

enum redirect_part_type {
        REDIRECT_LITERAL,
        REDIRECT_CAPTURE, /* "$1" */
        REDIRECT_URI,
        REDIRECT_QUERY,
};

struct redirect_part {
        enum redirect_part_type type;
        bool is_in_query;     /* stands behind a '?' or '#' */
        unsigned capture;     /* from 0 */
        struct slice literal; /* of REDIRECT_LITERAL */
};

static bool is_unreserved(unsigned char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static void append_encoded(struct text *text, unsigned char byte) {
        static const char digits[] = "0123456789ABCDEF";
        text_append(text, (struct slice) { (const char[]) { '%', digits[byte >> 4], digits[byte & 0xf] }, 3 });
}

void redirect_append_query(struct text *text, struct slice query) {
        for (size_t i = 0; i < query.length; i++) {
                unsigned char byte = (unsigned char) query.data[i];
                if (is_unreserved(byte) || (byte && strchr("%!$&'()*+,;=:@/?", byte)))
                        text_append_char(text, (char) byte);
                else
                        append_encoded(text, byte);
        }
}

static void append_query_value(struct text *text, struct slice bytes) {
        for (size_t i = 0; i < bytes.length; i++) {
                unsigned char byte = (unsigned char) bytes.data[i];
                if (is_unreserved(byte) || byte == '/')
                        text_append_char(text, (char) byte);
                else
                        append_encoded(text, byte);
        }
}

/* Reads what stands behind a '$'. The number of bytes that it takes, or -EINVAL. */
static int read_variable(const char *text, size_t wildcards, struct error *error, struct redirect_part *part) {
        struct slice rest = slice_of(text);
        if (slice_starts_with(rest, SLICE_LITERAL("uri"))) {
                part->type = REDIRECT_URI;
                return 3;
        }
        if (slice_starts_with(rest, SLICE_LITERAL("query"))) {
                part->type = REDIRECT_QUERY;
                return 5;
        }
        if (*text == '$') {
                part->type = REDIRECT_LITERAL;
                part->literal = (struct slice) { text, 1 };
                return 1;
        }
        if (*text < '1' || *text > '9')
                return error_set(error, -EINVAL, "'$' must be followed by a digit from 1 to 9, 'uri', 'query' or '$'");
        part->type = REDIRECT_CAPTURE;
        part->capture = (unsigned) (*text - '1');
        if (part->capture >= wildcards)
                return error_set(error, -EINVAL, "$%c is used, but the pattern has %zu wildcard%s", *text, wildcards,
                                 wildcards == 1 ? "" : "s");
        return 1;
}

static int check(const char *text, struct error *error) {
        struct slice target = slice_of(text);
        if (slice_starts_with(target, SLICE_LITERAL("//")))
                return error_set(error, -EINVAL, "a redirect that begins with '//' names a host: write 'https://'");
        if (text[0] != '/' && !slice_starts_with(target, SLICE_LITERAL("$uri")) &&
            !slice_starts_with(target, SLICE_LITERAL("http://")) &&
            !slice_starts_with(target, SLICE_LITERAL("https://")))
                return error_set(error, -EINVAL, "a redirect must begin with '/', '$uri', 'http://' or 'https://'");
        for (const char *at = text; *at; at++)
                if ((unsigned char) *at <= ' ' || (unsigned char) *at >= 0x7f || strchr("\"<>\\^`{|}", *at))
                        return error_set(error, -EINVAL, "'%s' holds a byte that must be percent-encoded in an address",
                                         text);
        return 0;
}

/* The parts of a target, as far as it was read. */
struct target_reader {
        bool is_in_host, is_in_query;
};

static void read_literal(struct target_reader *reader, struct slice literal, bool is_first) {
        struct slice rest = literal;
        if (is_first && *literal.data != '/') {
                reader->is_in_host = true;
                rest = slice_from(literal, (size_t) ((const char *) memchr(literal.data, ':', literal.length) + 3 -
                                                     literal.data));
        }
        for (size_t i = 0; i < rest.length; i++) {
                if (strchr("/?#", rest.data[i]))
                        reader->is_in_host = false;
                if (strchr("?#", rest.data[i]))
                        reader->is_in_query = true;
        }
}

int redirect_target_compile(const char *text, size_t wildcards, struct arena *arena, struct error *error,
                            struct redirect_target *ret_target) {
        int r = check(text, error);
        if (r < 0)
                return r;

        size_t most = 1;
        for (const char *at = text; *at; at++)
                most += *at == '$' ? 2 : 0;
        struct redirect_part *parts = arena_alloc_zero(arena, most * sizeof(*parts)), *part = parts;
        if (!parts)
                return -ENOMEM;

        struct target_reader reader = { 0 };
        for (; *text; part++) {
                size_t length = strcspn(text, "$");
                part->is_in_query = reader.is_in_query;
                if (length > 0) {
                        part->literal = (struct slice) { text, length };
                        read_literal(&reader, part->literal, part == parts);
                        text += length;
                        continue;
                }
                r = read_variable(text + 1, wildcards, error, part);
                if (r < 0)
                        return r;
                text += 1 + r;
                if (reader.is_in_host && part->type != REDIRECT_URI)
                        return error_set(error, -EINVAL,
                                         "what a request brings may not stand in a redirect's host; "
                                         "begin its path with '/'");
                reader.is_in_host = false;
        }
        *ret_target = (struct redirect_target) { parts, (size_t) (part - parts) };
        return 0;
}

static void append_query_part(struct text *text, struct slice query, bool is_last) {
        if (query.length > 0)
                redirect_append_query(text, query);
        else if (is_last && text->length > 0 &&
                 (text->data[text->length - 1] == '?' || text->data[text->length - 1] == '&'))
                text->data[--text->length] = '\0';
}

/* "/", nothing and "/host" together would name a host. */
static void merge_slashes(struct text *text, size_t start) {
        size_t slashes = 0;
        while (start + slashes < text->length && text->data[start + slashes] == '/')
                slashes++;
        if (slashes < 2)
                return;
        memmove(text->data + start, text->data + start + slashes - 1, text->length - start - slashes + 2);
        text->length -= slashes - 1;
}

void redirect_target_append(const struct redirect_target *target, struct slice path, struct slice query,
                            const struct path_captures *captures, struct text *text) {
        size_t start = text->length;
        for (size_t i = 0; i < target->part_count; i++) {
                const struct redirect_part *part = &target->parts[i];
                if (part->type == REDIRECT_LITERAL) {
                        text_append(text, part->literal);
                } else if (part->type == REDIRECT_QUERY) {
                        append_query_part(text, query, i + 1 == target->part_count);
                } else {
                        struct slice value = part->type == REDIRECT_URI ? path : captures->items[part->capture];
                        if (part->is_in_query)
                                append_query_value(text, value);
                        else
                                text_append_uri_path(text, value);
                }
        }
        merge_slashes(text, start);
}
