/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and reading sealed files. The last record is looked at when a file is opened: then its length is the one that
 * was written, and no record can be missing at its end. */
#include "server/content/content_sealed.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "server/content/content_sealed_private.h"
#include "shared/secret.h"
#include "shared/syscall.h"

/* Bytes read, fewer than asked for at the end of the file only. */
static ssize_t read_at(int fd, void *buffer, size_t length, uint64_t offset) {
        size_t done = 0;
        while (done < length) {
                ssize_t n = NEGATIVE_ERRNO(pread(fd, (char *) buffer + done, length - done, (off_t) (offset + done)));
                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        return (ssize_t) done;
}

static int find_secret(const struct content_format *format, int fd, struct sealed_secret *ret_secret) {
        unsigned char header[SEALED_HEADER] __attribute__((uninitialized));
        unsigned block;
        ssize_t n = read_at(fd, header, sizeof(header), 0);
        if (n < 0)
                return (int) n;
        return n == (ssize_t) sizeof(header)
                               ? sealed_header_find(header, sealed_format_of(format)->ring, ret_secret, &block)
                               : -EBADMSG;
}

int sealed_load_secret(const struct content_format *format, int fd, struct error *error,
                       struct sealed_secret *ret_secret) {
        int r = find_secret(format, fd, ret_secret);
        if (r == -EBADMSG) /* the header may have moved to the other block between reading the one and the other */
                r = find_secret(format, fd, ret_secret);
        if (r == -ENOKEY)
                return error_set(error, r,
                                 "the key '%s' that the file is sealed with is not among those in the credential",
                                 ret_secret->master);
        if (r == -EBADMSG)
                return error_set(error, r, "the file has no header of a sealed file, or one that was changed");
        return r < 0 ? error_set_errno(error, r, "reading the header of a sealed file") : 0;
}

ssize_t sealed_load_record(int fd, uint64_t index, unsigned char record[static SEALED_RECORD]) {
        return read_at(fd, record, SEALED_RECORD, sealed_record_offset(index));
}

static uint64_t last_index(uint64_t length) {
        return length > 0 ? (length - 1) / SEALED_CHUNK : 0;
}

int sealed_open_record(const struct content *content, uint64_t index, unsigned char record[static SEALED_RECORD],
                       struct slice *ret_content) {
        const struct sealed_content *sealed = container_of(content, struct sealed_content, content);
        bool is_last = index == last_index(content->length);
        size_t size = is_last ? (size_t) (content->length - index * SEALED_CHUNK) : SEALED_CHUNK;
        ssize_t n = sealed_load_record(content->fd, index, record);
        if (n < 0)
                return (int) n;
        if ((size_t) n < size + SEALED_OVERHEAD)
                return -ESTALE;
        int r = sealed_record_read(&sealed->secret, index, is_last ? SEALED_LAST : SEALED_MORE, record,
                                   size + SEALED_OVERHEAD, record + SEALED_NONCE);
        if (r < 0)
                return r;
        *ret_content = (struct slice) { (char *) record + SEALED_NONCE, size };
        return 0;
}

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
        int r = record ? sealed_open_record(content, last_index(content->length), record, &end) : -ENOMEM;
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
