/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the kernel noted of a peer (SO_PEERCRED, SO_PEERGROUPS; unix(7)), and turns the names of groups to
 * numbers. */
#include "shared/peer_credentials.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "shared/syscall.h"

#define GROUP_ENTRY_FIRST 1024
#define GROUP_ENTRY_MAX (1u << 20) /* a group with tens of thousands of members */

static int read_groups(int fd, struct arena *arena, struct peer_credentials *peer) {
        socklen_t size = 0;
        int r = NEGATIVE_ERRNO(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size));
        if (r != -ERANGE)
                return r; /* 0: it has none; else `size` is what they take */
        gid_t *groups = arena_alloc(arena, size);
        if (!groups)
                return -ENOMEM;
        r = NEGATIVE_ERRNO(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size));
        if (r < 0)
                return r;
        peer->groups = groups;
        peer->group_count = size / sizeof(*groups);
        return 0;
}

int peer_credentials_get(int fd, struct arena *arena, struct peer_credentials *ret_peer) {
        struct ucred credentials;
        int domain;
        socklen_t size = sizeof(domain);
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
                return -errno;
        if (domain != AF_UNIX)
                return -EOPNOTSUPP; /* the kernel would answer, with nobody's numbers */
        size = sizeof(credentials);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return -errno;
        if (credentials.uid == (uid_t) -1)
                return -ENOTCONN;
        struct peer_credentials peer = { .pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid };
        int r = read_groups(fd, arena, &peer);
        if (r < 0)
                return r;
        *ret_peer = peer;
        return 0;
}

bool peer_credentials_have_group(const struct peer_credentials *peer, gid_t group) {
        if (peer->gid == group)
                return true;
        for (size_t i = 0; i < peer->group_count; i++)
                if (peer->groups[i] == group)
                        return true;
        return false;
}

int group_by_name(const char *name, gid_t *ret_group) {
        for (size_t size = GROUP_ENTRY_FIRST; size <= GROUP_ENTRY_MAX; size *= 2) {
                _cleanup_free_ char *buffer = malloc(size);
                struct group entry, *found = NULL;
                if (!buffer)
                        return -ENOMEM;
                int r = getgrnam_r(name, &entry, buffer, size, &found);
                if (r == ERANGE)
                        continue;
                if (!found)
                        return r == 0 ? -ENOENT : -r;
                *ret_group = found->gr_gid;
                return 0;
        }
        return -E2BIG;
}
