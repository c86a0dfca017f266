/* SPDX-License-Identifier: Apache-2.0 */
/* Answers range requests (RFC 9110 section 14): one range as it is, several as multipart/byteranges, whose parts are
 * taken from the body when they are sent, so that many ranges cost no copy. */
#include <stdio.h>

#include "http/conditional.h"
#include "http/range.h"
#include "http/worker.h"
#include "server/file_request.h"

#define BOUNDARY_LENGTH 24

static struct slice format_content_range(struct arena *arena, const struct http_range *range, uint64_t size) {
        return slice_of(arena_format(arena, "bytes %llu-%llu/%llu", (unsigned long long) range->first,
                                     (unsigned long long) (range->first + range->length - 1),
                                     (unsigned long long) size));
}

static bool answer_one(struct file_request *request, const struct file_variant *variant, enum http_coding coding,
                       const struct http_range *range) {
        struct http_exchange *exchange = request->exchange;
        struct slice value = format_content_range(&exchange->arena, range, variant->length);
        const struct http_head_block *block = file_entry_head(request->entry, coding, FILE_HEAD_FULL);
        if (!value.data || !block || http_response_add(exchange, SLICE_LITERAL("content-range"), value) < 0)
                return false;
        exchange->response.status = 206;
        exchange->response.block = block;
        if (!file_request_set_body(request, variant, range->first, range->length))
                return false;
        file_request_respond(request);
        return true;
}

static struct http_segment memory_segment(struct slice bytes) {
        return (struct http_segment) { .type = HTTP_SEGMENT_MEMORY, .length = bytes.length, .data = bytes.data };
}

static struct http_segment body_segment(const struct file_variant *variant, const struct http_range *range) {
        if (variant->body.data)
                return memory_segment((struct slice) { variant->body.data + range->first, range->length });
        return (struct http_segment) {
                .type = HTTP_SEGMENT_FILE, .length = range->length, .fd = variant->fd, .offset = range->first
        };
}

/* The Content-Type that each part has: the one of the whole. */
static struct slice type_of(struct file_request *request, enum http_coding coding) {
        const struct http_head_block *block = file_entry_head(request->entry, coding, FILE_HEAD_FULL);
        for (size_t i = 0; block && i < block->field_count; i++)
                if (slice_equal_text(block->fields[i].name, "content-type"))
                        return block->fields[i].value;
        return SLICE_LITERAL("application/octet-stream");
}

/* The segments of the whole multipart body: a head and bytes for each range, and the end. NULL when memory is out. */
static struct http_segment *make_parts(struct file_request *request, const struct file_variant *variant,
                                       enum http_coding coding, const struct http_range *ranges, size_t count,
                                       const char *boundary) {
        struct arena *arena = &request->exchange->arena;
        struct slice type = type_of(request, coding);
        struct http_segment *segments = arena_alloc(arena, (2 * count + 1) * sizeof(*segments));
        if (!segments)
                return NULL;
        for (size_t i = 0; i < count; i++) {
                struct slice range = format_content_range(arena, &ranges[i], variant->length);
                char *head = arena_format(arena, "%s--%s\r\nContent-Type: %.*s\r\nContent-Range: %.*s\r\n\r\n",
                                          i > 0 ? "\r\n" : "", boundary, SLICE_PRINTF(type), SLICE_PRINTF(range));
                if (!head || !range.data)
                        return NULL;
                segments[2 * i] = memory_segment(slice_of(head));
                segments[2 * i + 1] = body_segment(variant, &ranges[i]);
        }
        char *end = arena_format(arena, "\r\n--%s--\r\n", boundary);
        if (!end)
                return NULL;
        segments[2 * count] = memory_segment(slice_of(end));
        return segments;
}

/* The same as bodies, where the file has to be read by its format. */
static struct http_body *make_chain(struct file_request *request, const struct file_variant *variant,
                                    const struct http_segment *segments, size_t count) {
        struct http_exchange *exchange = request->exchange;
        struct http_body **bodies = arena_alloc(&exchange->arena, count * sizeof(struct http_body *));
        struct http_body_memory *memory = arena_alloc(&exchange->arena, count * sizeof(*memory));
        if (!bodies || !memory)
                return NULL;
        for (size_t i = 0; i < count; i++) {
                if (segments[i].type == HTTP_SEGMENT_MEMORY) {
                        http_body_memory_init(&memory[i], (struct slice) { segments[i].data, segments[i].length });
                        bodies[i] = &memory[i].body;
                        continue;
                }
                struct content_body *part =
                                content_body_new(variant->content, exchange, segments[i].offset, segments[i].length);
                if (!part)
                        return NULL;
                bodies[i] = part->body;
                if (!request->content)
                        request->content = part;
        }
        http_body_chain_init(&request->body.chain, bodies, count);
        return &request->body.chain.body;
}

static struct http_body *join_parts(struct file_request *request, const struct file_variant *variant,
                                    struct http_segment *segments, size_t count) {
        if (variant->content)
                return make_chain(request, variant, segments, count);
        http_body_list_init(&request->body.list, segments, count);
        return &request->body.list.body;
}

static bool answer_many(struct file_request *request, const struct file_variant *variant, enum http_coding coding,
                        const struct http_range *ranges, size_t count) {
        struct http_exchange *exchange = request->exchange;
        char id[17] = { 0 };
        http_exchange_id_text(exchange, id);
        char boundary[BOUNDARY_LENGTH + 1];
        (void) snprintf(boundary, sizeof(boundary), "ccodes--%s", id);

        struct http_segment *segments = make_parts(request, variant, coding, ranges, count, boundary);
        char *type = arena_format(&exchange->arena, "multipart/byteranges; boundary=%s", boundary);
        const struct http_head_block *block = file_entry_head(request->entry, coding, FILE_HEAD_MULTIPART);
        if (!segments || !type || !block ||
            http_response_add(exchange, SLICE_LITERAL("content-type"), slice_of(type)) < 0)
                return false;

        int64_t length = 0;
        for (size_t i = 0; i < 2 * count + 1; i++)
                length += (int64_t) segments[i].length;
        exchange->response.status = 206;
        exchange->response.block = block;
        exchange->response.content_length = length;
        exchange->response.body = join_parts(request, variant, segments, 2 * count + 1);
        if (!exchange->response.body)
                return false;
        file_request_respond(request);
        return true;
}

bool file_answer_ranges(struct file_request *request, const struct file_variant *variant, enum http_coding coding) {
        const struct http_request *http = &request->exchange->request;
        const struct http_validators validators = { variant->etag, request->entry->modified, true };
        if (!http_condition_range_applies(&http->fields, &validators, loop_realtime(request->exchange->worker->loop)))
                return false;

        struct http_range ranges[HTTP_RANGE_MAX];
        ssize_t count = http_range_parse(http_fields_get(&http->fields, HTTP_FIELD_RANGE), variant->length, ranges);
        if (count == -ERANGE) {
                request->unsatisfiable = variant->length;
                file_request_fail(request, CAUSE_RANGE_UNSATISFIABLE, NULL);
                return true;
        }
        if (count <= 0)
                return false;
        if (count == 1)
                return answer_one(request, variant, coding, &ranges[0]);
        return answer_many(request, variant, coding, ranges, (size_t) count);
}
