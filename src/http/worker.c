/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections, lends memory to them, and lets them end. Everything here runs on the worker's one thread. */
#include "http/worker.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "http/connection.h"
#include "http/date.h"
#include "http/engine_metrics.h"
#include "http/field.h"
#include "http/status.h"
#include "shared/message_id.h"
#include "shared/quantity.h"

/* Connections taken in one go; more wait until the others had their turn. */
#define ACCEPTS_IN_A_ROW 64

/* How long accepting rests when the process has no descriptor left. */
#define EXHAUSTED_PAUSE_MSEC 100

#define EXCHANGES_KEPT 256 /* one HTTP/2 connection may have half as many under way */
#define BUFFERS_KEPT 64
#define BLOCKS_KEPT (1u << 20)
#define ARENA_LIMIT (1u << 20)

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

static int start_listener(struct http_listener *listener, int fd) {
        uint32_t events = EPOLLIN | (listener->is_shared ? EPOLLEXCLUSIVE : 0);
        return loop_io_start(listener->worker->loop, &listener->io, fd, events, on_acceptable, listener);
}

/* Nothing is left to accept with: the spare one is given up to refuse the connection in front, then accepting rests. */
static void on_exhausted(struct http_listener *listener, enum cause cause, const char *what) {
        struct http_worker *worker = listener->worker;
        int fd = listener->io.fd;

        worker->spare_fd = close_fd(worker->spare_fd);
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
        if (start_listener(listener, listener->paused_fd) >= 0)
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
        int r = http_connection_new(listener, fd, address, length);
        if (r < 0) {
                atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
                refuse(listener, fd, r == -EUSERS ? CAUSE_TOO_MANY_CONNECTIONS : CAUSE_OUT_OF_MEMORY);
        }
}

static void on_acceptable(struct loop_io *io, uint32_t events, void *userdata) {
        struct http_listener *listener = userdata;
        (void) events;
        for (unsigned i = 0; i < ACCEPTS_IN_A_ROW; i++) {
                struct sockaddr_storage address;
                socklen_t length = sizeof(address);
                int fd = accept4(io->fd, (struct sockaddr *) &address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                        take_connection(listener, fd, (struct sockaddr *) &address, length);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE)
                        on_exhausted(listener, CAUSE_OUT_OF_DESCRIPTORS, "no file descriptor is left for a connection");
                else if (errno == ENOBUFS || errno == ENOMEM)
                        on_exhausted(listener, CAUSE_OUT_OF_MEMORY, "the kernel has no memory left for a connection");
                else if (errno != EAGAIN)
                        continue; /* that one connection is gone already (accept(2), "Error handling") */
                return;
        }
}

static void reap(struct loop_deferred *deferred, void *userdata) {
        struct http_worker *worker = userdata;
        (void) deferred;
        while (!list_is_empty(&worker->dead)) {
                struct http_connection *connection = list_entry(worker->dead.next, struct http_connection, link);
                http_connection_free(connection);
                worker->connection_count--;
                atomic_fetch_sub_explicit(worker->services->connection_count, 1, memory_order_relaxed);
        }
        if (worker->is_draining && worker->connection_count == 0 && worker->on_drained) {
                loop_timer_stop(worker->loop, &worker->drain_timer);
                void (*on_drained)(struct http_worker *, void *) = worker->on_drained;
                worker->on_drained = NULL;
                on_drained(worker, worker->on_drained_userdata);
        }
}

void http_worker_bury(struct http_worker *worker, struct http_connection *connection) {
        list_remove(&connection->link);
        list_append(&worker->dead, &connection->link);
        loop_defer(worker->loop, &worker->reaper);
}

static void on_drain_timeout(struct timer *timer, void *userdata) {
        struct http_worker *worker = userdata;
        (void) timer;
        list_for_each (link, &worker->connections)
                http_connection_close(list_entry(link, struct http_connection, link));
}

int http_worker_init(struct http_worker *worker, struct loop *loop, unsigned index,
                     const struct http_services *services, struct log_producer *log, struct metrics_shard *metrics,
                     struct http_generation *generation) {
        *worker = (struct http_worker) {
                .loop = loop,
                .index = index,
                .services = services,
                .log = log,
                .metrics = metrics,
                .next_id = services->boot_id + ((uint64_t) index << 48),
                .spare_fd = eventfd(0, EFD_CLOEXEC),
        };
        buffer_pool_init(&worker->buffers, BUFFERS_KEPT);
        block_pool_init(&worker->blocks, BLOCKS_KEPT);
        list_init(&worker->connections);
        list_init(&worker->dead);
        loop_deferred_init(&worker->reaper, reap, worker);
        timer_init(&worker->drain_timer, on_drain_timeout, worker);

        worker->listeners = calloc(HTTP_LISTENERS_MAX, sizeof(*worker->listeners));
        int r = worker->listeners && worker->spare_fd >= 0 ? http_worker_set_generation(worker, generation) : -ENOMEM;
        if (r < 0)
                http_worker_done(worker);
        return r;
}

static void stop_listeners(struct http_worker *worker) {
        for (size_t i = 0; i < worker->listener_count; i++) {
                struct http_listener *listener = &worker->listeners[i];
                int fd = listener->io.fd;
                loop_io_stop(worker->loop, &listener->io);
                loop_timer_stop(worker->loop, &listener->resume);
                close_fd(fd);
                listener->paused_fd = close_fd(listener->paused_fd);
        }
}

static void free_exchange(struct http_exchange *exchange) {
        arena_done(&exchange->arena);
        free(exchange);
}

void http_worker_done(struct http_worker *worker) {
        stop_listeners(worker);
        list_for_each (link, &worker->connections)
                http_connection_close(list_entry(link, struct http_connection, link));
        loop_deferred_cancel(&worker->reaper);
        worker->on_drained = NULL;
        reap(&worker->reaper, worker);
        loop_timer_stop(worker->loop, &worker->drain_timer);
        while (worker->free_exchanges) {
                struct http_exchange *exchange = worker->free_exchanges;
                worker->free_exchanges = exchange->next_free;
                free_exchange(exchange);
        }
        if (worker->generation)
                worker_generation_unref(worker->generation);
        buffer_pool_done(&worker->buffers);
        block_pool_done(&worker->blocks);
        free(worker->listeners);
        free(worker->field_table);
        close_fd(worker->spare_fd);
}

int http_worker_listen(struct http_worker *worker, int fd, unsigned listener_index, bool is_shared) {
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
                .index = listener_index,
                .is_unix = address.ss_family == AF_UNIX,
                .is_shared = is_shared,
                .paused_fd = -1,
        };
        timer_init(&listener->resume, on_resume, listener);
        if (!listener->is_unix) {
                /* Accepted sockets have it from the listening one: no call for each of them. */
                int yes = 1;
                (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        }
        int r = start_listener(listener, fd);
        if (r < 0)
                return r;
        worker->listener_count++;
        return 0;
}

static int reserve_fields(struct http_worker *worker, const struct http_generation *generation) {
        size_t size = (size_t) generation->config->root.http.limits.max_fields;
        if (size <= worker->field_table_size)
                return 0;
        struct http_field *table = calloc(size, sizeof(*table));
        if (!table)
                return -ENOMEM;
        free(worker->field_table); /* no request is being parsed now */
        worker->field_table = table;
        worker->field_table_size = size;
        return 0;
}

int http_worker_set_generation(struct http_worker *worker, struct http_generation *generation) {
        if (reserve_fields(worker, generation) < 0)
                return -ENOMEM;
        struct worker_generation *handle = calloc(1, sizeof(*handle));
        if (!handle)
                return -ENOMEM;
        handle->references = 1;
        handle->worker = worker;
        handle->shared = generation;
        if (generation->application->attach) {
                int r = generation->application->attach(worker, generation, &handle->state);
                if (r < 0) {
                        free(handle);
                        return r;
                }
        }
        http_generation_ref(generation);
        if (worker->generation)
                worker_generation_unref(worker->generation);
        worker->generation = handle;
        list_for_each (link, &worker->connections) {
                struct http_connection *connection = list_entry(link, struct http_connection, link);
                if (connection->session && connection->session->refresh && !connection->is_lingering)
                        connection->session->refresh(connection);
        }
        return 0;
}

void http_worker_drain(struct http_worker *worker, uint64_t timeout, void (*on_drained)(struct http_worker *, void *),
                       void *userdata) {
        stop_listeners(worker);
        worker->is_draining = true;
        worker->on_drained = on_drained;
        worker->on_drained_userdata = userdata;
        list_for_each (link, &worker->connections) {
                struct http_connection *connection = list_entry(link, struct http_connection, link);
                if (connection->session && !connection->is_lingering)
                        connection->session->drain(connection);
        }
        if (timeout != QUANTITY_INFINITY)
                loop_timer_start(worker->loop, &worker->drain_timer, loop_now(worker->loop) + timeout / 1000);
        loop_defer(worker->loop, &worker->reaper);
}

struct slice http_worker_date_line(struct http_worker *worker) {
        static const char name[] = "Date: ";
        time_t now = loop_realtime(worker->loop);
        if (now != worker->date_second) {
                char *at = worker->date_line;
                memcpy(at, name, sizeof(name) - 1);
                at += sizeof(name) - 1;
                http_date_format(now, at);
                memcpy(at + HTTP_DATE_LENGTH, "\r\n", 2);
                worker->date_second = now;
        }
        return (struct slice) { worker->date_line, sizeof(name) - 1 + HTTP_DATE_LENGTH + 2 };
}

struct http_exchange *http_worker_get_exchange(struct http_worker *worker) {
        struct http_exchange *exchange = worker->free_exchanges;
        if (!exchange) {
                exchange = calloc(1, sizeof(*exchange));
                if (exchange)
                        arena_init(&exchange->arena, ARENA_LIMIT);
                return exchange;
        }
        worker->free_exchanges = exchange->next_free;
        worker->free_exchange_count--;
        memset(exchange, 0, offsetof(struct http_exchange, arena));
        return exchange;
}

void http_worker_put_exchange(struct http_worker *worker, struct http_exchange *exchange) {
        if (worker->free_exchange_count >= EXCHANGES_KEPT) {
                free_exchange(exchange);
                return;
        }
        arena_reset(&exchange->arena);
        exchange->next_free = worker->free_exchanges;
        worker->free_exchanges = exchange;
        worker->free_exchange_count++;
}

struct worker_generation *worker_generation_ref(struct worker_generation *generation) {
        generation->references++;
        return generation;
}

void worker_generation_unref(struct worker_generation *generation) {
        if (--generation->references > 0)
                return;
        const struct http_application *application = generation->shared->application;
        if (application->detach)
                application->detach(generation->worker, generation->state);
        http_generation_unref(generation->shared, generation->worker->log);
        free(generation);
}
