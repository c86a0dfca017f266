/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE (RFC 9110 section 9.3.5) of a file, or of a folder that is empty. */
#include <stdlib.h>

#include "server/upload/upload_request.h"

struct upload_delete {
        struct upload_transfer transfer;
        struct file_request *request; /* as long as transfer.exchange */
        struct upload_folder *folder;
        struct upload_target target;
};

static struct upload_delete *delete_of(struct upload_transfer *transfer) {
        return container_of(transfer, struct upload_delete, transfer);
}

static int remove_target(struct upload_transfer *transfer) {
        struct upload_delete *delete = delete_of(transfer);
        return upload_remove(delete->folder, &delete->target, &transfer->fault);
}

static void abort_nothing(struct upload_transfer *transfer) {
        (void) transfer;
}

static void done(struct upload_transfer *transfer) {
        struct file_request *request = delete_of(transfer)->request;
        if (transfer->fault.cause != CAUSE_NONE) {
                upload_request_fail(request, &transfer->fault);
                return;
        }
        request->exchange->response.status = 204;
        request->exchange->response.content_length = -1;
        file_request_respond(request);
}

static void free_delete(struct upload_transfer *transfer) {
        struct upload_delete *delete = delete_of(transfer);
        free(delete->target.name);
        free(delete);
}

static const struct upload_transfer_operations operations = {
        .open = remove_target,
        .abort = abort_nothing,
        .done = done,
        .free = free_delete,
};

/* A folder's name has a slash at its end. */
static char *take_name(struct file_request *request) {
        struct slice name = upload_mount_beneath(request->mount, request->exchange->request.path), bare = name;
        if (slice_ends_with(name, SLICE_LITERAL("/")))
                bare.length--;
        char *checked = upload_request_name(request, bare);
        if (!checked || bare.length == name.length)
                return checked;
        char *with_slash = text_format("%s/", checked);
        free(checked);
        if (!with_slash)
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
        return with_slash;
}

static void start(struct file_request *request) {
        struct upload_target target = { .may_replace = true };
        if (upload_request_is_conditional(request) && !upload_request_take_conditions(request, &target))
                return;
        struct upload_delete *delete = calloc(1, sizeof(*delete));
        if (!delete) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        delete->request = request;
        delete->folder = request->mount->folder;
        delete->target = target;
        delete->target.name = take_name(request);
        if (delete->target.name)
                upload_request_start(request, &delete->transfer, &operations);
        else
                free(delete);
}

void upload_delete_begin(struct file_request *request) {
        if (upload_request_is_conditional(request))
                file_request_find(request, start, NULL);
        else
                start(request);
}
