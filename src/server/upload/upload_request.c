/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests enter an upload folder: what is decided before a byte of a body is read. */
#include "server/upload/upload_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/conditional.h"
#include "http/worker.h"
#include "server/signed_download.h"
#include "server/upload/tus_fields.h"
#include "server/upload/tus_request.h"
#include "server/upload/upload_access.h"
#include "server/upload/upload_name.h"

void upload_request_fail(struct file_request *request, const struct upload_fault *fault) {
        file_request_fail(request, fault->cause, fault->detail);
}

char *upload_request_name(struct file_request *request, struct slice name) {
        const char *fault = upload_name_fault(name);
        if (fault) {
                file_request_fail(request, CAUSE_UPLOAD_NAME_INVALID, fault);
                return NULL;
        }
        char *copy = strndup(name.data, name.length);
        if (!copy)
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
        return copy;
}

void upload_request_start(struct file_request *request, struct upload_transfer *transfer,
                          const struct upload_transfer_operations *operations) {
        int r = upload_transfer_start(transfer, operations, request->exchange);
        if (r == -EAGAIN)
                file_request_fail(request, CAUSE_OVERLOADED, "the queue of the threads that write is full");
        else if (r < 0)
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
}

bool upload_request_is_conditional(const struct file_request *request) {
        const struct http_fields *fields = &request->exchange->request.fields;
        return http_fields_has(fields, HTTP_FIELD_IF_MATCH) || http_fields_has(fields, HTTP_FIELD_IF_NONE_MATCH) ||
               http_fields_has(fields, HTTP_FIELD_IF_UNMODIFIED_SINCE);
}

static enum http_condition evaluate(const struct file_request *request, const struct http_validators *validators) {
        const struct http_request *http = &request->exchange->request;
        return http_condition_evaluate(&http->fields, http->method, validators,
                                       loop_realtime(request->exchange->worker->loop));
}

static enum http_condition evaluate_absence(const struct file_request *request) {
        return evaluate(request, &(struct http_validators) { .exists = false });
}

/* A client may have seen the file in any of the codings that it is sent in, each with a tag of its own. */
static enum http_condition evaluate_file(struct file_request *request) {
        static const enum http_coding codings[] = { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_BROTLI,
                                                    HTTP_CODING_ZSTD };
        struct slice tags[ELEMENTS_OF(codings)];
        size_t count = 0;
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++) {
                if (codings[i] != HTTP_CODING_IDENTITY && !(request->entry->codings & codings[i]))
                        continue;
                const struct file_variant *variant = file_entry_variant(request->entry, codings[i]);
                if (!variant)
                        return HTTP_CONDITION_FAILED; /* memory is out, and nobody knows which tag it was */
                tags[count++] = variant->etag;
        }
        return evaluate(request, &(struct http_validators) { .etag = tags[0],
                                                             .modified = request->entry->modified,
                                                             .exists = true,
                                                             .others = tags + 1,
                                                             .other_count = count - 1 });
}

bool upload_request_take_conditions(struct file_request *request, struct upload_target *target) {
        const struct file_result *result = request->entry ? &request->entry->result : NULL;
        bool is_absent = result && result->kind == FILE_KIND_FAILURE && result->cause == CAUSE_FILE_NOT_FOUND;
        if (!result) {
                file_request_fail(request, CAUSE_OVERLOADED, "the file's present state could not be found out");
                return false;
        }
        if (!is_absent && result->kind != FILE_KIND_FILE) {
                file_request_fail(request, CAUSE_UPLOAD_NAME_TAKEN, "what has the name is no file");
                return false;
        }
        if ((is_absent ? evaluate_absence(request) : evaluate_file(request)) != HTTP_CONDITION_PROCEED) {
                file_request_fail(request, CAUSE_PRECONDITION_FAILED, NULL);
                return false;
        }
        if (is_absent) {
                target->must_be_new = http_fields_has(&request->exchange->request.fields, HTTP_FIELD_IF_NONE_MATCH);
        } else {
                target->has_expected = true;
                target->expected = result->sources[0].identity;
        }
        return true;
}

static bool allows(const struct file_request *request, enum config_upload_method method) {
        return config_upload_allows(request->mount->config, method);
}

static void read_file(struct file_request *request) {
        request->source = &request->mount->files;
        if (signed_download_admit(request))
                file_request_look_up(request);
}

static bool is_tus_creation(const struct file_request *request) {
        return allows(request, CONFIG_UPLOAD_TUS) &&
               http_fields_find(&request->exchange->request.fields, SLICE_LITERAL("tus-resumable")).data;
}

static void begin_tus(struct file_request *request) {
        static const struct slice tus = SLICE_LITERAL(TUS_FOLDER);
        struct slice beneath = upload_mount_beneath(request->mount, request->exchange->request.path);
        tus_request_upload(request, slice_from(beneath, tus.length));
}

static void begin_change(struct file_request *request) {
        enum http_method method = request->exchange->request.method;
        if (method == HTTP_METHOD_PUT && allows(request, CONFIG_UPLOAD_PUT))
                upload_put_begin(request);
        else if (method == HTTP_METHOD_POST && is_tus_creation(request))
                tus_request_create(request);
        else if (method == HTTP_METHOD_POST && allows(request, CONFIG_UPLOAD_POST))
                upload_form_begin(request);
        else if (method == HTTP_METHOD_DELETE && allows(request, CONFIG_UPLOAD_DELETE))
                upload_delete_begin(request);
        else
                file_request_fail(request, CAUSE_METHOD_NOT_ALLOWED, NULL);
}

/* For clients behind what lets no other method through (tus 1.0, "X-HTTP-Method-Override"). */
static bool take_override(struct file_request *request) {
        struct http_request *http = &request->exchange->request;
        struct slice name = http_fields_find(&http->fields, SLICE_LITERAL("x-http-method-override"));
        if (!name.data || http->method != HTTP_METHOD_POST)
                return true;
        http->method = http_method_from_name(name);
        return http->method == HTTP_METHOD_PATCH || http->method == HTTP_METHOD_DELETE ||
               http->method == HTTP_METHOD_HEAD || http->method == HTTP_METHOD_POST;
}

void upload_request_begin(struct file_request *request) {
        struct slice beneath = upload_mount_beneath(request->mount, request->exchange->request.path);
        static const struct slice tus = SLICE_LITERAL(TUS_FOLDER);
        bool is_tus = allows(request, CONFIG_UPLOAD_TUS);
        if (is_tus && request->exchange->request.method != HTTP_METHOD_OPTIONS && slice_starts_with(beneath, tus)) {
                if (!take_override(request)) {
                        file_request_fail(request, CAUSE_METHOD_NOT_ALLOWED, NULL);
                        return;
                }
                request->source = &request->mount->files;
                upload_access_ask(request, begin_tus);
                return;
        }
        switch (request->exchange->request.method) {
        case HTTP_METHOD_OPTIONS:
                request->purpose = FILE_PURPOSE_OPTIONS;
                if (is_tus)
                        tus_request_add_options(request);
                read_file(request);
                break;
        case HTTP_METHOD_GET:
        case HTTP_METHOD_HEAD:
                if (allows(request, CONFIG_UPLOAD_GET))
                        read_file(request);
                else
                        file_request_fail(request, CAUSE_METHOD_NOT_ALLOWED, NULL);
                break;
        case HTTP_METHOD_OTHER:
                file_request_fail(request, CAUSE_METHOD_UNKNOWN, NULL);
                break;
        default:
                request->source = &request->mount->files;
                upload_access_ask(request, begin_change);
                break;
        }
}
