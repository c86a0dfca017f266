/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing sealed files. The last chunk is kept in memory as it is, however full: only what follows it, or the end, says
 * how it is to be sealed. So the writer always holds the chunk with the last byte, and all before it are in the file.
 * What is written over, a tail by the chunk that it became, has a nonce of its own.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "server/content/content_sealed_private.h"
#include "shared/secret.h"
#include "shared/syscall.h"

/* In memory of secret.h, for the key. */
struct sealed_writer {
        struct content_writer writer;
        struct sealed_secret secret;
        uint64_t index; /* of the chunk in memory */
        size_t filled;  /* bytes of it */
        bool is_saved;  /* the file has it too */
        char chunk[SEALED_CHUNK];
        unsigned char record[SEALED_RECORD];
};

static struct sealed_writer *writer_of(struct content_writer *writer) {
        return container_of(writer, struct sealed_writer, writer);
}

static int write_at(int fd, const void *bytes, size_t length, uint64_t offset) {
        for (size_t done = 0; done < length;) {
                ssize_t n = NEGATIVE_ERRNO(
                                pwrite(fd, (const char *) bytes + done, length - done, (off_t) (offset + done)));
                if (n < 0 && n != -EINTR)
                        return (int) n;
                done += (size_t) MAX_OF(n, 0);
        }
        return 0;
}

static int write_chunk(struct sealed_writer *sealed, enum sealed_kind kind) {
        unsigned char nonce[SEALED_NONCE];
        int r = sealed_random(nonce, sizeof(nonce));
        if (r >= 0)
                r = sealed_record_write(&sealed->secret, sealed->index, kind, nonce,
                                        (struct slice) { sealed->chunk, sealed->filled }, sealed->record);
        return r < 0 ? r
                     : write_at(sealed->writer.fd, sealed->record, sealed->filled + SEALED_OVERHEAD,
                                sealed_record_offset(sealed->index));
}

static struct sealed_writer *new_writer(const struct content_format *format, int fd) {
        struct sealed_writer *sealed = secret_new(sizeof(*sealed));
        if (sealed)
                sealed->writer = (struct content_writer) { .format = format, .fd = fd };
        return sealed;
}

void sealed_free_writer(struct content_writer *writer) {
        struct sealed_writer *sealed = writer_of(writer);
        secret_free(sealed, sizeof(*sealed));
}

/* The second block of the header stays a hole. */
static int begin(struct sealed_writer *sealed, const struct key *master) {
        unsigned char block[SEALED_BLOCK], nonce[SEALED_NONCE];
        int r = sealed_secret_generate(&sealed->secret);
        if (r >= 0)
                r = sealed_random(nonce, sizeof(nonce));
        if (r >= 0)
                r = sealed_header_write(&sealed->secret, master, nonce, block);
        if (r >= 0)
                r = write_at(sealed->writer.fd, block, sizeof(block), 0);
        return r < 0 ? r : (int) NEGATIVE_ERRNO(ftruncate(sealed->writer.fd, SEALED_HEADER));
}

int sealed_create(const struct content_format *format, int fd, struct error *error,
                  struct content_writer **ret_writer) {
        struct sealed_writer *sealed = new_writer(format, fd);
        int r = sealed ? begin(sealed, key_ring_newest(sealed_format_of(format)->ring)) : -ENOMEM;
        if (r < 0) {
                secret_free(sealed, sizeof(*sealed));
                return error_set_errno(error, r, "beginning a sealed file");
        }
        *ret_writer = &sealed->writer;
        return 0;
}

/* Takes the record at `index` into memory, whichever kind it is. -EBADMSG when there is none that is good. */
static int load_chunk(struct sealed_writer *sealed, uint64_t index) {
        static const enum sealed_kind kinds[] = { SEALED_TAIL, SEALED_MORE, SEALED_LAST };
        ssize_t n = sealed_load_record(sealed->writer.fd, index, sealed->record);
        if (n < 0)
                return (int) n;
        for (size_t i = 0; i < ELEMENTS_OF(kinds); i++) {
                int r = sealed_record_read(&sealed->secret, index, kinds[i], sealed->record, (size_t) n,
                                           (unsigned char *) sealed->chunk);
                if (r == -EBADMSG)
                        continue;
                if (r < 0)
                        return r;
                sealed->index = index;
                sealed->filled = (size_t) n - SEALED_OVERHEAD;
                sealed->is_saved = true;
                sealed->writer.length = index * SEALED_CHUNK + sealed->filled;
                return 0;
        }
        return -EBADMSG;
}

/* What is after the chunk in memory goes. */
static int cut(struct sealed_writer *sealed) {
        uint64_t end = sealed_record_offset(sealed->index);
        if (sealed->is_saved)
                end += sealed->filled + SEALED_OVERHEAD;
        return (int) NEGATIVE_ERRNO(ftruncate(sealed->writer.fd, (off_t) end));
}

/* A crash may have left half a record at the end, or none. */
static int find_end(struct sealed_writer *sealed) {
        struct stat status;
        if (fstat(sealed->writer.fd, &status) < 0)
                return -errno;
        uint64_t records = (uint64_t) MAX_OF(status.st_size - (off_t) SEALED_HEADER, (off_t) 0);
        uint64_t count = (records + SEALED_RECORD - 1) / SEALED_RECORD;
        int r = -EBADMSG;
        while (r == -EBADMSG && count > 0)
                r = load_chunk(sealed, --count);
        return r == -EBADMSG ? 0 : r;
}

int sealed_resume(const struct content_format *format, int fd, struct error *error,
                  struct content_writer **ret_writer) {
        struct sealed_writer *sealed = new_writer(format, fd);
        if (!sealed)
                return error_set_errno(error, -ENOMEM, "going on with a sealed file");
        int r = sealed_load_secret(format, fd, error, &sealed->secret);
        if (r >= 0)
                r = find_end(sealed);
        if (r >= 0)
                r = cut(sealed);
        if (r < 0) {
                secret_free(sealed, sizeof(*sealed));
                return error_set_errno(error, r, "going on with a sealed file");
        }
        *ret_writer = &sealed->writer;
        return 0;
}

int sealed_append(struct content_writer *writer, struct slice bytes) {
        struct sealed_writer *sealed = writer_of(writer);
        while (bytes.length > 0) {
                if (sealed->filled == SEALED_CHUNK) {
                        int r = write_chunk(sealed, SEALED_MORE);
                        if (r < 0)
                                return r;
                        sealed->index++;
                        sealed->filled = 0;
                }
                size_t part = MIN_OF(bytes.length, SEALED_CHUNK - sealed->filled);
                memcpy(sealed->chunk + sealed->filled, bytes.data, part);
                sealed->filled += part;
                sealed->is_saved = false;
                writer->length += part;
                bytes = slice_from(bytes, part);
        }
        return 0;
}

int sealed_append_content(struct content_writer *writer, const struct content *content) {
        _cleanup_free_ unsigned char *record = malloc(SEALED_RECORD);
        if (!record)
                return -ENOMEM;
        for (uint64_t done = 0; done < content->length;) {
                struct slice chunk;
                int r = sealed_open_record(content, done / SEALED_CHUNK, record, &chunk);
                if (r >= 0)
                        r = sealed_append(writer, chunk);
                if (r < 0)
                        return r;
                done += chunk.length;
        }
        return 0;
}

int sealed_truncate(struct content_writer *writer, uint64_t length) {
        struct sealed_writer *sealed = writer_of(writer);
        assert(length <= writer->length);
        uint64_t index = length > 0 ? (length - 1) / SEALED_CHUNK : 0;
        if (index != sealed->index) {
                int r = load_chunk(sealed, index);
                if (r < 0)
                        return r;
        }
        sealed->filled = (size_t) (length - index * SEALED_CHUNK);
        sealed->is_saved = false;
        writer->length = length;
        int r = sealed_save(writer);
        return r < 0 ? r : cut(sealed);
}

int sealed_save(struct content_writer *writer) {
        struct sealed_writer *sealed = writer_of(writer);
        if (sealed->is_saved)
                return 0;
        int r = write_chunk(sealed, SEALED_TAIL);
        if (r >= 0)
                sealed->is_saved = true;
        return r;
}

int sealed_finish(struct content_writer *writer) {
        struct sealed_writer *sealed = writer_of(writer);
        int r = write_chunk(sealed, SEALED_LAST);
        if (r < 0)
                return r;
        uint64_t end = sealed_record_offset(sealed->index) + sealed->filled + SEALED_OVERHEAD;
        return (int) NEGATIVE_ERRNO(ftruncate(writer->fd, (off_t) end));
}
