/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of the tus protocol. What a client says is checked on the loop; what is on disk is held against it on the
 * pool, while the upload is locked. What came before a connection was cut is kept, but for bytes whose checksum was to
 * follow. */
#include "server/upload/tus_request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "http/date.h"
#include "http/digest.h"
#include "server/upload/tus_store.h"
#include "server/upload/upload_name.h"

#define OFFSET_TYPE "application/offset+octet-stream"

struct tus_request {
        struct upload_transfer transfer;
        struct file_request *request; /* as long as transfer.exchange */
        const struct upload_mount *mount;
        bool is_creation;
        char id[TUS_ID_LENGTH + 1];
        struct tus_record record; /* of a creation; its views are of `texts` */
        struct slice list;        /* of partial uploads, for a final one */
        char *texts[3];           /* name, metadata, concat */
        uint64_t offset;
        int64_t content_length;
        bool has_offset; /* the body is bytes of the upload */
        struct digests checksum;
        struct digest_hasher hasher;
        struct upload_claim claim;
        struct tus_upload upload;  /* the pool's */
        struct tus_record outcome; /* without views, but for those of outcome_texts */
        char *outcome_texts[2];    /* metadata, concat */
        int64_t expires;
};

static struct tus_request *tus_of(struct upload_transfer *transfer) {
        return container_of(transfer, struct tus_request, transfer);
}

/* Keeps what the answer tells, and closes the upload. */
static void take_outcome(struct tus_request *tus) {
        tus->outcome = tus->upload.record;
        tus->expires = tus_store_expires(&tus->upload);
        memcpy(tus->id, tus->upload.id, sizeof(tus->id));
        const struct slice texts[] = { tus->outcome.metadata, tus->outcome.concat };
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++)
                if (texts[i].data)
                        tus->outcome_texts[i] = strndup(texts[i].data, texts[i].length);
        tus->outcome.metadata = slice_of(tus->outcome_texts[0]);
        tus->outcome.concat = slice_of(tus->outcome_texts[1]);
        tus->outcome.name = SLICE_NULL;
        tus_store_close(&tus->upload);
}

static struct upload_account *account_of(const struct tus_request *tus) {
        return &tus->mount->folder->account;
}

static int check_room(struct tus_request *tus, uint64_t bytes) {
        struct upload_fault *fault = &tus->transfer.fault;
        const struct config_upload *limits = tus->mount->config;
        int r = upload_account_claim_turn(account_of(tus), limits, &tus->claim, fault);
        return r < 0 ? r : upload_folder_check_disk(tus->mount->folder, bytes, limits->min_free, fault);
}

static int open_creation(struct tus_request *tus) {
        struct upload_fault *fault = &tus->transfer.fault;
        struct upload_target target = { .name = tus->texts[0], .may_replace = tus->mount->config->overwrite };
        int r = check_room(tus, tus->record.length);
        if (r >= 0 && tus->record.concat.data == NULL)
                r = upload_place_check(tus->mount->folder, &target, fault);
        return r < 0 ? r : tus_store_create(&tus->upload, tus->mount, &tus->record, tus->record.length, fault);
}

/* What the request says of the upload's state must be so. */
static int check_state(struct tus_request *tus) {
        const struct tus_record *record = &tus->upload.record;
        struct upload_fault *fault = &tus->transfer.fault;
        if (slice_starts_with(record->concat, SLICE_LITERAL("final")))
                return upload_fault_set(fault, CAUSE_TUS_FINAL, NULL);
        if (tus->offset != record->saved)
                return upload_fault_set(fault, CAUSE_TUS_OFFSET, NULL);
        if (tus->content_length > 0 && (uint64_t) tus->content_length > record->length - record->saved)
                return upload_fault_set(fault, CAUSE_UPLOAD_TOO_LARGE, "more bytes than Upload-Length");
        return 0;
}

static int open_upload(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        int r = digest_hasher_init(&tus->hasher, tus->checksum.set);
        if (r < 0)
                return upload_fault_set_errno(&transfer->fault, r);
        if (tus->is_creation)
                return open_creation(tus);
        r = check_room(tus, tus->content_length > 0 ? (uint64_t) tus->content_length : 0);
        if (r >= 0)
                r = tus_store_open(&tus->upload, tus->mount, tus->id, &transfer->fault);
        return r < 0 ? r : check_state(tus);
}

static int write_upload(struct upload_transfer *transfer, struct slice bytes) {
        struct tus_request *tus = tus_of(transfer);
        if (bytes.length == 0)
                return 0;
        if (tus->upload.record.is_complete)
                return upload_fault_set(&transfer->fault, CAUSE_UPLOAD_TOO_LARGE, "more bytes than Upload-Length");
        int r = digest_hasher_update(&tus->hasher, bytes);
        if (r < 0)
                return upload_fault_set_errno(&transfer->fault, r);
        return tus_store_append(&tus->upload, bytes, tus->checksum.set != 0, &transfer->fault);
}

static int finish_upload(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        struct upload_fault *fault = &transfer->fault;
        struct tus_upload *upload = &tus->upload;
        struct digests actual;
        int r = digest_hasher_finish(&tus->hasher, &actual);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        if (!digests_match(&tus->checksum, &actual))
                return upload_fault_set(fault, CAUSE_TUS_CHECKSUM_MISMATCH, NULL);
        if (!upload->record.is_complete)
                r = tus_store_save(upload, fault);
        if (r >= 0 && !upload->record.is_complete && upload->record.saved == upload->record.length)
                r = tus_store_complete(upload, fault);
        if (r < 0)
                return r;
        take_outcome(tus);
        upload_account_release(account_of(tus), &tus->claim);
        return 0;
}

/* A client that went away goes on from here; but of an upload that was just begun it does not know the address. */
static void abort_upload(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        struct tus_upload *upload = &tus->upload;
        struct upload_fault ignored = { 0 };
        if (upload->part.folder && !tus->is_creation) {
                if (transfer->fault.cause == CAUSE_NONE && tus->checksum.set == 0)
                        (void) tus_store_save(upload, &ignored);
                else
                        tus_store_undo(upload);
        }
        upload_part_close(&upload->part);
        if (upload->mount && tus->is_creation)
                (void) tus_store_remove(upload, &ignored);
        tus_store_close(upload);
        digest_hasher_done(&tus->hasher);
        upload_account_release(account_of(tus), &tus->claim);
}

static void add(struct http_exchange *exchange, struct slice name, struct slice value) {
        (void) http_response_add(exchange, name, value);
}

static void add_number(struct http_exchange *exchange, struct slice name, uint64_t number) {
        char *text = arena_format(&exchange->arena, "%" PRIu64, number);
        if (text)
                add(exchange, name, slice_of(text));
}

static void add_expiry(struct http_exchange *exchange, const struct tus_request *tus) {
        char *text = tus->outcome.is_complete ? NULL : arena_alloc(&exchange->arena, HTTP_DATE_LENGTH);
        if (!text)
                return;
        http_date_format((time_t) (tus->expires / 1000000), text);
        add(exchange, SLICE_LITERAL("upload-expires"), (struct slice) { text, HTTP_DATE_LENGTH });
}

static void add_location(struct http_exchange *exchange, const struct tus_request *tus) {
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_uri_path(&text, tus->mount->prefix);
        text_printf(&text, TUS_FOLDER "%s", tus->id);
        char *copy = text.failed ? NULL : arena_copy(&exchange->arena, (struct slice) { text.data, text.length });
        if (copy)
                add(exchange, SLICE_LITERAL("location"), (struct slice) { copy, text.length });
}

static void respond(struct tus_request *tus, int status) {
        struct http_exchange *exchange = tus->transfer.exchange;
        exchange->response.status = status;
        exchange->response.content_length = status == 204 ? -1 : 0;
        file_request_respond(tus->request);
}

static bool has_failed(struct tus_request *tus) {
        if (tus->transfer.fault.cause == CAUSE_NONE)
                return false;
        upload_request_fail(tus->request, &tus->transfer.fault);
        return true;
}

static void upload_done(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        struct http_exchange *exchange = transfer->exchange;
        if (has_failed(tus))
                return;
        if (tus->is_creation)
                add_location(exchange, tus);
        if (tus->has_offset)
                add_number(exchange, SLICE_LITERAL("upload-offset"), tus->outcome.saved);
        add_expiry(exchange, tus);
        respond(tus, tus->is_creation ? 201 : 204);
}

static void free_request(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        for (size_t i = 0; i < ELEMENTS_OF(tus->texts); i++)
                free(tus->texts[i]);
        for (size_t i = 0; i < ELEMENTS_OF(tus->outcome_texts); i++)
                free(tus->outcome_texts[i]);
        free(tus);
}

/* POST and PATCH, with or without bytes. */
static const struct upload_transfer_operations writing = {
        .open = open_upload,
        .write = write_upload,
        .finish = finish_upload,
        .abort = abort_upload,
        .done = upload_done,
        .free = free_request,
        .keeps_rest = true,
};

static int look(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        int r = tus_store_look(&tus->upload, tus->mount, tus->id, &transfer->fault);
        if (r >= 0)
                take_outcome(tus);
        return r;
}

static void look_done(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        struct http_exchange *exchange = transfer->exchange;
        if (has_failed(tus))
                return;
        add_number(exchange, SLICE_LITERAL("upload-offset"), tus->outcome.saved);
        add_number(exchange, SLICE_LITERAL("upload-length"), tus->outcome.length);
        if (tus->outcome.metadata.data)
                add(exchange, SLICE_LITERAL("upload-metadata"), tus->outcome.metadata);
        if (tus->outcome.concat.data)
                add(exchange, SLICE_LITERAL("upload-concat"), tus->outcome.concat);
        add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-store"));
        add_expiry(exchange, tus);
        respond(tus, 200);
}

static const struct upload_transfer_operations looking = {
        .open = look,
        .abort = abort_upload,
        .done = look_done,
        .free = free_request,
};

static int remove_upload(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        int r = tus_store_look(&tus->upload, tus->mount, tus->id, &transfer->fault);
        if (r >= 0)
                r = tus_store_remove(&tus->upload, &transfer->fault);
        tus_store_close(&tus->upload);
        return r;
}

static void remove_done(struct upload_transfer *transfer) {
        if (!has_failed(tus_of(transfer)))
                respond(tus_of(transfer), 204);
}

static const struct upload_transfer_operations removing = {
        .open = remove_upload,
        .abort = abort_upload,
        .done = remove_done,
        .free = free_request,
};

static int concatenate(struct upload_transfer *transfer) {
        struct tus_request *tus = tus_of(transfer);
        int r = check_room(tus, 0);
        if (r >= 0)
                r = tus_store_concatenate(&tus->upload, tus->mount, &tus->record, tus->list, &transfer->fault);
        if (r < 0)
                return r;
        take_outcome(tus);
        upload_account_release(account_of(tus), &tus->claim);
        return 0;
}

static const struct upload_transfer_operations concatenating = {
        .open = concatenate,
        .abort = abort_upload,
        .done = upload_done,
        .free = free_request,
};

static struct slice field(const struct file_request *request, const char *name) {
        return http_fields_find(&request->exchange->request.fields, slice_of(name));
}

static struct tus_request *new_request(struct file_request *request) {
        struct tus_request *tus = calloc(1, sizeof(*tus));
        if (!tus) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                return NULL;
        }
        tus->request = request;
        tus->mount = request->mount;
        tus->content_length = request->exchange->request.content_length;
        tus->has_offset =
                        slice_equal_nocase(http_fields_get(&request->exchange->request.fields, HTTP_FIELD_CONTENT_TYPE),
                                           SLICE_LITERAL(OFFSET_TYPE));
        return tus;
}

/* Answers with the cause; the request is freed. */
static void refuse(struct tus_request *tus, enum cause cause, const char *detail) {
        struct file_request *request = tus->request;
        free_request(&tus->transfer);
        file_request_fail(request, cause, detail);
}

static bool take_checksum(struct tus_request *tus) {
        struct slice value = field(tus->request, "upload-checksum");
        if (!value.data || digest_checksum_parse(value, &tus->checksum) >= 0)
                return true;
        refuse(tus, CAUSE_TUS_MALFORMED, "Upload-Checksum is malformed, or its algorithm is not known");
        return false;
}

/* The file's name: in the folder that was posted to, as the metadata tell, or one that nobody else has. */
static char *choose_name(const struct tus_request *tus) {
        const struct http_request *http = &tus->request->exchange->request;
        struct slice folder = upload_mount_beneath(tus->mount, http->path);
        char buffer[TUS_METADATA_MAX], random[TUS_ID_LENGTH + 1];
        struct slice name = tus_metadata_find(tus->record.metadata, SLICE_LITERAL("filename"), buffer);
        if (!name.data)
                name = tus_metadata_find(tus->record.metadata, SLICE_LITERAL("name"), buffer);
        if (!name.data) {
                if (upload_random_name(random, TUS_ID_LENGTH) < 0)
                        return NULL;
                name = (struct slice) { random, TUS_ID_LENGTH };
        }
        name = upload_name_last(name);
        if (name.length > 0 && memchr(name.data, '\0', name.length))
                name.length = 0; /* which no name has */
        return text_format("%.*s%.*s", SLICE_PRINTF(folder), SLICE_PRINTF(name));
}

/* CAUSE_NONE when the fields of a creation are in order, which are then in the record. */
static enum cause take_creation(struct tus_request *tus, enum tus_concat *ret_concat, const char **ret_detail) {
        struct slice metadata = field(tus->request, "upload-metadata"), concat = field(tus->request, "upload-concat");
        *ret_detail = "Upload-Metadata is malformed";
        if (metadata.length > 0 && !tus_metadata_is_valid(metadata))
                return CAUSE_TUS_MALFORMED;
        *ret_detail = "Upload-Concat is malformed";
        if (tus_concat_parse(concat, ret_concat, &tus->list) < 0)
                return CAUSE_TUS_MALFORMED;
        *ret_detail = "Upload-Length is missing or malformed";
        if (*ret_concat == TUS_CONCAT_FINAL
                            ? field(tus->request, "upload-length").data != NULL
                            : tus_number_parse(field(tus->request, "upload-length"), &tus->record.length) < 0)
                return CAUSE_TUS_MALFORMED;
        *ret_detail = NULL;
        if (tus->record.length > tus->mount->config->max_file ||
            (tus->has_offset && tus->content_length > 0 && (uint64_t) tus->content_length > tus->record.length))
                return CAUSE_UPLOAD_TOO_LARGE;
        tus->record.metadata = metadata;
        tus->record.concat = concat;
        return CAUSE_NONE;
}

/* The texts of the record as the request's own. */
static enum cause keep_texts(struct tus_request *tus, const char **ret_detail) {
        struct slice *views[] = { &tus->record.name, &tus->record.metadata, &tus->record.concat };
        tus->texts[0] = choose_name(tus);
        for (size_t i = 1; i < ELEMENTS_OF(views); i++)
                if (views[i]->data && !(tus->texts[i] = strndup(views[i]->data, views[i]->length)))
                        return CAUSE_OUT_OF_MEMORY;
        if (!tus->texts[0])
                return CAUSE_OUT_OF_MEMORY;
        for (size_t i = 0; i < ELEMENTS_OF(views); i++)
                *views[i] = slice_of(tus->texts[i]);
        if (tus->list.data)
                tus->list = slice_from(tus->record.concat, tus->record.concat.length - tus->list.length);
        *ret_detail = upload_name_fault(tus->record.name);
        return *ret_detail ? CAUSE_UPLOAD_NAME_INVALID : CAUSE_NONE;
}

static bool speaks_version(struct file_request *request) {
        request->is_tus = true;
        if (slice_equal_text(field(request, "tus-resumable"), TUS_VERSION))
                return true;
        file_request_fail(request, CAUSE_TUS_VERSION_UNSUPPORTED, NULL);
        return false;
}

void tus_request_create(struct file_request *request) {
        const char *detail = NULL;
        enum tus_concat concat = TUS_CONCAT_NONE;
        struct tus_request *tus = speaks_version(request) ? new_request(request) : NULL;
        if (!tus)
                return;
        tus->is_creation = true;
        enum cause cause = take_creation(tus, &concat, &detail);
        if (cause == CAUSE_NONE)
                cause = keep_texts(tus, &detail);
        if (cause == CAUSE_NONE && !slice_ends_with(request->exchange->request.path, SLICE_LITERAL("/"))) {
                cause = CAUSE_UPLOAD_NAME_INVALID;
                detail = "an upload is begun in a folder, with '/' at its end";
        }
        if (cause == CAUSE_NONE && request->exchange->request.has_body && !tus->has_offset) {
                cause = CAUSE_MEDIA_TYPE_UNSUPPORTED;
                detail = "the Content-Type of bytes is " OFFSET_TYPE;
        }
        if (cause != CAUSE_NONE)
                refuse(tus, cause, detail);
        else if (take_checksum(tus))
                upload_request_start(request, &tus->transfer, concat == TUS_CONCAT_FINAL ? &concatenating : &writing);
}

static void begin_patch(struct tus_request *tus) {
        if (!tus->has_offset)
                refuse(tus, CAUSE_MEDIA_TYPE_UNSUPPORTED, "the Content-Type of PATCH is " OFFSET_TYPE);
        else if (tus_number_parse(field(tus->request, "upload-offset"), &tus->offset) < 0)
                refuse(tus, CAUSE_TUS_MALFORMED, "Upload-Offset is missing or malformed");
        else if (take_checksum(tus))
                upload_request_start(tus->request, &tus->transfer, &writing);
}

void tus_request_upload(struct file_request *request, struct slice id) {
        if (!speaks_version(request))
                return;
        if (!tus_id_is_valid(id)) {
                file_request_fail(request, CAUSE_TUS_UNKNOWN, NULL);
                return;
        }
        struct tus_request *tus = new_request(request);
        if (!tus)
                return;
        memcpy(tus->id, id.data, id.length);
        switch (request->exchange->request.method) {
        case HTTP_METHOD_PATCH:
                begin_patch(tus);
                break;
        case HTTP_METHOD_HEAD:
                upload_request_start(request, &tus->transfer, &looking);
                break;
        case HTTP_METHOD_DELETE:
                upload_request_start(request, &tus->transfer, &removing);
                break;
        default:
                refuse(tus, CAUSE_METHOD_NOT_ALLOWED, NULL);
                break;
        }
}

void tus_request_add_options(struct file_request *request) {
        struct http_exchange *exchange = request->exchange;
        request->is_tus = true;
        add(exchange, SLICE_LITERAL("tus-version"), SLICE_LITERAL(TUS_VERSION));
        add(exchange, SLICE_LITERAL("tus-extension"), SLICE_LITERAL(TUS_EXTENSIONS));
        add(exchange, SLICE_LITERAL("tus-checksum-algorithm"), SLICE_LITERAL(TUS_CHECKSUM_ALGORITHMS));
        add_number(exchange, SLICE_LITERAL("tus-max-size"), request->mount->config->max_file);
}
