/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the ready-made fields of a response in one heap block: the list, then the HTTP/1 text, whose values the list
 * points into, then the lower-case names. */
#include "http/head_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/field.h"

void http_head_builder_init(struct http_head_builder *builder) {
        builder->count = builder->bytes = 0;
        builder->failed = 0;
}

void http_head_builder_add(struct http_head_builder *builder, struct slice name, struct slice value) {
        if (builder->failed)
                return;
        if (builder->count == HTTP_HEAD_BUILDER_FIELDS) {
                builder->failed = -ENOBUFS;
                return;
        }
        if (!http_is_token(name) || !http_is_field_value(value)) {
                builder->failed = -EINVAL;
                return;
        }
        builder->fields[builder->count++] = (struct http_head_field) { name, value };
        builder->bytes += 2 * name.length + value.length + 4;
}

void http_head_builder_set(struct http_head_builder *builder, struct slice name, struct slice value) {
        size_t kept = 0;
        for (size_t i = 0; i < builder->count; i++) {
                const struct http_head_field *field = &builder->fields[i];
                if (slice_equal_nocase(field->name, name))
                        builder->bytes -= 2 * field->name.length + field->value.length + 4;
                else
                        builder->fields[kept++] = *field;
        }
        builder->count = kept;
        if (value.data)
                http_head_builder_add(builder, name, value);
}

static char *append(char *at, struct slice bytes) {
        if (bytes.length > 0)
                memcpy(at, bytes.data, bytes.length);
        return at + bytes.length;
}

int http_head_builder_finish(const struct http_head_builder *builder, struct http_head_block **ret_block) {
        if (builder->failed)
                return builder->failed;

        struct http_head_block *block =
                        malloc(sizeof(*block) + builder->count * sizeof(block->fields[0]) + builder->bytes + 1);
        if (!block)
                return -ENOMEM;
        char *text = (char *) &block->fields[builder->count], *at = text;
        for (size_t i = 0; i < builder->count; i++) {
                const struct http_head_field *field = &builder->fields[i];
                at = append(at, field->name);
                at = append(at, SLICE_LITERAL(": "));
                block->fields[i].value = (struct slice) { at, field->value.length };
                at = append(at, field->value);
                at = append(at, SLICE_LITERAL("\r\n"));
        }
        block->text = (struct slice) { text, (size_t) (at - text) };

        for (size_t i = 0; i < builder->count; i++) {
                struct slice name = builder->fields[i].name;
                block->fields[i].name = (struct slice) { at, name.length };
                for (size_t j = 0; j < name.length; j++) {
                        char byte = name.data[j];
                        *at++ = byte >= 'A' && byte <= 'Z' ? (char) (byte | 0x20) : byte;
                }
        }
        block->field_count = builder->count;
        *ret_block = block;
        return 0;
}
