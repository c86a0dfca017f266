/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/slice.h"

/*
 * Header and trailer fields (RFC 9110 section 5).
 *
 * Names that the engine itself looks for have an identifier, found once while parsing, so that a look-up is an index.
 */
enum http_field_id {
        HTTP_FIELD_OTHER,
#define HTTP_FIELD(identifier, name) HTTP_FIELD_##identifier,
#include "http/field_table.h"
#undef HTTP_FIELD
        HTTP_FIELD_COUNT,
};

struct http_field {
        struct slice name;  /* as it was sent; in HTTP/2 lower case */
        struct slice value; /* without surrounding white space */
        enum http_field_id id;
        uint16_t next; /* 1 + index of the next field with this id, 0: none; not kept for HTTP_FIELD_OTHER */
};

/* Fields in the order they came. The array belongs to whoever made it. */
struct http_fields {
        struct http_field *items;
        uint16_t count, capacity;
        uint16_t first[HTTP_FIELD_COUNT]; /* 1 + index of the first with this id, 0: none */
        uint16_t last[HTTP_FIELD_COUNT];
};

void http_fields_init(struct http_fields *fields, struct http_field *items, uint16_t capacity);

/* Adds a field; the views are kept, not copied. -ENOBUFS when the array is full. */
int http_fields_add(struct http_fields *fields, enum http_field_id id, struct slice name, struct slice value);

/*
 * Makes one line of the lines of each known field, as RFC 9110 section 5.3 has it: the values in order with commas between
 * them, cookies with semicolons (RFC 9113 section 8.2.3). Whoever looks for a list then finds all of it in the first line,
 * and a field that must not be repeated has a value that its own grammar refuses. Host and the fields about framing and the
 * connection stay as they are: see http_fields_is_repeated and http_fields_list_has. After -ENOMEM the fields are of no use.
 */
int http_fields_combine(struct http_fields *fields, struct arena *arena);

/* The identifier of a name, by length and a compare without regard to case. */
enum http_field_id http_field_id_from_name(struct slice name);

/* Whether a field of this name must not come as a trailer (RFC 9110 section 6.5.1): whoever merged it would frame, route or authenticate
 * the request anew. */
bool http_field_is_forbidden_as_trailer(struct slice name);

/* Canonical spelling ("Content-Type") of an id other than HTTP_FIELD_OTHER. */
struct slice http_field_name(enum http_field_id id);

/* The value of the first field with this id; data == NULL when there is none. */
static inline struct slice http_fields_get(const struct http_fields *fields, enum http_field_id id) {
        unsigned first = fields->first[id];
        return first ? fields->items[first - 1].value : SLICE_NULL;
}

static inline bool http_fields_has(const struct http_fields *fields, enum http_field_id id) {
        return fields->first[id] != 0;
}

/* There is more than one field with this id. */
static inline bool http_fields_is_repeated(const struct http_fields *fields, enum http_field_id id) {
        return fields->first[id] != fields->last[id];
}

/* The value of the first field with this name, known or not, without regard to case. */
struct slice http_fields_find(const struct http_fields *fields, struct slice name);

/* Whether a list-valued field (all its lines together) has this token, without regard to case (RFC 9110 section 5.6.1). */
bool http_fields_list_has(const struct http_fields *fields, enum http_field_id id, struct slice token);

/* Takes the next element off a comma-separated list, quoted strings respected, white space trimmed, empty elements
 * skipped. False at the end. */
bool http_list_next(struct slice *list, struct slice *ret_element);

/* A token, and a field value without control characters (RFC 9110 sections 5.6.2, 5.5). */
bool http_is_token(struct slice text);
bool http_is_field_value(struct slice text);
