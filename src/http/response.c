/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of an answer grow in the arena of their exchange, by doubling: what they grow out of is lost until it ends. */
#include "http/response.h"

#include <errno.h>
#include <string.h>

#include "http/exchange.h"

#define FIELDS_FIRST 8

static int add_field(struct http_exchange *exchange, struct http_head_field **fields, size_t *count, size_t *capacity,
                     const struct http_head_field *field) {
        if (*count == *capacity) {
                size_t larger_capacity = *capacity ? 2 * *capacity : FIELDS_FIRST;
                struct http_head_field *larger = arena_alloc(&exchange->arena, larger_capacity * sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                if (*count > 0)
                        memcpy(larger, *fields, *count * sizeof(*larger));
                *fields = larger;
                *capacity = larger_capacity;
        }
        (*fields)[(*count)++] = *field;
        return 0;
}

int http_response_add(struct http_exchange *exchange, struct slice name, struct slice value) {
        struct http_response *response = &exchange->response;
        return add_field(exchange, &response->extra, &response->extra_count, &response->extra_capacity,
                         &(struct http_head_field) { name, value });
}

int http_response_add_trailer(struct http_exchange *exchange, struct slice name, struct slice value) {
        struct http_response *response = &exchange->response;
        return add_field(exchange, &response->trailers, &response->trailer_count, &response->trailer_capacity,
                         &(struct http_head_field) { name, value });
}
