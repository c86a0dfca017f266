/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "config/listener_section.h"
#include "shared/error.h"

/*
 * Opens the sockets of a listener in the foreground mode (under systemd they come from the socket units): `count` of them in one
 * SO_REUSEPORT group for TCP, so that the kernel spreads connections; one for a unix path, whatever `count` says, after a stale
 * socket was removed. Returns how many. The error names listener and address and says what to do: in use, no right, no such address.
 */
int listener_socket_open(const struct config_listener *listener, size_t count, struct error *error, int *ret_fds);

/* Whether it could be opened now, with the same errors; -EADDRINUSE also for a socket of the service itself, -EACCES where systemd
 * would have the right. `ret_port` is 0 for a unix path. Nothing is left behind. */
int listener_socket_check(const struct config_listener *listener, struct error *error, unsigned *ret_port);

/* Opens a unix socket of a type (SOCK_STREAM, which listens, or SOCK_DGRAM) with these permissions, for `group` where that is not -1 and
 * this user may give it away. */
int unix_socket_open(const char *path, int type, unsigned mode, gid_t group, int backlog, struct error *error);
