/* SPDX-License-Identifier: Apache-2.0 */
/* PUT (RFC 9110 section 9.3.4): a whole file under the name that the path has. */
#include <stdlib.h>
#include <string.h>

#include "server/upload/upload_file.h"
#include "server/upload/upload_request.h"

struct upload_put {
        struct upload_transfer transfer;
        struct file_request *request; /* as long as transfer.exchange */
        const struct upload_mount *mount;
        struct upload_target target; /* until the file has it */
        struct upload_expectation expectation;
        struct upload_file file;
        struct upload_placed placed;
        struct digests digests; /* that were asked for */
};

static struct upload_put *put_of(struct upload_transfer *transfer) {
        return container_of(transfer, struct upload_put, transfer);
}

static int open_file(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        return upload_file_begin(&put->file, put->mount, &put->target, &put->expectation, &transfer->fault);
}

static int write_file(struct upload_transfer *transfer, struct slice bytes) {
        return upload_file_append(&put_of(transfer)->file, bytes, &transfer->fault);
}

static int finish_file(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        int r = upload_file_finish(&put->file, &transfer->fault);
        put->placed = put->file.placed;
        put->digests = put->file.actual;
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

static void add_digest(struct http_exchange *exchange, const struct upload_put *put) {
        for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
                char *text = put->expectation.wanted & 1U << i ? arena_alloc(&exchange->arena, DIGEST_FIELD_SIZE)
                                                               : NULL;
                if (!text)
                        continue;
                digest_field_format(i, &put->digests.of[i], text);
                (void) http_response_add(exchange, SLICE_LITERAL("repr-digest"), slice_of(text));
        }
}

static void answer(struct file_request *request) {
        struct http_response *response = &request->exchange->response;
        const struct upload_put *put = request->found_userdata;
        const struct upload_placed *placed = &put->placed;
        response->status = placed->has_replaced ? 204 : 201;
        response->content_length = placed->has_replaced ? -1 : 0;
        add_etag(request, &placed->identity);
        add_digest(request->exchange, put);
        file_request_respond(request);
}

static void done(struct upload_transfer *transfer) {
        struct upload_put *put = put_of(transfer);
        if (transfer->fault.cause != CAUSE_NONE) {
                upload_request_fail(put->request, &transfer->fault);
                return;
        }
        file_request_find(put->request, answer, put);
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

/* Without a coding the representation is the content: both fields speak of the same bytes. */
static enum cause take_digests(const struct http_fields *fields, struct upload_expectation *expectation) {
        static const enum http_field_id ids[] = { HTTP_FIELD_CONTENT_DIGEST, HTTP_FIELD_REPR_DIGEST };
        struct digests *all = &expectation->digests, one;
        for (size_t i = 0; i < ELEMENTS_OF(ids); i++) {
                if (digest_field_parse(http_fields_get(fields, ids[i]), &one) < 0)
                        return CAUSE_DIGEST_MALFORMED;
                for (int k = 0; k < DIGEST_ALGORITHMS; k++) {
                        unsigned bit = one.set & 1U << k;
                        if (bit & all->set && memcmp(&one.of[k], &all->of[k], sizeof(one.of[k])) != 0)
                                return CAUSE_DIGEST_MISMATCH;
                        if (bit)
                                all->of[k] = one.of[k];
                        all->set |= bit;
                }
        }
        int wanted = digest_field_choose(http_fields_get(fields, HTTP_FIELD_WANT_REPR_DIGEST));
        expectation->wanted = wanted < 0 ? 0 : 1U << wanted;
        return CAUSE_NONE;
}

static void start(struct file_request *request) {
        struct upload_target target = { .limits = request->mount->config,
                                        .may_replace = request->mount->config->overwrite };
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
        put->expectation.length = request->exchange->request.content_length;
        enum cause cause = take_digests(&request->exchange->request.fields, &put->expectation);
        if (put->target.name && cause == CAUSE_NONE) {
                upload_request_start(request, &put->transfer, &operations);
                return;
        }
        if (put->target.name)
                file_request_fail(request, cause, NULL);
        free(put->target.name);
        free(put);
}

void upload_put_begin(struct file_request *request) {
        const struct http_fields *fields = &request->exchange->request.fields;
        struct slice coding = http_fields_get(fields, HTTP_FIELD_CONTENT_ENCODING);
        if (http_fields_has(fields, HTTP_FIELD_CONTENT_RANGE))
                file_request_fail(request, CAUSE_CONTENT_RANGE_REFUSED, NULL);
        else if (coding.length > 0 && !slice_equal_nocase(coding, SLICE_LITERAL("identity")))
                file_request_fail(request, CAUSE_MEDIA_TYPE_UNSUPPORTED, "Content-Encoding would be lost");
        else if (upload_request_is_conditional(request))
                file_request_find(request, start, NULL);
        else
                start(request);
}
