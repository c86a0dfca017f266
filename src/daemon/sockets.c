/* SPDX-License-Identifier: Apache-2.0 */
/* Where the listening sockets come from. Under systemd all of them come from socket units, by the listener's name; what
 * was not passed is not served there, since a service that opened its own would not be the only one to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/listener_socket.h"
#include "daemon/state.h"
#include "shared/message_id.h"
#include "shared/syscall.h"

#define SOCKETS_MAX 1024 /* of one listener */

static void claim(struct daemon *daemon, const struct config_listener *listener, struct http_engine_sockets *sockets) {
        for (int fd; (fd = service_fds_claim(&daemon->fds, listener->name)) >= 0;) {
                if (sockets->count == SOCKETS_MAX) {
                        close_fd(fd);
                        continue;
                }
                sockets->fds[sockets->count++] = fd;
        }
}

/* systemd cannot open the socket of a new listener while the service runs: a standby instance begins without it, and
 * serves the others until the main one has got it (`ccodesctl apply`). Without any there is nothing to serve. */
static int check_claimed(const struct config_list *listeners, const struct http_engine_sockets *sockets,
                         struct error *error) {
        const struct config_listener *items = listeners->items;
        for (size_t i = 0; i < listeners->count; i++)
                if (sockets[i].count > 0)
                        return 0;
        if (listeners->count == 0)
                return 0;
        return error_set(error, -ENOENT,
                         "listener '%s': systemd passed no socket of that name; run `ccodesctl apply`, "
                         "which makes the socket unit and starts with it",
                         items[0].name);
}

const struct config_list *daemon_listeners(const struct daemon *daemon, const struct config_root *root) {
        static const struct config_list none = { 0 };
        return daemon->program->listeners ? daemon->program->listeners(root) : &none;
}

int daemon_sockets_collect(struct daemon *daemon, const struct config_list *listeners, unsigned workers,
                           struct error *error, struct http_engine_sockets **ret_sockets) {
        const struct config_listener *items = listeners->items;
        bool activated = daemon->is_activated;
        struct http_engine_sockets *sockets = calloc(listeners->count + 1, sizeof(*sockets));
        int r = sockets ? 0 : -ENOMEM;

        for (size_t i = 0; i < listeners->count && r >= 0; i++) {
                sockets[i].fds = calloc(activated ? SOCKETS_MAX : workers, sizeof(int));
                if (!sockets[i].fds) {
                        r = -ENOMEM;
                } else if (activated) {
                        claim(daemon, &items[i], &sockets[i]);
                } else {
                        r = listener_socket_open(&items[i], workers, error, sockets[i].fds);
                        if (r >= 0)
                                sockets[i].count = (size_t) r;
                }
        }
        if (r >= 0 && activated)
                r = check_claimed(listeners, sockets, error);
        if (r < 0) {
                for (size_t i = 0; sockets && i < listeners->count && sockets[i].fds; i++)
                        for (size_t j = 0; j < sockets[i].count; j++)
                                close_fd(sockets[i].fds[j]);
                daemon_sockets_free(sockets, listeners->count);
                return error_set_errno(error, r, "opening the listeners");
        }
        *ret_sockets = sockets;
        return 0;
}

int daemon_sockets_note(struct daemon *daemon, const struct http_engine_sockets *sockets, size_t count) {
        daemon->addresses = calloc(count + 1, sizeof(*daemon->addresses));
        if (!daemon->addresses)
                return -ENOMEM;
        for (; daemon->address_count < count; daemon->address_count++) {
                struct sockaddr_storage address;
                socklen_t length = sizeof(address);
                if (sockets[daemon->address_count].count == 0)
                        continue;
                if (getsockname(sockets[daemon->address_count].fds[0], (struct sockaddr *) &address, &length) < 0)
                        return -errno;
                struct text text = TEXT_INIT;
                config_address_append(&text, (const struct sockaddr *) &address, length);
                int r = text_finish(&text, &daemon->addresses[daemon->address_count], NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_at(const struct config_listener *listener, const char *bound) {
        struct config_address expected, actual;
        return config_address_parse(listener->address, NULL, &expected) < 0 ||
               config_address_parse(bound, NULL, &actual) < 0 || config_address_overlap(&expected, &actual);
}

void daemon_sockets_warn(const struct daemon *daemon, const struct config_list *listeners) {
        const struct config_listener *items = listeners->items;
        for (size_t i = 0; i < daemon->address_count && daemon->is_activated; i++) {
                const char *bound = daemon->addresses[i];
                if (!bound)
                        log_event(daemon->log, LOG_LEVEL_WARNING, MESSAGE_ID_LISTEN_FAILED, NULL, 0,
                                  "listener '%s': systemd passed no socket of that name, so that it is not served; run "
                                  "`ccodesctl apply`",
                                  items[i].name);
                else if (!is_at(&items[i], bound))
                        log_event(daemon->log, LOG_LEVEL_WARNING, MESSAGE_ID_LISTEN_FAILED, NULL, 0,
                                  "listener '%s': its socket unit listens on %s, not on %s; run `systemctl "
                                  "daemon-reload` and `ccodesctl apply`",
                                  items[i].name, bound, items[i].address);
        }
}

void daemon_sockets_free(struct http_engine_sockets *sockets, size_t count) {
        for (size_t i = 0; sockets && i < count; i++)
                free(sockets[i].fds);
        free(sockets);
}
