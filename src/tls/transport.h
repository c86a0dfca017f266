/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "shared/cause.h"

/*
 * The byte stream under a session: plain TCP, unix, or TLS. A table of functions; all are non-blocking and return a
 * negative errno, -EAGAIN when the descriptor is to be waited for (see wants_write). The program ignores SIGPIPE, which
 * sendfile(2) has no flag against.
 */
struct transport;

struct transport_operations {
        /* Reads at most `size` bytes; 0 at the orderly end of the stream, -ECONNRESET when it was cut. A short count means that
         * nothing more is there now, so that no further call is needed to hear -EAGAIN (level-triggered epoll tells of
         * more), unless is_readable says otherwise. */
        ssize_t (*read)(struct transport *transport, void *buffer, size_t size);

        /* Writes a prefix of the vector, which is not empty. A short count means that the descriptor is full. `more`: more will
         * follow at once (MSG_MORE). After -EAGAIN or a short count the next bytes offered must be those that follow what
         * was reported as written: some of them may be sealed already. */
        ssize_t (*write)(struct transport *transport, const struct iovec *vector, int count, bool more);

        /* Sends a prefix of a file's bytes without copying them through user space where that is possible, else by reading.
         * `length` is above 0. 0 when the file ended at or before `offset` (it was cut short). A short count means that the
         * descriptor is full, or that the file ends there. May block on a cold disk. */
        ssize_t (*send_file)(struct transport *transport, int file, off_t offset, size_t length, bool more);

        /* Continues the handshake: 0 when it is complete, -EAGAIN, or, with `ret_detail` (static or owned by the transport)
         * saying why: -EPROTO, -ECONNRESET when the peer went away, -EPROTOTYPE when it spoke plain HTTP, so that it may be
         * answered by a plain transport on the same descriptor. A plain transport's is complete at once. When it is
         * complete the first bytes may have come with it: look at is_readable, or read, before waiting. */
        int (*handshake)(struct transport *transport, const char **ret_detail);

        /* Says orderly that nothing more will be written (close_notify, then FIN). 0, -EAGAIN, or an error. */
        int (*shutdown)(struct transport *transport);

        /* Frees what the transport holds, but neither the descriptor nor an embedded transport. */
        void (*free)(struct transport *transport);
};

struct transport {
        const struct transport_operations *operations;
        int fd;
        bool wants_write;  /* after -EAGAIN: wait for EPOLLOUT rather than EPOLLIN, or the reverse */
        bool is_readable;  /* after read or handshake: the transport holds bytes, the end of the stream or an error that
                            * epoll does not know of: read again before waiting */
        bool is_zero_copy; /* send_file does not copy: sendfile(2), or kernel TLS */
        bool is_secure;
};

/* Makes `transport` the plain transport of a connected stream socket. */
void transport_init_plain(struct transport *transport, int fd);

/* send_file by reading and writing, for transports that cannot do it otherwise. */
ssize_t transport_copy_file(struct transport *transport, int file, off_t offset, size_t length, bool more);

static inline ssize_t transport_read(struct transport *transport, void *buffer, size_t size) {
        return transport->operations->read(transport, buffer, size);
}

static inline ssize_t transport_write(struct transport *transport, const struct iovec *vector, int count, bool more) {
        return transport->operations->write(transport, vector, count, more);
}

static inline ssize_t transport_send_file(struct transport *transport, int file, off_t offset, size_t length,
                                          bool more) {
        return transport->operations->send_file(transport, file, offset, length, more);
}

static inline int transport_handshake(struct transport *transport, const char **ret_detail) {
        return transport->operations->handshake(transport, ret_detail);
}

static inline int transport_shutdown(struct transport *transport) {
        return transport->operations->shutdown(transport);
}

static inline void transport_free(struct transport *transport) {
        transport->operations->free(transport);
}
