/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/file_residency.h"
#include "http/generation.h"
#include "shared/block_pool.h"
#include "shared/buffer.h"
#include "shared/list.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/metrics.h"
#include "shared/thread_pool.h"

/*
 * One thread's share of the traffic: a loop, the listening sockets it accepts from, its connections, and the memory
 * they use. Workers share nothing on the hot path. The same struct serves the admin socket on the main thread's loop.
 */
struct http_engine_metrics;
struct client_table;

/* See access_log.c: how many successes a worker had, and wrote, in this second. */
struct access_sampler {
        time_t second;
        uint32_t seen, written, factor;
};

/* What all workers of a program have in common, and outlives them. */
struct http_services {
        struct thread_pool *pool;    /* for what waits for the disk and is over soon */
        struct thread_pool *writers; /* for what writes and syncs, so that no look-up waits behind it */
        struct thread_pool *compute; /* for what takes the processor for long, with the same intent */
        struct metrics *metrics;
        const struct http_engine_metrics *ids; /* series of metrics */
        struct client_table *clients;          /* connections of each address */
        _Atomic int64_t *connection_count;     /* of all workers, for max_connections */
        uint32_t worker_count;
        uint64_t boot_id; /* random; makes request ids unique over restarts */
};

struct http_listener;

struct http_worker {
        struct loop *loop;
        unsigned index;
        const struct http_services *services;
        struct log_producer *log;
        struct metrics_shard *metrics;
        struct worker_generation *generation; /* for new requests */
        struct buffer_pool buffers;
        struct block_pool blocks; /* of HTTP/2 connections */
        struct http_exchange *free_exchanges;
        size_t free_exchange_count;
        struct http_field *field_table; /* where a head is parsed into, before it has an exchange that lasts */
        size_t field_table_size;        /* max_fields of the generation, or more */
        struct list connections;
        struct list dead; /* closed in this turn; freed at its end */
        struct loop_deferred reaper;
        size_t connection_count; /* both lists */
        struct http_listener *listeners;
        size_t listener_count;
        uint64_t next_id;
        bool is_draining;
        void (*on_drained)(struct http_worker *worker, void *userdata);
        void *on_drained_userdata;
        struct timer drain_timer;
        struct access_sampler access_sampler;
        struct file_residency residency;
        time_t date_second;
        uint64_t exhausted_logged; /* ms */
        int spare_fd;              /* given up to accept, and refuse, one more connection when no descriptor is left */
        char date_line[40];        /* "Date: ...\r\n" of date_second */
};

/* What is lent: buffers, blocks and exchanges. */
void http_worker_init_stock(struct http_worker *worker);
void http_worker_free_stock(struct http_worker *worker);

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", formatted once a second. */
struct slice http_worker_date_line(struct http_worker *worker);

/* An empty exchange from the worker's stock, and back. NULL when malloc fails. */
struct http_exchange *http_worker_get_exchange(struct http_worker *worker);
void http_worker_put_exchange(struct http_worker *worker, struct http_exchange *exchange);

/* The last reference frees what the application keeps for this worker. */
struct worker_generation *worker_generation_ref(struct worker_generation *generation);
void worker_generation_unref(struct worker_generation *generation);
