/* SPDX-License-Identifier: Apache-2.0 */
/* Opens listening sockets. An address is tried without SO_REUSEPORT first: with it, another server of the same user
 * on the same address would silently take half of the connections. */
#include "daemon/listener_socket.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "shared/syscall.h"

static int open_tcp(const struct config_address *address, int backlog, bool reuse_port) {
        int yes = 1, no = 0;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(
                        socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (fd < 0)
                return fd;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
                return -errno;
        if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) < 0)
                return -errno;
        if (address->storage.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *) &address->storage, address->length) < 0)
                return -errno;
        if (backlog > 0 && listen(fd, backlog) < 0)
                return -errno;
        return take_fd(&fd);
}

static unsigned port_of(const struct config_address *address) {
        return address->storage.ss_family == AF_INET6
                               ? ntohs(((const struct sockaddr_in6 *) &address->storage)->sin6_port)
                               : ntohs(((const struct sockaddr_in *) &address->storage)->sin_port);
}

static int explain(const struct config_listener *listener, const struct config_address *address, int code,
                   struct error *error) {
        switch (code) {
        case -EADDRINUSE:
                return error_set(error, code,
                                 "listener '%s': %s is in use by another program (`ss -ltnp sport = :%u` shows which); "
                                 "stop it or choose another address",
                                 listener->name, listener->address, port_of(address));
        case -EACCES:
                return error_set(error, code,
                                 "listener '%s': this user has no right to listen on port %u; start by systemd, or "
                                 "choose "
                                 "a port above 1023",
                                 listener->name, port_of(address));
        case -EADDRNOTAVAIL:
                return error_set(error, code,
                                 "listener '%s': this machine has no address as in '%s' (`ip address` "
                                 "shows those it has)",
                                 listener->name, listener->address);
        default:
                return error_set_errno(error, code, "listener '%s': listening on %s", listener->name,
                                       listener->address);
        }
}

/* A socket file that nobody listens on was left behind by a crash. */
static int remove_stale_socket(const struct sockaddr_un *address, socklen_t length, int type) {
        struct stat status;
        if (lstat(address->sun_path, &status) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(status.st_mode))
                return -EEXIST;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (fd < 0)
                return fd;
        if (connect(fd, (const struct sockaddr *) address, length) == 0 || errno != ECONNREFUSED)
                return -EADDRINUSE;
        return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int explain_obstacle(const char *path, struct error *error) {
        return error_set(error, -EEXIST, "%s is in the way: it is not a socket", path);
}

int unix_socket_open(const char *path, int type, unsigned mode, gid_t group, int backlog, struct error *error) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t length = strlen(path);
        if (length >= sizeof(address.sun_path))
                return error_set(error, -ENAMETOOLONG, "the path of the unix socket %s is longer than %zu bytes", path,
                                 sizeof(address.sun_path) - 1);
        memcpy(address.sun_path, path, length);
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length + 1);

        int r = remove_stale_socket(&address, size, type);
        if (r == -EEXIST)
                return explain_obstacle(path, error);
        if (r == -EADDRINUSE)
                return error_set(error, r, "another program listens on %s", path);
        if (r < 0)
                return error_set_errno(error, r, "removing the stale socket %s", path);

        _cleanup_close_ int fd = NEGATIVE_ERRNO(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (fd < 0)
                return error_set_errno(error, fd, "opening a unix socket");
        if (fchmod(fd, 0) < 0 || bind(fd, (const struct sockaddr *) &address, size) < 0)
                return error_set_errno(error, -errno, "listening on %s", path);
        /* Who may come is settled before anybody can: the file has the mode that the socket had. A group that this user may
         * not give it to is left out. */
        if (group != (gid_t) -1)
                (void) !chown(path, (uid_t) -1, group);
        if (chmod(path, mode) < 0 || (type == SOCK_STREAM && listen(fd, backlog) < 0))
                return error_set_errno(error, -errno, "listening on %s", path);
        return take_fd(&fd);
}

static int probe_tcp(const struct config_listener *listener, const struct config_address *address,
                     struct error *error) {
        if (port_of(address) == 0)
                return 0;
        _cleanup_close_ int fd = open_tcp(address, 0, false);
        return fd < 0 ? explain(listener, address, fd, error) : 0;
}

static int check_unix(const char *path, struct error *error) {
        struct stat status;
        _cleanup_free_ char *copy = strdup(path);
        if (!copy)
                return error_set_errno(error, -ENOMEM, "checking %s", path);
        if (lstat(path, &status) >= 0)
                return S_ISSOCK(status.st_mode) ? 0 : explain_obstacle(path, error);
        return access(dirname(copy), X_OK) < 0 ? error_set_errno(error, -errno, "listening on %s", path) : 0;
}

int listener_socket_check(const struct config_listener *listener, struct error *error, unsigned *ret_port) {
        struct config_address address;
        int r = config_address_parse(listener->address, error, &address);
        if (r < 0)
                return r;
        if (address.storage.ss_family != AF_UNIX) {
                *ret_port = port_of(&address);
                return probe_tcp(listener, &address, error);
        }
        *ret_port = 0;
        r = check_unix(((const struct sockaddr_un *) &address.storage)->sun_path, error);
        if (r < 0)
                error_prefix(error, "listener '%s'", listener->name);
        return r;
}

int listener_socket_open(const struct config_listener *listener, size_t count, struct error *error, int *ret_fds) {
        struct config_address address;
        int r = config_address_parse(listener->address, error, &address);
        if (r < 0)
                return r;
        if (address.storage.ss_family == AF_UNIX) {
                int fd = unix_socket_open(((const struct sockaddr_un *) &address.storage)->sun_path, SOCK_STREAM, 0666,
                                          (gid_t) -1, (int) listener->backlog, error);
                if (fd < 0) {
                        error_prefix(error, "listener '%s'", listener->name);
                        return fd;
                }
                ret_fds[0] = fd;
                return 1;
        }

        bool any_port = port_of(&address) == 0;
        r = probe_tcp(listener, &address, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                int fd = open_tcp(&address, (int) listener->backlog, true);
                if (fd < 0) {
                        while (i > 0)
                                close_fd(ret_fds[--i]);
                        return explain(listener, &address, fd, error);
                }
                ret_fds[i] = fd;
                /* The first one was given a port by the kernel; the others join it. */
                if (any_port && i == 0) {
                        socklen_t length = sizeof(address.storage);
                        if (getsockname(fd, (struct sockaddr *) &address.storage, &length) < 0)
                                return explain(listener, &address, -errno, error);
                }
        }
        return (int) count;
}
