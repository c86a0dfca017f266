/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files as one format of several. The last record is looked at when a file is opened: then its length is the one that
 * was written, and no record can be missing at its end. */
#include "server/content/content_sealed.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "server/content/content_sealed_private.h"
#include "shared/secret.h"
#include "shared/syscall.h"

static int read_content(const struct content *content, uint64_t offset, void *buffer, size_t length) {
        if (length == 0)
                return 0;
        _cleanup_free_ unsigned char *record = malloc(SEALED_RECORD);
        if (!record)
                return -ENOMEM;
        for (char *to = buffer; length > 0;) {
                struct slice chunk;
                int r = sealed_open_record(content, offset / SEALED_CHUNK, record, &chunk);
                if (r < 0)
                        return r;
                chunk = slice_from(chunk, offset % SEALED_CHUNK);
                size_t part = MIN_OF(chunk.length, length);
                memcpy(to, chunk.data, part);
                to += part;
                offset += part;
                length -= part;
        }
        return 0;
}

static struct sealed_account *ref_account(struct sealed_account *account) {
        __atomic_fetch_add(&account->references, 1, __ATOMIC_RELAXED);
        return account;
}

static void unref_account(struct sealed_account *account) {
        if (__atomic_sub_fetch(&account->references, 1, __ATOMIC_ACQ_REL) == 0)
                free(account);
}

static void free_content(struct content *content) {
        struct sealed_content *sealed = container_of(content, struct sealed_content, content);
        close_fd(content->fd);
        unref_account(sealed->account);
        secret_free(sealed, sizeof(*sealed));
}

static int check_end(const struct content *content, struct error *error) {
        _cleanup_free_ unsigned char *record = malloc(SEALED_RECORD);
        struct slice end;
        int r = record ? sealed_open_record(content, sealed_last_index(content->length), record, &end) : -ENOMEM;
        if (r == -EBADMSG || r == -ESTALE)
                return error_set(error, -EBADMSG, "the sealed file was cut short or changed at its end");
        return r < 0 ? error_set_errno(error, r, "reading the end of a sealed file") : 0;
}

static const struct content_format reader;

static int open_content(const struct content_format *format, int fd, struct error *error,
                        struct content **ret_content) {
        struct stat status;
        if (fstat(fd, &status) < 0)
                return error_set_errno(error, -errno, "opening a sealed file");
        struct sealed_content *sealed = secret_new(sizeof(*sealed));
        if (!sealed)
                return error_set_errno(error, -ENOMEM, "opening a sealed file");
        sealed->content = (struct content) { .format = &reader, .fd = fd, .references = 1 };
        int r = sealed_load_secret(format, fd, error, &sealed->secret);
        if (r >= 0 && !sealed_content_length((uint64_t) status.st_size, &sealed->content.length))
                r = error_set(error, -EBADMSG, "the sealed file was cut short or changed at its end");
        if (r >= 0)
                r = check_end(&sealed->content, error);
        if (r < 0) {
                secret_free(sealed, sizeof(*sealed));
                return r;
        }
        sealed->account = ref_account(sealed_format_of(format)->account);
        *ret_content = &sealed->content;
        return 0;
}

static uint64_t length_of(uint64_t file_size) {
        uint64_t length;
        return sealed_content_length(file_size, &length) ? length : 0;
}

static const struct content_format_operations operations = {
        .name = "sealed",
        .create = sealed_create,
        .resume = sealed_resume,
        .append = sealed_append,
        .append_content = sealed_append_content,
        .truncate = sealed_truncate,
        .save = sealed_save,
        .finish = sealed_finish,
        .free_writer = sealed_free_writer,
        .open = open_content,
        .read = read_content,
        .free = free_content,
        .body = sealed_body,
        .prepare = sealed_prepare,
        .length_of = length_of,
};

/* What an open content needs of its format, which it may outlive. */
static const struct content_format reader = { &operations };

struct content_format *content_sealed_new(struct key_ring *ring) {
        struct sealed_format *sealed = malloc(sizeof(*sealed));
        struct sealed_account *account = calloc(1, sizeof(*account));
        if (!sealed || !account) {
                free(sealed);
                free(account);
                return NULL;
        }
        account->references = 1;
        *sealed = (struct sealed_format) { .format = { &operations }, .ring = key_ring_ref(ring), .account = account };
        return &sealed->format;
}

void content_sealed_free(struct content_format *format) {
        if (!format)
                return;
        struct sealed_format *sealed = sealed_format_of(format);
        key_ring_unref(sealed->ring);
        unref_account(sealed->account);
        free(sealed);
}
