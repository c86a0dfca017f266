/* SPDX-License-Identifier: Apache-2.0 */
/* POST of a form with files (multipart/form-data, RFC 7578) to a folder. Each file is put into place when it is whole;
 * what came before a failure stays, and the answer says what that is. Fields that are no files do not matter. */
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"
#include "http/problem.h"
#include "http/status.h"
#include "server/upload/upload_file.h"
#include "server/upload/upload_name.h"
#include "server/upload/upload_request.h"

#define FILES_MAX 1000                  /* in one form */
#define OVERHEAD_MAX ((size_t) 1 << 20) /* bytes of a form that are no file's */

struct made {
        char *name; /* beneath the folder */
        uint64_t size;
        bool has_replaced;
};

struct upload_form {
        struct upload_transfer transfer;
        struct file_request *request; /* as long as transfer.exchange */
        const struct upload_mount *mount;
        char *folder; /* beneath the mount's: "" or with a slash at its end */
        struct multipart multipart;
        bool is_complete; /* the end of the form was there */
        size_t overhead;
        struct upload_file file;
        struct made *made; /* room for FILES_MAX */
        size_t made_count;
};

static struct upload_form *form_of(struct upload_transfer *transfer) {
        return container_of(transfer, struct upload_form, transfer);
}

static int malformed(struct upload_form *form, const char *detail) {
        return upload_fault_set(&form->transfer.fault, CAUSE_FORM_MALFORMED, detail);
}

/* Nothing is to be refused before the first file is there but for what the claim of each refuses then. */
static int open_form(struct upload_transfer *transfer) {
        struct upload_form *form = form_of(transfer);
        form->made = calloc(FILES_MAX, sizeof(*form->made));
        return form->made ? 0 : upload_fault_set(&transfer->fault, CAUSE_OUT_OF_MEMORY, NULL);
}

static int begin_file(struct upload_form *form, struct slice filename) {
        static const struct upload_expectation unknown = { .length = -1 };
        struct slice name = upload_name_last(filename);
        struct upload_fault *fault = &form->transfer.fault;
        if (form->made_count == FILES_MAX)
                return malformed(form, "the form has more than 1000 files");
        struct upload_target target = {
                .name = text_format("%s%.*s", form->folder, SLICE_PRINTF(name)),
                .limits = form->mount->config,
                .may_replace = form->mount->config->overwrite,
        };
        if (!target.name)
                return upload_fault_set(fault, CAUSE_OUT_OF_MEMORY, NULL);
        const char *detail = upload_name_fault(slice_of(target.name));
        if (detail) {
                free(target.name);
                return upload_fault_set(fault, CAUSE_UPLOAD_NAME_INVALID, detail);
        }
        return upload_file_begin(&form->file, form->mount, &target, &unknown, fault);
}

static int finish_file(struct upload_form *form) {
        struct upload_file *file = &form->file;
        int r = upload_file_finish(file, &form->transfer.fault);
        if (r >= 0)
                form->made[form->made_count++] = (struct made) { take_pointer(file->target.name), file->size,
                                                                 file->placed.has_replaced };
        upload_file_done(file);
        return r;
}

static int take_event(struct upload_form *form, const struct multipart_event *event) {
        switch (event->type) {
        case MULTIPART_PART: /* a browser sends an empty name where no file was chosen */
                return event->filename.length > 0 ? begin_file(form, event->filename) : 0;
        case MULTIPART_DATA:
                if (!form->file.mount)
                        return 0;
                form->overhead -= MIN_OF(event->data.length, form->overhead);
                return upload_file_append(&form->file, event->data, &form->transfer.fault);
        case MULTIPART_PART_END:
                return form->file.mount ? finish_file(form) : 0;
        case MULTIPART_END:
                form->is_complete = true;
                return 0;
        }
        return 0;
}

static int write_form(struct upload_transfer *transfer, struct slice bytes) {
        struct upload_form *form = form_of(transfer);
        form->overhead += bytes.length;
        while (bytes.length > 0 && !form->is_complete) {
                struct multipart_event event;
                const char *detail = NULL;
                int r = multipart_next(&form->multipart, &bytes, &event, &detail);
                if (r < 0)
                        return malformed(form, detail);
                if (r > 0)
                        r = take_event(form, &event);
                if (r < 0)
                        return r;
        }
        return form->overhead > OVERHEAD_MAX ? malformed(form, "too much of the form is no file") : 0;
}

static int finish_form(struct upload_transfer *transfer) {
        struct upload_form *form = form_of(transfer);
        if (!form->is_complete)
                return malformed(form, "the form ends before its last delimiter");
        return form->made_count > 0 ? 0 : malformed(form, "there is no file in the form");
}

static void abort_form(struct upload_transfer *transfer) {
        upload_file_done(&form_of(transfer)->file);
}

static void append_files(const struct upload_form *form, struct text *text) {
        text_append_string(text, "\"files\":[");
        for (size_t i = 0; i < form->made_count; i++) {
                const struct made *made = &form->made[i];
                _cleanup_text_ struct text path = TEXT_INIT;
                text_append(&path, form->mount->prefix);
                text_append_uri_path(&path, slice_of(made->name));
                text_append_string(text, i > 0 ? ",{\"name\":" : "{\"name\":");
                text_append_json(text, slice_of(made->name));
                text_append_string(text, ",\"path\":");
                text_append_json(text, (struct slice) { path.data, path.length });
                text_printf(text, ",\"size\":%llu,\"replaced\":%s}", (unsigned long long) made->size,
                            made->has_replaced ? "true" : "false");
                text->failed |= path.failed;
        }
        text_append_string(text, "]}\n");
}

static void respond(struct file_request *request, int status, struct slice type, const struct text *text) {
        struct http_exchange *exchange = request->exchange;
        char *copy = text->failed ? NULL : arena_copy(&exchange->arena, (struct slice) { text->data, text->length });
        if (!copy) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, "the files are there, the answer that says so is not");
                return;
        }
        http_body_memory_init(&request->body.memory, (struct slice) { copy, text->length });
        exchange->response.status = status;
        exchange->response.body = &request->body.memory.body;
        exchange->response.content_length = (int64_t) text->length;
        (void) http_response_add(exchange, SLICE_LITERAL("content-type"), type);
        (void) http_response_add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-store"));
        (void) http_response_add(exchange, SLICE_LITERAL("x-content-type-options"), SLICE_LITERAL("nosniff"));
        file_request_respond(request);
}

/* Problem details (RFC 9457), with what was made before. */
static void answer_failure(struct upload_form *form) {
        const struct upload_fault *fault = &form->transfer.fault;
        const struct cause_entry *entry = cause_entry(fault->cause);
        struct http_exchange *exchange = form->transfer.exchange;
        if (form->made_count == 0) {
                upload_request_fail(form->request, fault);
                return;
        }
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_string(&text, "{\"type\":\"about:blank\",\"title\":");
        text_append_json(&text, slice_of(http_status_reason(entry->status)));
        text_printf(&text, ",\"status\":%d,\"detail\":", entry->status);
        text_append_json(&text, slice_of(entry->sentence));
        text_printf(&text, ",\"cause\":\"%s\",", entry->code);
        append_files(form, &text);
        exchange->response.cause = fault->cause;
        exchange->detail = fault->detail;
        http_problem_add_fields(exchange, fault->cause);
        respond(form->request, entry->status, SLICE_LITERAL("application/problem+json"), &text);
}

static void done(struct upload_transfer *transfer) {
        struct upload_form *form = form_of(transfer);
        if (transfer->fault.cause != CAUSE_NONE) {
                answer_failure(form);
                return;
        }
        _cleanup_text_ struct text text = TEXT_INIT;
        bool has_new = false;
        for (size_t i = 0; i < form->made_count; i++)
                has_new |= !form->made[i].has_replaced;
        text_append_char(&text, '{');
        append_files(form, &text);
        respond(form->request, has_new ? 201 : 200, SLICE_LITERAL("application/json"), &text);
}

static void free_form(struct upload_transfer *transfer) {
        struct upload_form *form = form_of(transfer);
        for (size_t i = 0; i < form->made_count; i++)
                free(form->made[i].name);
        free(form->made);
        free(form->folder);
        free(form);
}

static const struct upload_transfer_operations operations = {
        .open = open_form,
        .write = write_form,
        .finish = finish_form,
        .abort = abort_form,
        .done = done,
        .free = free_form,
};

static struct upload_form *new_form(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        struct slice folder = upload_mount_beneath(request->mount, http->path);
        struct upload_form *form = calloc(1, sizeof(*form));
        if (!form)
                return NULL;
        form->request = request;
        form->mount = request->mount;
        form->folder = strndup(folder.data, folder.length);
        if (!form->folder) {
                free(form);
                return NULL;
        }
        return form;
}

void upload_form_begin(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        if (!slice_ends_with(http->path, SLICE_LITERAL("/"))) {
                file_request_fail(request, CAUSE_UPLOAD_NAME_INVALID,
                                  "a form is posted to a folder, with '/' at its end");
                return;
        }
        if (http_fields_has(&http->fields, HTTP_FIELD_CONTENT_DIGEST) ||
            http_fields_has(&http->fields, HTTP_FIELD_REPR_DIGEST)) {
                file_request_fail(request, CAUSE_DIGEST_UNSUPPORTED, NULL);
                return;
        }
        struct upload_form *form = new_form(request);
        if (!form) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
        } else if (multipart_init(&form->multipart, http_fields_get(&http->fields, HTTP_FIELD_CONTENT_TYPE)) < 0) {
                free_form(&form->transfer);
                file_request_fail(request, CAUSE_MEDIA_TYPE_UNSUPPORTED, "not multipart/form-data with a boundary");
        } else {
                upload_request_start(request, &form->transfer, &operations);
        }
}
