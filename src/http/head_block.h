/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/slice.h"

/*
 * Response fields made ready once and sent many times: as HTTP/1 text and as a list for HTTP/2. Immutable once
 * finished. One heap block; freed by its owner.
 */
struct http_head_field {
        struct slice name; /* lower case */
        struct slice value;
};

struct http_head_block {
        struct slice text; /* "Name: value\r\n" for each */
        size_t field_count;
        struct http_head_field fields[];
};

/* Collects fields; later ones of the same name stand beside earlier ones. Fixed capacity: -ENOBUFS beyond it is remembered. */
#define HTTP_HEAD_BUILDER_FIELDS 64
struct http_head_builder {
        struct http_head_field fields[HTTP_HEAD_BUILDER_FIELDS];
        size_t count, bytes;
        int failed;
};

void http_head_builder_init(struct http_head_builder *builder);

/* The views must live until the block is finished. The name may be in any case; the value must be a valid field value. */
void http_head_builder_add(struct http_head_builder *builder, struct slice name, struct slice value);

/* Replaces all of that name, or removes them when the value's data is NULL. */
void http_head_builder_set(struct http_head_builder *builder, struct slice name, struct slice value);

int http_head_builder_finish(const struct http_head_builder *builder, struct http_head_block **ret_block);
