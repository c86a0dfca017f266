/* SPDX-License-Identifier: Apache-2.0 */
/* The role sockets: each is one more worker, on the main loop, with a generation of its own that is derived from the
 * daemon's. Their sockets are opened, or taken from systemd, before the sandbox, as those of the listeners are. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/listener_socket.h"
#include "daemon/state.h"
#include "http/listener.h"
#include "http/worker_control.h"
#include "shared/message_id.h"

#define BACKLOG 128

struct role_socket {
        const struct daemon_role *role;
        struct daemon *daemon;
        int fd;        /* until it is served */
        char *address; /* as the status shows it; NULL: there is no socket */
        struct config_listener listener;
        struct http_services
                        services; /* those of the engine, but for the count: a flood elsewhere shuts nobody out here */
        _Atomic int64_t connections;
        struct http_worker worker;
        bool is_serving;
};

static bool is_admin(const struct role_socket *socket) {
        return socket->role == &socket->daemon->admin_role;
}

static char *path_of(const struct role_socket *socket) {
        const struct daemon *daemon = socket->daemon;
        return is_admin(socket) ? text_format("%s/%s.sock", daemon->options.state, daemon->program->name)
                                : text_format("%s/%s-%s.sock", daemon->options.state, daemon->program->name,
                                              socket->role->name);
}

static int note_address(struct role_socket *socket) {
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        struct text text = TEXT_INIT;
        if (getsockname(socket->fd, (struct sockaddr *) &address, &length) < 0)
                return -errno;
        config_address_append(&text, (const struct sockaddr *) &address, length);
        return text_finish(&text, &socket->address, NULL);
}

static int open_in_state_folder(struct role_socket *socket, struct error *error) {
        const struct daemon_role *role = socket->role;
        _cleanup_free_ char *path = path_of(socket);
        gid_t group = (gid_t) -1;
        if (!path)
                return -ENOMEM;
        if (role->group)
                (void) group_by_name(role->group, &group); /* what this machine does not have gets nothing */
        int fd = unix_socket_open(path, role->is_handed ? SOCK_DGRAM : SOCK_STREAM, role->mode, group, BACKLOG, error);
        if (fd < 0)
                return error_prefix(error, "role '%s'", role->name);
        socket->fd = fd;
        return note_address(socket);
}

static int open_socket(struct role_socket *socket, struct error *error) {
        struct daemon *daemon = socket->daemon;
        const char *name = socket->role->name;
        socket->fd = service_fds_claim(&daemon->fds, name);
        if (socket->fd >= 0)
                return note_address(socket);
        if (daemon->options.state)
                return open_in_state_folder(socket, error);
        if (is_admin(socket))
                return 0; /* nobody can ask, but it serves */
        if (!daemon->is_activated)
                return error_set(error, -ENOENT,
                                 "role '%s': systemd passed no sockets; without it, --state FOLDER says where to open "
                                 "them",
                                 name);
        return error_set(error, -ENOENT,
                         "role '%s': systemd passed no socket of that name; start %s-%s.socket, then the service", name,
                         daemon->program->command, name);
}

int daemon_roles_open(struct daemon *daemon, struct error *error) {
        const struct daemon_program *program = daemon->program;
        daemon->roles = calloc(1 + program->role_count, sizeof(*daemon->roles));
        if (!daemon->roles)
                return -ENOMEM;
        int r = 0;
        for (; daemon->role_count < 1 + program->role_count && r >= 0; daemon->role_count++) {
                struct role_socket *socket = &daemon->roles[daemon->role_count];
                socket->daemon = daemon;
                socket->role = daemon->role_count == 0 ? &daemon->admin_role : &program->roles[daemon->role_count - 1];
                socket->fd = -1;
                socket->listener = (struct config_listener) { .name = socket->role->name, .address = "unix" };
                r = open_socket(socket, error);
        }
        return r;
}

static int derive(struct role_socket *socket, struct http_generation *generation,
                  struct http_generation **ret_generation) {
        const struct config_list listeners = { .items = &socket->listener, .count = 1 };
        return http_generation_derive(generation, &listeners, socket->role->application, ret_generation);
}

static int serve(struct role_socket *socket) {
        struct daemon *daemon = socket->daemon;
        struct http_generation *generation = NULL;
        socket->services = *http_engine_services(daemon->engine);
        socket->services.connection_count = &socket->connections;
        int r = derive(socket, daemon->generation, &generation);
        if (r < 0)
                return r;
        unsigned index = socket->services.worker_count + (unsigned) (socket - daemon->roles);
        r = http_worker_init(&socket->worker, daemon->loop, index, &socket->services, daemon->log, daemon->shard,
                             generation);
        http_generation_unref(generation, daemon->log);
        if (r < 0)
                return r;
        socket->is_serving = true;
        r = http_listener_start(&socket->worker, socket->fd, 0, false);
        if (r >= 0)
                socket->fd = -1; /* the worker's */
        return r;
}

int daemon_roles_serve(struct daemon *daemon, struct error *error) {
        for (size_t i = 0; i < daemon->role_count; i++) {
                if (daemon->roles[i].fd < 0)
                        continue;
                int r = serve(&daemon->roles[i]);
                if (r < 0)
                        return error_set_errno(error, r, "serving the role '%s'", daemon->roles[i].role->name);
        }
        return 0;
}

int daemon_roles_set_generation(struct daemon *daemon, struct http_generation *generation) {
        for (size_t i = 0; i < daemon->role_count; i++) {
                struct http_generation *derived = NULL;
                if (!daemon->roles[i].is_serving)
                        continue;
                int r = derive(&daemon->roles[i], generation, &derived);
                if (r >= 0)
                        r = http_worker_set_generation(&daemon->roles[i].worker, derived);
                http_generation_unref(derived, daemon->log);
                if (r < 0)
                        return r;
        }
        return 0;
}

uint64_t daemon_roles_connections(const struct daemon *daemon) {
        int64_t sum = 0;
        for (size_t i = 0; i < daemon->role_count; i++)
                sum += atomic_load_explicit(&daemon->roles[i].connections, memory_order_relaxed);
        return (uint64_t) sum;
}

static void on_role_drained(struct http_worker *worker, void *userdata) {
        struct daemon *daemon = userdata;
        (void) worker;
        if (--daemon->roles_draining == 0)
                daemon->on_roles_drained(daemon);
}

void daemon_roles_drain(struct daemon *daemon, uint64_t timeout, void (*on_drained)(void *daemon)) {
        daemon->on_roles_drained = on_drained;
        daemon->roles_draining = 1;
        for (size_t i = 0; i < daemon->role_count; i++) {
                if (!daemon->roles[i].is_serving || is_admin(&daemon->roles[i]))
                        continue;
                daemon->roles_draining++;
                http_worker_drain(&daemon->roles[i].worker, timeout, on_role_drained, daemon);
        }
        on_role_drained(NULL, daemon);
}

void daemon_roles_stop(struct daemon *daemon) {
        for (size_t i = 0; i < daemon->role_count; i++)
                if (daemon->roles[i].is_serving)
                        http_worker_done(&daemon->roles[i].worker);
}

void daemon_roles_done(struct daemon *daemon) {
        for (size_t i = 0; i < daemon->role_count; i++) {
                close_fd(daemon->roles[i].fd);
                free(daemon->roles[i].address);
        }
        free(daemon->roles);
}

void daemon_roles_append_addresses(const struct daemon *daemon, struct text *text) {
        for (size_t i = 0; i < daemon->role_count; i++)
                if (daemon->roles[i].address && !is_admin(&daemon->roles[i]))
                        text_printf(text, "%s%s", text->length > 0 ? ", " : "", daemon->roles[i].address);
}

void daemon_roles_append_json(const struct daemon *daemon, struct text *text) {
        bool is_first = true;
        text_append_char(text, '[');
        for (size_t i = 0; i < daemon->role_count; i++) {
                if (!daemon->roles[i].address)
                        continue;
                text_append_string(text, is_first ? "{\"name\":" : ",{\"name\":");
                text_append_json(text, slice_of(daemon->roles[i].role->name));
                text_append_string(text, ",\"address\":");
                text_append_json(text, slice_of(daemon->roles[i].address));
                text_append_char(text, '}');
                is_first = false;
        }
        text_append_char(text, ']');
}
