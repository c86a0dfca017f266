/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and records of sealed files, from the disk to their content. Nothing is kept from one call to the next. */
#include <errno.h>
#include <unistd.h>

#include "server/content/content_sealed_private.h"
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

int sealed_open_record(const struct content *content, uint64_t index, unsigned char record[static SEALED_RECORD],
                       struct slice *ret_content) {
        const struct sealed_content *sealed = container_of(content, struct sealed_content, content);
        bool is_last = index == sealed_last_index(content->length);
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
