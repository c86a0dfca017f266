/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

/*
 * Connections for a process that may not connect: it makes a socketpair, keeps one end, and hands the other to whoever serves in a
 * datagram (SCM_RIGHTS, unix(7)). connect(2) would be more than that: AF_UNSPEC takes the peer off any socket, so that a process which
 * may call it can take its accepted TCP connections anywhere.
 */

/* Hands `fd`, which stays open here, to the datagram socket at `address`. `from`: any unbound AF_UNIX datagram socket. Does not wait.
 * -EAGAIN: its queue is full; -ECONNREFUSED, -ENOENT: nobody is there; -EACCES: it is not for us. */
int descriptor_hand(int from, const struct sockaddr_un *address, int fd);

/*
 * Takes the next connection that was handed to `from`, a datagram socket: a stream socket of AF_UNIX, which does not block and is
 * closed on exec. -EAGAIN: there is none; -EBADMSG: something else was sent, which is gone; -EMFILE and the like: it is
 * gone too, for want of a descriptor.
 */
int descriptor_take_connection(int from);
