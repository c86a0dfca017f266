/* SPDX-License-Identifier: Apache-2.0 */
/* The plain transport: one system call for each operation on a connected stream socket, TCP or unix. It owns nothing
 * and keeps no state beyond the flags of struct transport. */
#include "tls/transport.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "shared/socket_io.h"
#include "shared/syscall.h"

static ssize_t plain_result(struct transport *transport, ssize_t result, bool is_write) {
        if (result == -EAGAIN)
                transport->wants_write = is_write;
        return result;
}

static ssize_t plain_read(struct transport *transport, void *buffer, size_t size) {
        ssize_t count;
        do
                count = socket_receive(transport->fd, buffer, size);
        while (count == -EINTR);
        transport->is_readable = count == (ssize_t) size;
        return plain_result(transport, count, false);
}

static ssize_t plain_write(struct transport *transport, const struct iovec *vector, int count, bool more) {
        int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        ssize_t written;
        do {
                if (count == 1) {
                        written = socket_send(transport->fd, vector->iov_base, vector->iov_len, flags);
                } else {
                        struct msghdr message = {
                                .msg_iov = (struct iovec *) vector,
                                .msg_iovlen = (size_t) MIN_OF(count, IOV_MAX),
                        };
                        written = socket_send_message(transport->fd, &message, flags);
                }
        } while (written == -EINTR);
        return plain_result(transport, written, true);
}

/* `more` has no counterpart in sendfile(2); the kernel already joins what follows a block that is not full. */
static ssize_t plain_send_file(struct transport *transport, int file, off_t offset, size_t length, bool more) {
        ssize_t count;
        do {
                off_t position = offset;
                count = NEGATIVE_ERRNO(sendfile(transport->fd, file, &position, length));
        } while (count == -EINTR);
        if (count == -EINVAL || count == -ENOSYS) /* not from this file system */
                return transport_copy_file(transport, file, offset, length, more);
        return plain_result(transport, count, true);
}

static int plain_handshake(struct transport *transport, const char **ret_detail) {
        (void) transport;
        (void) ret_detail;
        return 0;
}

static int plain_shutdown(struct transport *transport) {
        return NEGATIVE_ERRNO(shutdown(transport->fd, SHUT_WR));
}

static void plain_free(struct transport *transport) {
        (void) transport;
}

static const struct transport_operations plain_operations = {
        .read = plain_read,
        .write = plain_write,
        .send_file = plain_send_file,
        .handshake = plain_handshake,
        .shutdown = plain_shutdown,
        .free = plain_free,
};

void transport_init_plain(struct transport *transport, int fd) {
        *transport = (struct transport) {
                .operations = &plain_operations,
                .fd = fd,
                .is_zero_copy = true,
        };
}
