/* SPDX-License-Identifier: Apache-2.0 */
/* Resumable uploads on disk. The order of the steps is what makes them safe: bytes are synced before the record says so,
 * a file is in place before the record says that it is complete, and bytes go before the record does. */
#include "server/upload/tus_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "shared/syscall.h"

#define SAVE_BYTES (UINT64_C(16) << 20) /* appended between two saves: what a kill can cost */
#define NAME_SIZE 64

static struct upload_account *account_of(const struct tus_upload *upload) {
        return &upload->mount->folder->account;
}

static void data_name(const char *id, char ret_name[NAME_SIZE]) {
        (void) snprintf(ret_name, NAME_SIZE, TUS_PREFIX "%s", id);
}

static void record_name(const char *id, char ret_name[NAME_SIZE]) {
        (void) snprintf(ret_name, NAME_SIZE, TUS_PREFIX "%s" TUS_RECORD_SUFFIX, id);
}

static int64_t now_usec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int write_record(struct tus_upload *upload, int staging) {
        char name[NAME_SIZE];
        record_name(upload->id, name);
        upload->info = NEGATIVE_ERRNO(
                        openat(staging, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
        int r = upload->info < 0 ? upload->info : write_whole(upload->info, upload->text, strlen(upload->text));
        if (r >= 0)
                r = (int) NEGATIVE_ERRNO(fsync(upload->info));
        return r < 0 ? r : (int) NEGATIVE_ERRNO(fsync(staging));
}

/* The record as text of the upload's own, with views of that. */
static int copy_record(struct tus_upload *upload, const struct tus_record *record) {
        struct text text = TEXT_INIT;
        size_t length;
        tus_record_append(&text, record);
        int r = text_finish(&text, &upload->text, &length);
        if (r >= 0 && length > TUS_RECORD_MAX)
                r = -ENAMETOOLONG;
        return r < 0 ? r : tus_record_parse((struct slice) { upload->text, length }, &upload->record);
}

static void forget(struct tus_upload *upload) {
        tus_store_close(upload);
        *upload = (struct tus_upload) { .info = -1 };
}

static void remove_names(const struct tus_upload *upload) {
        char data[NAME_SIZE], record[NAME_SIZE];
        data_name(upload->id, data);
        record_name(upload->id, record);
        (void) unlinkat(upload->mount->folder->staging, data, 0);
        (void) unlinkat(upload->mount->folder->staging, record, 0);
}

int tus_store_create(struct tus_upload *upload, const struct upload_mount *mount, const struct tus_record *record,
                     uint64_t claimed, struct upload_fault *fault) {
        *upload = (struct tus_upload) { .info = -1, .mount = mount, .touched = now_usec(), .claimed = claimed };
        int r = upload_account_add_part(account_of(upload), mount->config, claimed, fault);
        if (r < 0)
                return r;
        r = copy_record(upload, record);
        if (r >= 0)
                r = upload_part_create(&upload->part, mount->folder, mount->format, TUS_PREFIX);
        if (r >= 0) {
                (void) snprintf(upload->id, sizeof(upload->id), "%s", upload->part.name + strlen(TUS_PREFIX));
                r = write_record(upload, mount->folder->staging);
        }
        if (r >= 0)
                return 0;
        remove_names(upload);
        upload_account_remove_part(account_of(upload), claimed);
        forget(upload);
        return upload_fault_set_errno(fault, r);
}

static int read_record(struct tus_upload *upload) {
        char name[NAME_SIZE];
        struct stat status;
        int staging = upload_folder_staging(upload->mount->folder, false);
        record_name(upload->id, name);
        upload->info = staging < 0 ? staging
                                   : NEGATIVE_ERRNO(openat(staging, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
        if (upload->info < 0)
                return upload->info;
        if (fstat(upload->info, &status) < 0)
                return -errno;
        if (status.st_size > TUS_RECORD_MAX)
                return -EBADMSG;
        upload->touched = (int64_t) status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
        size_t length = (size_t) status.st_size;
        upload->text = calloc(1, length + 1);
        if (!upload->text)
                return -ENOMEM;
        int r = file_read(upload->info, upload->text, length, true);
        if (r >= 0)
                r = tus_record_parse((struct slice) { upload->text, length }, &upload->record);
        upload->claimed = upload->record.length;
        return r;
}

int64_t tus_store_expires(const struct tus_upload *upload) {
        return upload->touched + (int64_t) upload->mount->config->keep_parts;
}

int tus_store_look(struct tus_upload *upload, const struct upload_mount *mount, const char *id,
                   struct upload_fault *fault) {
        *upload = (struct tus_upload) { .info = -1, .mount = mount };
        (void) snprintf(upload->id, sizeof(upload->id), "%s", id);
        int r = read_record(upload);
        if (r == -ENOENT || r == -EBADMSG)
                r = upload_fault_set(fault, CAUSE_TUS_UNKNOWN, NULL);
        else if (r < 0)
                r = upload_fault_set_errno(fault, r);
        else if (!upload->record.is_complete && tus_store_expires(upload) < now_usec())
                r = upload_fault_set(fault, CAUSE_TUS_EXPIRED, NULL);
        if (r < 0)
                forget(upload);
        return r;
}

static int write_state(struct tus_upload *upload) {
        char state[TUS_RECORD_STATE_SIZE];
        tus_record_format_state(&upload->record, state);
        ssize_t n = NEGATIVE_ERRNO(pwrite(upload->info, state, sizeof(state) - 1, TUS_RECORD_STATE_OFFSET));
        if (n != (ssize_t) sizeof(state) - 1)
                return n < 0 ? (int) n : -EIO;
        upload->touched = now_usec();
        return (int) NEGATIVE_ERRNO(fdatasync(upload->info));
}

/* From where the record says; less where the bytes are not all there after all. */
static int go_back_to_saved(struct tus_upload *upload) {
        struct content_writer *writer = upload->part.writer;
        upload->unsaved = 0;
        if (writer->length > upload->record.saved)
                return content_truncate(writer, upload->record.saved);
        if (writer->length == upload->record.saved)
                return 0;
        upload->record.saved = writer->length;
        return write_state(upload);
}

static int open_bytes(struct tus_upload *upload, struct upload_fault *fault) {
        const struct upload_mount *mount = upload->mount;
        char name[NAME_SIZE];
        data_name(upload->id, name);
        int r = upload_part_open(&upload->part, mount->folder, mount->format, name);
        if (r == -EWOULDBLOCK)
                return upload_fault_set(fault, CAUSE_TUS_LOCKED, NULL);
        if (r == -ENOENT)
                return upload_fault_set(fault, CAUSE_TUS_UNKNOWN, NULL);
        return r < 0 ? upload_fault_set_errno(fault, r) : 0;
}

/* The record is read again once the lock is there: it may have changed. */
int tus_store_open(struct tus_upload *upload, const struct upload_mount *mount, const char *id,
                   struct upload_fault *fault) {
        int r = tus_store_look(upload, mount, id, fault);
        if (r < 0 || upload->record.is_complete)
                return r;
        struct upload_part part = { 0 };
        r = open_bytes(upload, fault);
        if (r >= 0) {
                part = upload->part;
                upload->part = (struct upload_part) { 0 };
                tus_store_close(upload);
                r = tus_store_look(upload, mount, id, fault);
        }
        if (r < 0 || upload->record.is_complete) {
                upload_part_close(&part);
                return r;
        }
        upload->part = part;
        r = go_back_to_saved(upload);
        if (r >= 0)
                return 0;
        forget(upload);
        return upload_fault_set_errno(fault, r);
}

int tus_store_save(struct tus_upload *upload, struct upload_fault *fault) {
        struct content_writer *writer = upload->part.writer;
        int r = content_save(writer);
        if (r >= 0)
                r = (int) NEGATIVE_ERRNO(fdatasync(upload->part.fd));
        if (r >= 0) {
                upload->record.saved = writer->length;
                upload->unsaved = 0;
                r = write_state(upload);
        }
        return r < 0 ? upload_fault_set_errno(fault, r) : 0;
}

int tus_store_append(struct tus_upload *upload, struct slice bytes, bool is_tentative, struct upload_fault *fault) {
        struct content_writer *writer = upload->part.writer;
        if (bytes.length > upload->record.length - writer->length)
                return upload_fault_set(fault, CAUSE_UPLOAD_TOO_LARGE, "more bytes than Upload-Length");
        int r = content_append(writer, bytes);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        upload->unsaved += bytes.length;
        return upload->unsaved >= SAVE_BYTES && !is_tentative ? tus_store_save(upload, fault) : 0;
}

void tus_store_undo(struct tus_upload *upload) {
        struct content_writer **writer = &upload->part.writer;
        content_writer_free(take_pointer(*writer));
        if (content_resume(upload->mount->format, upload->part.fd, NULL, writer) >= 0 &&
            (*writer)->length > upload->record.saved)
                (void) content_truncate(*writer, upload->record.saved);
}

static int read_head(const struct tus_upload *upload, char head[SNIFF_LENGTH], size_t *ret_length) {
        _cleanup_(content_unref_cleanup) struct content *content = NULL;
        int fd = fcntl(upload->part.fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = content_open(upload->mount->format, fd, NULL, &content);
        if (r < 0) {
                close_fd(fd);
                return r;
        }
        *ret_length = (size_t) MIN_OF(content->length, (uint64_t) SNIFF_LENGTH);
        return content_read(content, 0, head, *ret_length);
}

static int check_type(const struct tus_upload *upload, struct upload_fault *fault) {
        char head[SNIFF_LENGTH];
        size_t length = 0;
        if (upload->mount->config->types.count == 0)
                return 0;
        int r = read_head(upload, head, &length);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        if (!upload_type_is_allowed(upload->mount, upload->record.name, (struct slice) { head, length }))
                return upload_fault_set(fault, CAUSE_UPLOAD_TYPE_REFUSED, sniff_media_type(head, length));
        return 0;
}

/* The part is closed then, also when it fails. */
static int put_into_place(struct tus_upload *upload, struct upload_fault *fault) {
        struct upload_placed placed;
        const struct tus_record *record = &upload->record;
        struct upload_target target = { .name = strndup(record->name.data, record->name.length),
                                        .limits = upload->mount->config,
                                        .may_replace = upload->mount->config->overwrite };
        int r = target.name ? check_type(upload, fault) : upload_fault_set_errno(fault, -ENOMEM);
        if (r >= 0)
                r = upload_place(&upload->part, &target, fault, &placed);
        else
                upload_part_discard(&upload->part);
        free(target.name);
        return r;
}

int tus_store_complete(struct tus_upload *upload, struct upload_fault *fault) {
        bool is_partial = slice_equal_text(upload->record.concat, "partial");
        int r = upload_part_finish(&upload->part);
        if (r < 0)
                r = upload_fault_set_errno(fault, r);
        else if (!is_partial)
                r = put_into_place(upload, fault);
        if (r < 0) {
                remove_names(upload);
        } else {
                upload->record.is_complete = true;
                upload->record.saved = upload->record.length;
                r = write_state(upload);
                if (r < 0)
                        r = upload_fault_set_errno(fault, r);
        }
        if (r < 0 || !is_partial)
                upload_account_remove_part(account_of(upload), upload->claimed);
        upload_part_close(&upload->part);
        return r;
}

/* Adds the length of a partial upload, which must be complete, to sum->unsaved. */
static int add_partial(struct tus_upload *sum, const char *id, struct upload_fault *fault) {
        struct tus_upload partial;
        int r = tus_store_look(&partial, sum->mount, id, fault);
        if (r < 0)
                return r;
        if (!partial.record.is_complete || !slice_equal_text(partial.record.concat, "partial"))
                r = upload_fault_set(fault, CAUSE_TUS_CONCAT_INVALID, "not a partial upload that is complete");
        else if (partial.record.length > sum->mount->config->max_file - sum->unsaved)
                r = upload_fault_set(fault, CAUSE_UPLOAD_TOO_LARGE, NULL);
        else
                sum->unsaved += partial.record.length;
        tus_store_close(&partial);
        return r;
}

/* Appends the bytes of a partial upload, which are locked meanwhile. */
static int append_partial(struct tus_upload *upload, const char *id, struct upload_fault *fault) {
        _cleanup_(content_unref_cleanup) struct content *content = NULL;
        char name[NAME_SIZE];
        data_name(id, name);
        int fd = upload_staging_open(upload->mount->folder->staging, name);
        if (fd == -EWOULDBLOCK)
                return upload_fault_set(fault, CAUSE_TUS_LOCKED, NULL);
        int r = fd < 0 ? fd : content_open(upload->mount->format, fd, NULL, &content);
        if (r >= 0)
                r = content_append_content(upload->part.writer, content);
        else
                close_fd(fd);
        return r < 0 ? upload_fault_set_errno(fault, r) : 0;
}

static void remove_partial(const struct upload_mount *mount, const char *id) {
        struct tus_upload partial;
        struct upload_fault ignored = { 0 };
        if (tus_store_look(&partial, mount, id, &ignored) >= 0)
                (void) tus_store_remove(&partial, &ignored);
        tus_store_close(&partial);
}

/* The addresses of uploads that are to become one, and what they have in front. */
struct partials {
        struct slice list, folder;
};

/* Calls back for each id. */
static int each_partial(struct tus_upload *upload, const struct partials *partials, struct upload_fault *fault,
                        int (*call)(struct tus_upload *upload, const char *id, struct upload_fault *fault)) {
        char text[TUS_ID_LENGTH + 1];
        struct slice list = partials->list, id;
        int r;
        while ((r = tus_concat_next(&list, partials->folder, &id)) > 0) {
                (void) snprintf(text, sizeof(text), "%.*s", SLICE_PRINTF(id));
                r = call(upload, text, fault);
                if (r < 0)
                        return r;
        }
        return r < 0 ? upload_fault_set(fault, CAUSE_TUS_CONCAT_INVALID, "an address is none of an upload here") : 0;
}

/* A file could be made as large as somebody likes of few bytes, if a part could be in it more than once. */
static bool has_repeated(const struct partials *partials) {
        struct slice list = partials->list, id, other;
        while (tus_concat_next(&list, partials->folder, &id) > 0)
                for (struct slice rest = list; tus_concat_next(&rest, partials->folder, &other) > 0;)
                        if (slice_equal(id, other))
                                return true;
        return false;
}

static int remove_each(struct tus_upload *upload, const char *id, struct upload_fault *fault) {
        (void) fault;
        remove_partial(upload->mount, id);
        return 0;
}

/* While it lasts the bytes are there twice, though claimed once: one at a time, so that it is not more often than that. */
static int concatenate(struct tus_upload *upload, const struct upload_mount *mount, const struct tus_record *record,
                       const struct partials *partials, struct upload_fault *fault) {
        struct tus_upload sum = { .mount = mount };
        struct tus_record whole = *record;
        int r = each_partial(&sum, partials, fault, add_partial);
        whole.length = sum.unsaved;
        if (r >= 0)
                r = upload_folder_check_disk(mount->folder, whole.length, mount->config->min_free, fault);
        if (r >= 0)
                r = tus_store_create(upload, mount, &whole, 0, fault);
        if (r < 0)
                return r;
        r = each_partial(upload, partials, fault, append_partial);
        if (r >= 0 && upload->part.writer->length != whole.length)
                r = upload_fault_set(fault, CAUSE_TUS_CONCAT_INVALID, "the parts changed meanwhile");
        if (r < 0) {
                upload_account_remove_part(account_of(upload), upload->claimed);
                remove_names(upload);
                return r;
        }
        r = tus_store_complete(upload, fault);
        return r < 0 ? r : each_partial(upload, partials, fault, remove_each);
}

int tus_store_concatenate(struct tus_upload *upload, const struct upload_mount *mount, const struct tus_record *record,
                          struct slice list, struct upload_fault *fault) {
        _cleanup_text_ struct text folder = TEXT_INIT;
        text_append_uri_path(&folder, mount->prefix);
        text_append_string(&folder, TUS_FOLDER);
        if (folder.failed)
                return upload_fault_set_errno(fault, -ENOMEM);
        const struct partials partials = { list, { folder.data, folder.length } };
        if (has_repeated(&partials))
                return upload_fault_set(fault, CAUSE_TUS_CONCAT_INVALID, "a part is named twice");
        struct upload_account *account = &mount->folder->account;
        if (!upload_account_begin_copy(account))
                return upload_fault_set(fault, CAUSE_UPLOAD_BUSY, "another upload is being put together");
        int r = concatenate(upload, mount, record, &partials, fault);
        upload_account_end_copy(account);
        return r;
}

int tus_store_remove(struct tus_upload *upload, struct upload_fault *fault) {
        char name[NAME_SIZE];
        data_name(upload->id, name);
        /* Its lock keeps out who writes it; a complete one has no bytes here. */
        int fd = upload_staging_open(upload->mount->folder->staging, name);
        if (fd == -EWOULDBLOCK)
                return upload_fault_set(fault, CAUSE_TUS_LOCKED, NULL);
        if (fd < 0 && fd != -ENOENT)
                return upload_fault_set_errno(fault, fd);
        remove_names(upload);
        if (fd >= 0)
                upload_account_remove_part(account_of(upload), upload->claimed);
        close_fd(fd);
        return 0;
}

void tus_store_close(struct tus_upload *upload) {
        if (!upload->mount)
                return;
        upload_part_close(&upload->part);
        upload->info = close_fd(upload->info);
        free(upload->text);
        upload->text = NULL;
        upload->mount = NULL;
}
