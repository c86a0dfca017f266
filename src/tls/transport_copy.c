/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a file through user space, block by block, over any transport. It holds nothing between two calls: what the
 * descriptor did not take is read again, from the page cache. */
#include "tls/transport.h"

#include "shared/syscall.h"

#define COPY_BLOCK 65536 /* four TLS records */

static ssize_t read_block(int file, void *block, size_t size, off_t offset) {
        ssize_t count;
        do
                count = NEGATIVE_ERRNO(pread(file, block, size, offset));
        while (count == -EINTR);
        return count;
}

ssize_t transport_copy_file(struct transport *transport, int file, off_t offset, size_t length, bool more) {
        char block[COPY_BLOCK] __attribute__((uninitialized)); /* clearing it would cost as much as the copy */
        size_t sent = 0;
        while (sent < length) {
                size_t size = MIN_OF(length - sent, sizeof(block));
                ssize_t count = read_block(file, block, size, offset + (off_t) sent);
                if (count <= 0)
                        return sent ? (ssize_t) sent : count;

                struct iovec vector = { block, (size_t) count };
                ssize_t written = transport_write(transport, &vector, 1, more || sent + (size_t) count < length);
                if (written < 0)
                        return sent ? (ssize_t) sent : written;
                sent += (size_t) written;
                if (written < count || (size_t) count < size)
                        break;
        }
        return (ssize_t) sent;
}
