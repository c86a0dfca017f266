/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/syscall.h"

/*
 * recv(2), send(2) and sendmsg(2) for the hot path: a negative errno instead of -1, and no cancellation point. libc's own are
 * such points, which costs two atomic operations a call in a process with several threads (4 % of a small request);
 * no thread here is ever cancelled. They do not wait, whatever the flags of the open file: a connection that somebody handed over
 * (descriptor_passing.h) may be theirs too.
 */

static inline ssize_t socket_receive(int fd, void *buffer, size_t size) {
        return NEGATIVE_ERRNO((ssize_t) syscall(SYS_recvfrom, fd, buffer, size, MSG_DONTWAIT, NULL, NULL));
}

static inline ssize_t socket_send(int fd, const void *data, size_t length, int flags) {
        return NEGATIVE_ERRNO((ssize_t) syscall(SYS_sendto, fd, data, length, flags | MSG_DONTWAIT, NULL, 0));
}

static inline ssize_t socket_send_message(int fd, const struct msghdr *message, int flags) {
        return NEGATIVE_ERRNO((ssize_t) syscall(SYS_sendmsg, fd, message, flags | MSG_DONTWAIT));
}
