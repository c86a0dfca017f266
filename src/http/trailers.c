/* SPDX-License-Identifier: Apache-2.0 */
/* Trailers are few and rare: there is no list before the first, and it grows by doubling. */
#include "http/trailers.h"

#include <errno.h>
#include <string.h>

#include "http/connection.h"

#define TRAILERS_FIRST 8

static int grow(struct http_exchange *exchange, struct http_fields *trailers) {
        int64_t most = http_exchange_config(exchange)->http.limits.max_fields;
        uint16_t capacity =
                        trailers->capacity ? (uint16_t) MIN_OF(2 * (int64_t) trailers->capacity, most) : TRAILERS_FIRST;
        if (capacity <= trailers->count)
                return -E2BIG;
        struct http_field *larger = arena_alloc(&exchange->arena, capacity * sizeof(*larger));
        if (!larger)
                return -ENOMEM;
        if (trailers->count > 0)
                memcpy(larger, trailers->items, trailers->count * sizeof(*larger));
        trailers->items = larger;
        trailers->capacity = capacity;
        return 0;
}

/* The views are the arena's. */
static int add(struct http_exchange *exchange, struct slice name, struct slice value) {
        struct http_fields *trailers = exchange->request.trailers;
        if (!trailers) {
                trailers = arena_alloc(&exchange->arena, sizeof(*trailers));
                if (!trailers)
                        return -ENOMEM;
                http_fields_init(trailers, NULL, 0);
                exchange->request.trailers = trailers;
        }
        int r = trailers->count == trailers->capacity ? grow(exchange, trailers) : 0;
        return r < 0 ? r : http_fields_add(trailers, http_field_id_from_name(name), name, value);
}

int http_request_add_trailer(struct http_exchange *exchange, struct slice name, struct slice value) {
        char *copy = arena_alloc(&exchange->arena, name.length + value.length);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, name.data, name.length);
        memcpy(copy + name.length, value.data, value.length);
        return add(exchange, (struct slice) { copy, name.length }, (struct slice) { copy + name.length, value.length });
}

int http_request_take_trailers(struct http_exchange *exchange, struct slice lines) {
        char *copy = arena_alloc(&exchange->arena, lines.length);
        if (!copy)
                return -ENOMEM;
        struct slice left = { memcpy(copy, lines.data, lines.length), lines.length };
        int r = 0;
        while (r >= 0 && left.length > 0) {
                size_t end = (size_t) ((const char *) memchr(left.data, '\r', left.length) - left.data);
                size_t colon = (size_t) ((const char *) memchr(left.data, ':', end) - left.data);
                struct slice value = { left.data + colon + 1, end - colon - 1 };
                r = add(exchange, (struct slice) { left.data, colon }, slice_trim(value));
                left = slice_from(left, end + 2);
        }
        return r;
}
