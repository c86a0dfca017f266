/* SPDX-License-Identifier: Apache-2.0 */
/* PUT (RFC 9110 section 9.3.4): a whole file under the name that the path has. */
#include <stdlib.h>

#include "server/upload_file.h"
#include "server/upload_request.h"

struct upload_put {
        struct upload_transfer transfer;
        struct file_request *request; /* as long as transfer.exchange */
        const struct upload_mount *mount;
        struct upload_target target; /* until the file has it */
        int64_t length;
        struct upload_file file;
        struct upload_placed placed;
};

static struct upload_put *put_of(struct upload_transfer *transfer) {
        return container_of(transfer, struct upload_put, transfer);
}

static int open_file(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        return upload_file_begin(&put->file, put->mount, &put->target, put->length, &transfer->fault);
}

static int write_file(struct upload_transfer *transfer, struct slice bytes) {
        return upload_file_append(&put_of(transfer)->file, bytes, &transfer->fault);
}

static int finish_file(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        int r = upload_file_finish(&put->file, &transfer->fault);
        put->placed = put->file.placed;
        upload_file_done(&put->file);
        return r;
}

static void abort_file(struct upload_transfer *transfer) {
        upload_file_done(&put_of(transfer)->file);
}

/* The tag is told only when what was found for the path is this very version: another client may have been quick. */
static void add_etag(struct file_request *request, const struct file_identity *identity) {
        struct file_entry *entry = request->entry;
        if (!entry || entry->result.kind != FILE_KIND_FILE ||
            !file_identity_equal(&entry->result.sources[0].identity, identity))
                return;
        const struct file_variant *variant = file_entry_variant(entry, HTTP_CODING_IDENTITY);
        if (variant)
                (void) http_response_add(request->exchange, SLICE_LITERAL("etag"), variant->etag);
}

static void answer(struct file_request *request) {
        struct http_response *response = &request->exchange->response;
        const struct upload_placed *placed = request->found_userdata;
        response->status = placed->has_replaced ? 204 : 201;
        response->content_length = placed->has_replaced ? -1 : 0;
        add_etag(request, &placed->identity);
        file_request_respond(request);
}

static void done(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        if (transfer->fault.cause != CAUSE_NONE) {
                upload_request_fail(put->request, &transfer->fault);
                return;
        }
        file_request_find(put->request, answer, &put->placed);
}

static void free_put(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        free(put->target.name);
        free(put);
}

static const struct upload_transfer_operations operations = {
        .open = open_file,
        .write = write_file,
        .finish = finish_file,
        .abort = abort_file,
        .done = done,
        .free = free_put,
};

static void start(struct file_request *request) {
        struct upload_target target = { .may_replace = request->mount->config->overwrite };
        if (upload_request_is_conditional(request) && !upload_request_take_conditions(request, &target))
                return;
        struct upload_put *put = calloc(1, sizeof(*put));
        if (!put) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        put->request = request;
        put->mount = request->mount;
        put->target = target;
        put->target.name = upload_request_name(request,
                                               upload_mount_beneath(request->mount, request->exchange->request.path));
        put->length = request->exchange->request.content_length;
        if (put->target.name)
                upload_request_start(request, &put->transfer, &operations);
        else
                free(put);
}

void upload_put_begin(struct file_request *request) {
        const struct http_fields *fields = &request->exchange->request.fields;
        struct slice coding = http_fields_get(fields, HTTP_FIELD_CONTENT_ENCODING);
        if (http_fields_find(fields, SLICE_LITERAL("content-range")).data)
                file_request_fail(request, CAUSE_CONTENT_RANGE_REFUSED, NULL);
        else if (coding.length > 0 && !slice_equal_nocase(coding, SLICE_LITERAL("identity")))
                file_request_fail(request, CAUSE_MEDIA_TYPE_UNSUPPORTED, "Content-Encoding would be lost");
        else if (upload_request_is_conditional(request))
                file_request_find(request, start, NULL);
        else
                start(request);
}
