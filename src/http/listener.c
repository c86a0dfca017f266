/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections, or tells them that they are too many. One descriptor is kept in reserve, so that they are told even when
 * none is left. */
#include "http/listener.h"

#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "http/connection.h"
#include "http/engine_metrics.h"
#include "http/handshake.h"
#include "http/status.h"
#include "shared/descriptor_passing.h"
#include "shared/message_id.h"

/* Connections taken in one go; more wait until the others had their turn. */
#define ACCEPTS_IN_A_ROW 64

/* How long accepting rests when the process has no descriptor left. */
#define EXHAUSTED_PAUSE_MSEC 100

static const char refusal[] =
                "%.*sContent-Length: 0\r\nRetry-After: 1\r\nCcodes-Cause: %s\r\nConnection: close\r\n\r\n";

/* Tells a connection that cannot be served why, as far as one write goes, and closes it. */
static void refuse(struct http_listener *listener, int fd, enum cause cause) {
        struct http_worker *worker = listener->worker;
        metrics_increment(worker->metrics, worker->services->ids->connections_refused);
        metrics_increment(worker->metrics, worker->services->ids->causes[cause]);
        if (!worker->generation->shared->listeners[listener->index].tls) {
                char text[256];
                const struct cause_entry *entry = cause_entry(cause);
                int length = snprintf(text, sizeof(text), refusal, SLICE_PRINTF(http_status_line(entry->status)),
                                      entry->code);
                (void) !send(fd, text, (size_t) length, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        close_fd(fd);
}

static void log_exhausted(struct http_worker *worker, enum cause cause, const char *what) {
        const struct log_field field = { "CCODES_CAUSE", slice_of(cause_entry(cause)->code) };
        log_event(worker->log, LOG_LEVEL_ERROR, MESSAGE_ID_RESOURCE_EXHAUSTED, &field, 1, "%s; %s", what,
                  cause_entry(cause)->advice);
}

static void on_resume(struct timer *timer, void *userdata);
static void on_acceptable(struct loop_io *io, uint32_t events, void *userdata);

static int watch(struct http_listener *listener, int fd) {
        uint32_t events = EPOLLIN | (listener->is_shared ? EPOLLEXCLUSIVE : 0);
        return loop_io_start(listener->worker->loop, &listener->io, fd, events, on_acceptable, listener);
}

/* Nothing is left to accept with: the spare one is given up to refuse the connection in front, then accepting rests. */
static void on_exhausted(struct http_listener *listener, enum cause cause, const char *what) {
        struct http_worker *worker = listener->worker;
        int fd = listener->io.fd;

        worker->spare_fd = close_fd(worker->spare_fd);
        int accepted = listener->is_handed ? -1 : accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0)
                refuse(listener, accepted, cause);
        worker->spare_fd = eventfd(0, EFD_CLOEXEC);

        uint64_t now = loop_now(worker->loop);
        if (now >= worker->exhausted_logged + 1000 || worker->exhausted_logged == 0) {
                worker->exhausted_logged = now;
                log_exhausted(worker, cause, what);
        }
        loop_io_stop(worker->loop, &listener->io);
        listener->paused_fd = fd;
        loop_timer_start(worker->loop, &listener->resume, now + EXHAUSTED_PAUSE_MSEC);
}

static void on_resume(struct timer *timer, void *userdata) {
        struct http_listener *listener = userdata;
        (void) timer;
        if (watch(listener, listener->paused_fd) >= 0)
                listener->paused_fd = -1;
        else
                loop_timer_start(listener->worker->loop, &listener->resume,
                                 loop_now(listener->worker->loop) + EXHAUSTED_PAUSE_MSEC);
}

static void take_connection(struct http_listener *listener, int fd, const struct sockaddr *address, socklen_t length) {
        struct http_worker *worker = listener->worker;
        int64_t limit = worker->generation->shared->config->root.http.limits.max_connections;
        _Atomic int64_t *count = worker->services->connection_count;

        metrics_increment(worker->metrics, worker->services->ids->connections_accepted);
        if (atomic_fetch_add_explicit(count, 1, memory_order_relaxed) >= limit) {
                atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
                refuse(listener, fd, CAUSE_OVERLOADED);
                return;
        }
        struct http_connection *connection;
        int r = http_connection_new(listener, fd, address, length, &connection);
        if (r < 0) {
                atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
                refuse(listener, fd, r == -EUSERS ? CAUSE_TOO_MANY_CONNECTIONS : CAUSE_OUT_OF_MEMORY);
                return;
        }
        http_handshake_start(connection);
}

/* The next connection and whose it is, or a negative errno. */
static int next_connection(const struct http_listener *listener, struct sockaddr *ret_address, socklen_t *length) {
        if (!listener->is_handed)
                return NEGATIVE_ERRNO(accept4(listener->io.fd, ret_address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
        ret_address->sa_family = AF_UNIX;
        *length = sizeof(sa_family_t);
        return descriptor_take_connection(listener->io.fd);
}

static void on_acceptable(struct loop_io *io, uint32_t events, void *userdata) {
        struct http_listener *listener = userdata;
        (void) io;
        (void) events;
        for (unsigned i = 0; i < ACCEPTS_IN_A_ROW; i++) {
                struct sockaddr_storage address;
                socklen_t length = sizeof(address);
                int fd = next_connection(listener, (struct sockaddr *) &address, &length);
                if (fd >= 0) {
                        take_connection(listener, fd, (struct sockaddr *) &address, length);
                        continue;
                }
                if (fd == -EMFILE || fd == -ENFILE)
                        on_exhausted(listener, CAUSE_OUT_OF_DESCRIPTORS, "no file descriptor is left for a connection");
                else if (fd == -ENOBUFS || fd == -ENOMEM)
                        on_exhausted(listener, CAUSE_OUT_OF_MEMORY, "the kernel has no memory left for a connection");
                else if (fd != -EAGAIN)
                        continue; /* that one connection is gone already (accept(2), "Error handling"), or was none */
                return;
        }
}

static bool is_datagram(int fd) {
        int type = 0;
        socklen_t length = sizeof(type);
        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) >= 0 && type == SOCK_DGRAM;
}

int http_listener_start(struct http_worker *worker, int fd, unsigned index, bool is_shared) {
        if (worker->listener_count == HTTP_LISTENERS_MAX)
                return -ENOBUFS;
        struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
        socklen_t length = sizeof(address);
        if (getsockname(fd, (struct sockaddr *) &address, &length) < 0)
                return -errno;
        /* systemd passes blocking ones, and accepting goes on until there is nothing more to accept. */
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;

        struct http_listener *listener = &worker->listeners[worker->listener_count];
        *listener = (struct http_listener) {
                .io.fd = -1,
                .worker = worker,
                .index = index,
                .is_unix = address.ss_family == AF_UNIX,
                .is_shared = is_shared,
                .is_handed = is_datagram(fd),
                .paused_fd = -1,
        };
        timer_init(&listener->resume, on_resume, listener);
        if (!listener->is_unix) {
                /* Accepted sockets have it from the listening one: no call for each of them. */
                int yes = 1;
                (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        }
        int r = watch(listener, fd);
        if (r < 0)
                return r;
        worker->listener_count++;
        return 0;
}

void http_listeners_stop(struct http_worker *worker) {
        for (size_t i = 0; i < worker->listener_count; i++) {
                struct http_listener *listener = &worker->listeners[i];
                int fd = listener->io.fd;
                loop_io_stop(worker->loop, &listener->io);
                loop_timer_stop(worker->loop, &listener->resume);
                close_fd(fd);
                listener->paused_fd = close_fd(listener->paused_fd);
        }
}
