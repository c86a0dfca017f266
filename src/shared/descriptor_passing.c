/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of one byte, which means nothing, with one descriptor. */
#include "shared/descriptor_passing.h"

#include <string.h>

#include "shared/syscall.h"

/* Room for more than one, so that a message with several can be told from a good one; the kernel closes what does not fit. */
#define TAKEN_MAX 4

int descriptor_hand(int from, const struct sockaddr_un *address, int fd) {
        char byte = 0;
        struct iovec vector = { &byte, 1 };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(fd))];
        } control = { 0 };
        struct msghdr message = {
                .msg_name = (void *) address,
                .msg_namelen = sizeof(*address),
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof(control.bytes),
        };
        control.header = (struct cmsghdr) {
                .cmsg_level = SOL_SOCKET,
                .cmsg_type = SCM_RIGHTS,
                .cmsg_len = CMSG_LEN(sizeof(fd)),
        };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        ssize_t n = NEGATIVE_ERRNO(sendmsg(from, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
        return n < 0 ? (int) n : 0;
}

static int option_of(int fd, int name) {
        int value = -1;
        socklen_t length = sizeof(value);
        return getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? -1 : value;
}

/* The flags are those of the open file, which whoever handed it may have another descriptor of: nobody relies on them for good. */
static int prepare(int fd) {
        if (option_of(fd, SO_DOMAIN) != AF_UNIX || option_of(fd, SO_TYPE) != SOCK_STREAM)
                return -EBADMSG;
        int flags = fcntl(fd, F_GETFL);
        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Takes the descriptors of a message: the only one, or -EBADMSG and all are closed. */
static int take_only(struct msghdr *message) {
        int taken[TAKEN_MAX], count = 0;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                size_t there = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < there && count < TAKEN_MAX; i++)
                        memcpy(&taken[count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
        }
        if (count == 1 && !(message->msg_flags & MSG_CTRUNC))
                return taken[0];
        for (int i = 0; i < count; i++)
                close_fd(taken[i]);
        return count == 0 && (message->msg_flags & MSG_CTRUNC) ? -EMFILE : -EBADMSG;
}

int descriptor_take_connection(int from) {
        char byte;
        struct iovec vector = { &byte, 1 };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(TAKEN_MAX * sizeof(int))];
        } control;
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof(control.bytes),
        };
        ssize_t n = NEGATIVE_ERRNO(recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
        if (n < 0)
                return (int) n;
        _cleanup_close_ int fd = take_only(&message);
        int r = fd < 0 ? fd : prepare(fd);
        return r < 0 ? r : take_fd(&fd);
}
