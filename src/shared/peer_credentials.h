/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shared/arena.h"

/*
 * Who is at the other end of a unix socket, as the kernel noted it when that end called connect(2): nobody can claim to
 * be someone else, and what the process became or whom the socket was passed to since then does not show.
 *
 * The groups are those that the process had, not those that the user database lists: so no name service is asked, and
 * somebody who was added to a group has to log in again first, as for files. In a unit with PrivateUsers= every user
 * and group from outside is 65534.
 */
struct peer_credentials {
        pid_t pid; /* for the log only: by now it may be another process's; 0 for one in a namespace that is not seen from here */
        uid_t uid;
        gid_t gid;
        const gid_t *groups; /* supplementary ones, in the arena */
        size_t group_count;
};

/* Never waits. -EOPNOTSUPP when `fd` is no unix socket, -ENOTCONN when nobody is there, -ENOMEM. */
int peer_credentials_get(int fd, struct arena *arena, struct peer_credentials *ret_peer);

/* Whether `group` is the peer's own or one of its supplementary groups. */
bool peer_credentials_have_group(const struct peer_credentials *peer, gid_t group);

/* The number of a group. Asks the name service, which may take its time: not on a loop, and before the sandbox unless the
 * policy admits to what the service needs. -ENOENT when there is no such group. */
int group_by_name(const char *name, gid_t *ret_group);
