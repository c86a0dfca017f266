/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a worker. It ends when its last connection has, and no connection is freed before the end of a turn. */
#include "http/worker_control.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "http/connection.h"
#include "http/listener.h"
#include "shared/quantity.h"

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
        http_worker_init_stock(worker);
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

void http_worker_done(struct http_worker *worker) {
        http_listeners_stop(worker);
        list_for_each (link, &worker->connections)
                http_connection_close(list_entry(link, struct http_connection, link));
        loop_deferred_cancel(&worker->reaper);
        worker->on_drained = NULL;
        reap(&worker->reaper, worker);
        loop_timer_stop(worker->loop, &worker->drain_timer);
        if (worker->generation)
                worker_generation_unref(worker->generation);
        http_worker_free_stock(worker);
        free(worker->listeners);
        free(worker->field_table);
        close_fd(worker->spare_fd);
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
        http_listeners_stop(worker);
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
