/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields as a table of views: each field that the engine knows is chained to the next of its name, so that a
 * look-up never walks the others. Nothing is copied; the chains hold indices into the caller's array. */
#include "http/field.h"

#include <errno.h>

#include "http/byte_class.h"

/* Longest name in field_table.h. */
#define NAME_MAX_LENGTH 19

static const struct slice names[HTTP_FIELD_COUNT] = {
#define HTTP_FIELD(identifier, name) [HTTP_FIELD_##identifier] = { name, sizeof(name) - 1 },
#include "http/field_table.h"
#undef HTTP_FIELD
};

/* The known names of each length. A name that is missing here is never found: the unit test goes through the table. */
static const uint8_t names_of_length[NAME_MAX_LENGTH + 1][4] = {
        [2] = { HTTP_FIELD_TE },
        [4] = { HTTP_FIELD_HOST, HTTP_FIELD_DATE },
        [5] = { HTTP_FIELD_RANGE },
        [6] = { HTTP_FIELD_ACCEPT, HTTP_FIELD_COOKIE, HTTP_FIELD_ORIGIN, HTTP_FIELD_EXPECT },
        [7] = { HTTP_FIELD_REFERER, HTTP_FIELD_UPGRADE, HTTP_FIELD_TRAILER },
        [8] = { HTTP_FIELD_PRIORITY, HTTP_FIELD_IF_RANGE, HTTP_FIELD_IF_MATCH },
        [9] = { HTTP_FIELD_FORWARDED },
        [10] = { HTTP_FIELD_USER_AGENT, HTTP_FIELD_CONNECTION, HTTP_FIELD_KEEP_ALIVE },
        [11] = { HTTP_FIELD_TRACEPARENT, HTTP_FIELD_REPR_DIGEST },
        [12] = { HTTP_FIELD_CONTENT_TYPE },
        [13] = { HTTP_FIELD_IF_NONE_MATCH, HTTP_FIELD_AUTHORIZATION, HTTP_FIELD_CONTENT_RANGE },
        [14] = { HTTP_FIELD_CONTENT_LENGTH, HTTP_FIELD_CONTENT_DIGEST },
        [15] = { HTTP_FIELD_ACCEPT_ENCODING },
        [16] = { HTTP_FIELD_CONTENT_ENCODING, HTTP_FIELD_PROXY_CONNECTION, HTTP_FIELD_WANT_REPR_DIGEST },
        [17] = { HTTP_FIELD_IF_MODIFIED_SINCE, HTTP_FIELD_TRANSFER_ENCODING },
        [19] = { HTTP_FIELD_IF_UNMODIFIED_SINCE },
};

void http_fields_init(struct http_fields *fields, struct http_field *items, uint16_t capacity) {
        fields->items = items;
        fields->capacity = capacity;
        fields->count = 0;
        memset(fields->first, 0, sizeof(fields->first));
        memset(fields->last, 0, sizeof(fields->last));
}

int http_fields_add(struct http_fields *fields, enum http_field_id id, struct slice name, struct slice value) {
        if (fields->count == fields->capacity)
                return -ENOBUFS;

        fields->items[fields->count] = (struct http_field) { .name = name, .value = value, .id = id };
        fields->count++;
        if (id == HTTP_FIELD_OTHER)
                return 0;

        if (fields->first[id] == 0)
                fields->first[id] = fields->count;
        else
                fields->items[fields->last[id] - 1].next = fields->count;
        fields->last[id] = fields->count;
        return 0;
}

/* Whether 8 bytes are those of a known name but for the case of its letters. Known names are letters and "-" only:
 * what may differ is bit 0x20, and only where the name has bit 0x40, which letters have and "-" has not. */
static inline bool word_matches(uint64_t sent, uint64_t name) {
        uint64_t letters = (name & 0x4040404040404040) >> 1;
        return ((sent ^ name) & ~letters) == 0;
}

static inline uint64_t load(const char *bytes, size_t size) {
        uint64_t word = 0;
        memcpy(&word, bytes, size);
        return word;
}

static inline bool name_matches(const char *sent, const char *name, size_t length) {
        if (length >= 8) {
                for (size_t i = 0; i + 8 < length; i += 8)
                        if (!word_matches(load(sent + i, 8), load(name + i, 8)))
                                return false;
                return word_matches(load(sent + length - 8, 8), load(name + length - 8, 8));
        }
        if (length >= 4)
                return word_matches(load(sent, 4), load(name, 4)) &&
                       word_matches(load(sent + length - 4, 4), load(name + length - 4, 4));
        return word_matches(load(sent, 2), load(name, 2)) &&
               word_matches(load(sent + length - 2, 2), load(name + length - 2, 2));
}

enum http_field_id http_field_id_from_name(struct slice name) {
        if (name.length > NAME_MAX_LENGTH)
                return HTTP_FIELD_OTHER;
        const uint8_t *candidates = names_of_length[name.length];
        for (size_t i = 0; i < sizeof(names_of_length[0]) && candidates[i]; i++)
                if (name_matches(name.data, names[candidates[i]].data, name.length))
                        return candidates[i];
        return HTTP_FIELD_OTHER;
}

struct slice http_field_name(enum http_field_id id) {
        return names[id];
}

static bool is_combined(enum http_field_id id) {
        switch (id) {
        case HTTP_FIELD_OTHER:
        /* Repeating one of these is a fault that its reader answers. */
        case HTTP_FIELD_HOST:
        case HTTP_FIELD_CONTENT_LENGTH:
        case HTTP_FIELD_TRANSFER_ENCODING:
        /* Those of the connection are read line by line, so that a quote left open in one line hides nothing of the next. */
        case HTTP_FIELD_CONNECTION:
        case HTTP_FIELD_KEEP_ALIVE:
        case HTTP_FIELD_PROXY_CONNECTION:
        case HTTP_FIELD_TE:
        case HTTP_FIELD_TRAILER:
        case HTTP_FIELD_UPGRADE:
                return false;
        default:
                return true;
        }
}

static int combine_lines(struct http_fields *fields, enum http_field_id id, struct arena *arena) {
        const struct slice separator = id == HTTP_FIELD_COOKIE ? SLICE_LITERAL("; ") : SLICE_LITERAL(", ");
        size_t length = 0;
        for (unsigned at = fields->first[id]; at; at = fields->items[at - 1].next)
                length += fields->items[at - 1].value.length + separator.length;
        char *text = arena_alloc(arena, length), *end = text;
        if (!text)
                return -ENOMEM;
        for (unsigned at = fields->first[id]; at; at = fields->items[at - 1].next) {
                struct slice value = fields->items[at - 1].value;
                if (value.length == 0)
                        continue;
                if (end != text)
                        end = mempcpy(end, separator.data, separator.length);
                end = mempcpy(end, value.data, value.length);
        }
        fields->items[fields->first[id] - 1].value = (struct slice) { text, (size_t) (end - text) };
        return 0;
}

/* In place: a field never moves backwards. */
static void keep_first_lines(struct http_fields *fields) {
        const struct http_fields all = *fields;
        http_fields_init(fields, all.items, all.capacity);
        for (unsigned i = 0; i < all.count; i++) {
                struct http_field field = all.items[i];
                if (!is_combined(field.id) || all.first[field.id] == i + 1)
                        (void) http_fields_add(fields, field.id, field.name, field.value);
        }
}

int http_fields_combine(struct http_fields *fields, struct arena *arena) {
        if (memcmp(fields->first, fields->last, sizeof(fields->first)) == 0)
                return 0;
        for (unsigned id = 0; id < HTTP_FIELD_COUNT; id++) {
                int r = fields->first[id] != fields->last[id] && is_combined(id) ? combine_lines(fields, id, arena) : 0;
                if (r < 0)
                        return r;
        }
        keep_first_lines(fields);
        return 0;
}

struct slice http_fields_find(const struct http_fields *fields, struct slice name) {
        enum http_field_id id = http_field_id_from_name(name);
        if (id != HTTP_FIELD_OTHER)
                return http_fields_get(fields, id);
        for (unsigned i = 0; i < fields->count; i++)
                if (fields->items[i].id == HTTP_FIELD_OTHER && slice_equal_nocase(fields->items[i].name, name))
                        return fields->items[i].value;
        return SLICE_NULL;
}

bool http_fields_list_has(const struct http_fields *fields, enum http_field_id id, struct slice token) {
        for (unsigned at = fields->first[id]; at; at = fields->items[at - 1].next) {
                struct slice list = fields->items[at - 1].value, element;
                while (http_list_next(&list, &element))
                        if (slice_equal_nocase(element, token))
                                return true;
        }
        return false;
}

/* Bytes up to the comma that ends the element, or to the end of the list. */
static size_t element_length(struct slice list) {
        bool is_quoted = false;
        size_t i = 0;
        for (; i < list.length; i++) {
                if (list.data[i] == '"')
                        is_quoted = !is_quoted;
                else if (is_quoted && list.data[i] == '\\' && i + 1 < list.length)
                        i++;
                else if (!is_quoted && list.data[i] == ',')
                        break;
        }
        return i;
}

bool http_list_next(struct slice *list, struct slice *ret_element) {
        while (list->length) {
                size_t length = element_length(*list);
                struct slice element = slice_trim((struct slice) { list->data, length });
                *list = slice_from(*list, length < list->length ? length + 1 : length);
                if (element.length) {
                        *ret_element = element;
                        return true;
                }
        }
        return false;
}

bool http_is_token(struct slice text) {
        for (size_t i = 0; i < text.length; i++)
                if (!http_byte_is(text.data[i], HTTP_BYTE_TOKEN))
                        return false;
        return text.length > 0;
}

bool http_is_field_value(struct slice text) {
        for (size_t i = 0; i < text.length; i++)
                if (http_byte_is(text.data[i], HTTP_BYTE_CONTROL) && text.data[i] != '\t')
                        return false;
        return true;
}

bool http_field_is_forbidden_as_trailer(struct slice name) {
        const struct slice forwarded = SLICE_LITERAL("X-Forwarded-");
        if (name.length > forwarded.length &&
            slice_equal_nocase((struct slice) { name.data, forwarded.length }, forwarded))
                return true;

        switch (http_field_id_from_name(name)) {
        case HTTP_FIELD_AUTHORIZATION:
        case HTTP_FIELD_CONNECTION:
        case HTTP_FIELD_CONTENT_ENCODING:
        case HTTP_FIELD_CONTENT_LENGTH:
        case HTTP_FIELD_CONTENT_TYPE:
        case HTTP_FIELD_COOKIE:
        case HTTP_FIELD_EXPECT:
        case HTTP_FIELD_FORWARDED:
        case HTTP_FIELD_HOST:
        case HTTP_FIELD_KEEP_ALIVE:
        case HTTP_FIELD_PROXY_CONNECTION:
        case HTTP_FIELD_TE:
        case HTTP_FIELD_TRAILER:
        case HTTP_FIELD_TRANSFER_ENCODING:
        case HTTP_FIELD_UPGRADE:
                return true;
        default:
                return slice_equal_nocase(name, SLICE_LITERAL("Proxy-Authorization"));
        }
}
