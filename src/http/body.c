/* SPDX-License-Identifier: Apache-2.0 */
/* The plain sources of a response body: bytes in memory, a part of a file, a list of both, and bodies one after the other.
 * None of them owns what it points to. */
#include "http/body.h"

#include "shared/syscall.h"

enum cause http_body_cause(int error) {
        switch (error) {
        case -ESTALE:
                return CAUSE_FILE_CHANGED;
        case -EBADMSG:
                return CAUSE_CONTENT_DAMAGED;
        case -ENOKEY:
                return CAUSE_KEY_MISSING;
        case -ENOMEM:
                return CAUSE_OUT_OF_MEMORY;
        case -EAGAIN:
                return CAUSE_OVERLOADED;
        default:
                return CAUSE_READ_FAILED;
        }
}

static int memory_peek(struct http_body *body, struct http_segment *ret_segment) {
        const struct http_body_memory *memory = container_of(body, struct http_body_memory, body);
        if (memory->bytes.length == 0)
                return 0;
        *ret_segment = (struct http_segment) { .type = HTTP_SEGMENT_MEMORY,
                                               .length = memory->bytes.length,
                                               .data = memory->bytes.data };
        return 1;
}

static void memory_consume(struct http_body *body, uint64_t length) {
        struct http_body_memory *memory = container_of(body, struct http_body_memory, body);
        memory->bytes = slice_from(memory->bytes, length);
}

static const struct http_body_operations memory_operations = { memory_peek, memory_consume };

void http_body_memory_init(struct http_body_memory *memory, struct slice bytes) {
        *memory = (struct http_body_memory) { .body.operations = &memory_operations, .bytes = bytes };
}

static int file_peek(struct http_body *body, struct http_segment *ret_segment) {
        const struct http_body_file *file = container_of(body, struct http_body_file, body);
        if (file->left == 0)
                return 0;
        *ret_segment = (struct http_segment) {
                .type = HTTP_SEGMENT_FILE, .length = file->left, .fd = file->fd, .offset = file->offset
        };
        return 1;
}

static void file_consume(struct http_body *body, uint64_t length) {
        struct http_body_file *file = container_of(body, struct http_body_file, body);
        file->offset += length;
        file->left -= length;
}

static const struct http_body_operations file_operations = { file_peek, file_consume };

void http_body_file_init(struct http_body_file *file, int fd, uint64_t offset, uint64_t length) {
        *file = (struct http_body_file) {
                .body.operations = &file_operations, .fd = fd, .offset = offset, .left = length
        };
}

static int list_peek(struct http_body *body, struct http_segment *ret_segment) {
        struct http_body_list *list = container_of(body, struct http_body_list, body);
        while (list->left > 0 && list->next->length == 0) {
                list->next++;
                list->left--;
        }
        if (list->left == 0)
                return 0;
        *ret_segment = *list->next;
        return 1;
}

static void list_consume(struct http_body *body, uint64_t length) {
        struct http_segment *segment = container_of(body, struct http_body_list, body)->next;
        segment->length -= length;
        if (segment->type == HTTP_SEGMENT_MEMORY)
                segment->data += length;
        else
                segment->offset += length;
}

static const struct http_body_operations list_operations = { list_peek, list_consume };

void http_body_list_init(struct http_body_list *list, struct http_segment *segments, size_t count) {
        *list = (struct http_body_list) { .body.operations = &list_operations, .next = segments, .left = count };
}

static int chain_peek(struct http_body *body, struct http_segment *ret_segment) {
        struct http_body_chain *chain = container_of(body, struct http_body_chain, body);
        for (; chain->left > 0; chain->next++, chain->left--) {
                int r = (*chain->next)->operations->peek(*chain->next, ret_segment);
                if (r != 0)
                        return r;
        }
        return 0;
}

static void chain_consume(struct http_body *body, uint64_t length) {
        struct http_body *current = *container_of(body, struct http_body_chain, body)->next;
        current->operations->consume(current, length);
}

static const struct http_body_operations chain_operations = { chain_peek, chain_consume };

void http_body_chain_init(struct http_body_chain *chain, struct http_body **bodies, size_t count) {
        *chain = (struct http_body_chain) { .body.operations = &chain_operations, .next = bodies, .left = count };
}
