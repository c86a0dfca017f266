/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with a file: chooses the coding, holds the conditions against its validators, and sends what is ready. Small
 * files are worth the wait for their compression, which runs once; larger ones go out as they are meanwhile. */
#include <string.h>

#include "http/compress/compress.h"
#include "http/conditional.h"
#include "http/problem.h"
#include "http/worker.h"
#include "server/file_request.h"

/* Bytes of a file up to which an answer waits until it is compressed: some milliseconds at most, and only the first
 * time. */
#define WAIT_SIZE_MAX (256 << 10)

static const struct http_accept_encoding *parse_accept(struct file_worker *worker, struct slice field) {
        if (field.length != worker->accept_length || memcmp(field.data, worker->accept_text, field.length) != 0) {
                http_accept_encoding_parse(field, &worker->accept);
                worker->accept_length = 0;
                if (field.length <= sizeof(worker->accept_text)) {
                        memcpy(worker->accept_text, field.data, field.length);
                        worker->accept_length = field.length;
                }
        }
        return &worker->accept;
}

static enum http_coding choose_coding(const struct file_request *request) {
        unsigned codings = request->entry->codings;
        struct slice field = http_fields_get(&request->exchange->request.fields, HTTP_FIELD_ACCEPT_ENCODING);
        if (codings == 0 || field.length == 0)
                return HTTP_CODING_IDENTITY;
        return http_coding_choose(parse_accept(request->worker, field), codings, request->entry->site->codings,
                                  request->entry->site->coding_count);
}

static bool has_condition(const struct http_fields *fields) {
        return fields->first[HTTP_FIELD_IF_NONE_MATCH] | fields->first[HTTP_FIELD_IF_MODIFIED_SINCE] |
               fields->first[HTTP_FIELD_IF_MATCH] | fields->first[HTTP_FIELD_IF_UNMODIFIED_SINCE];
}

static void send_unchanged(struct file_request *request, enum http_coding coding) {
        struct http_response *response = &request->exchange->response;
        response->status = 304;
        response->content_length = -1;
        response->block = file_entry_head(request->entry, coding, FILE_HEAD_UNCHANGED);
        if (response->block)
                file_request_respond(request);
        else
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
}

/* Whether the conditions of the request ended it: 304 or 412. */
static bool answer_by_condition(struct file_request *request, const struct file_variant *variant,
                                enum http_coding coding) {
        const struct http_request *http = &request->exchange->request;
        const struct http_validators validators = { variant->etag, request->entry->modified, true };
        if (!has_condition(&http->fields))
                return false;
        switch (http_condition_evaluate(&http->fields, http->method, &validators,
                                        loop_realtime(request->exchange->worker->loop))) {
        case HTTP_CONDITION_NOT_MODIFIED:
                send_unchanged(request, coding);
                return true;
        case HTTP_CONDITION_FAILED:
                file_request_fail(request, CAUSE_PRECONDITION_FAILED, NULL);
                return true;
        case HTTP_CONDITION_PROCEED:
                break;
        }
        return false;
}

bool file_request_set_body(struct file_request *request, const struct file_variant *variant, uint64_t offset,
                           uint64_t length) {
        struct http_response *response = &request->exchange->response;
        response->content_length = (int64_t) length;
        if (request->exchange->request.method == HTTP_METHOD_HEAD || length == 0)
                return true;
        if (variant->content) {
                request->content = content_body_new(variant->content, request->exchange, offset, length);
                response->body = request->content ? request->content->body : NULL;
        } else if (variant->body.data) {
                http_body_memory_init(&request->body.memory, (struct slice) { variant->body.data + offset, length });
                response->body = &request->body.memory.body;
        } else {
                http_body_file_init(&request->body.file, variant->fd, offset, length);
                response->body = &request->body.file.body;
        }
        return response->body;
}

static void send_variant(struct file_request *request, const struct file_variant *variant, enum http_coding coding) {
        const struct http_request *http = &request->exchange->request;
        struct http_response *response = &request->exchange->response;
        if (coding != HTTP_CODING_IDENTITY)
                response->coding = http_coding_name(coding);
        if (http_fields_has(&http->fields, HTTP_FIELD_RANGE) && http->method == HTTP_METHOD_GET &&
            file_answer_ranges(request, variant, coding))
                return;

        response->block = variant->heads[FILE_HEAD_FULL];
        if (!response->block)
                response->block = file_entry_head(request->entry, coding, FILE_HEAD_FULL);
        if (!response->block) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        response->status = 200;
        if (file_request_set_body(request, variant, 0, variant->length))
                file_request_respond(request);
        else
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
}

/* Sees to it that the variant gets its bytes. The coding to go on with, or -1 when the answer waits for them. */
static int await_bytes(struct file_request *request, enum http_coding coding) {
        bool waits = !request->has_waited && request->entry->result.sources[0].identity.size <= WAIT_SIZE_MAX;
        int r = compression_await(request->entry, coding, request->exchange->generation,
                                  waits ? &request->compression : NULL);
        if (r == 0 && waits)
                return -1;
        return r == 1 ? (int) choose_coding(request) : HTTP_CODING_IDENTITY;
}

void file_answer(struct file_request *request) {
        enum http_coding coding = choose_coding(request);
        for (;;) {
                const struct file_variant *variant = file_entry_variant(request->entry, coding);
                if (!variant) {
                        file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                        return;
                }
                if (answer_by_condition(request, variant, coding))
                        return;
                if (variant->is_ready) {
                        send_variant(request, variant, coding);
                        return;
                }
                int next = await_bytes(request, coding);
                if (next < 0)
                        return;
                coding = (enum http_coding) next;
        }
}

bool file_answer_error_page(struct file_request *request) {
        struct http_exchange *exchange = request->exchange;
        struct file_entry *entry = request->entry;
        const struct cause_entry *cause = cause_entry(request->failure);
        enum http_coding coding = choose_coding(request);
        const struct file_variant *variant = file_entry_variant(entry, coding);
        if (variant && !variant->is_ready) {
                (void) compression_await(entry, coding, exchange->generation, NULL);
                coding = HTTP_CODING_IDENTITY;
                variant = file_entry_variant(entry, coding);
        }
        const struct http_head_block *block = variant ? file_entry_head(entry, coding, FILE_HEAD_ERROR_PAGE) : NULL;
        if (!block || !variant->is_ready)
                return false;

        exchange->response.status = cause->status;
        exchange->response.block = block;
        http_problem_add_fields(exchange, request->failure);
        file_request_add_failure_fields(request, request->failure);
        if (!file_request_set_body(request, variant, 0, variant->length))
                return false;
        file_request_respond(request);
        return true;
}
