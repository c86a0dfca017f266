/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/worker.h"

/* What a worker is told by whoever runs its loop: to begin, to take another configuration, to let its connections end, and to end. */

/* Borrows everything; `log` and `metrics` are the worker's own. The generation's reference is taken. */
int http_worker_init(struct http_worker *worker, struct loop *loop, unsigned index,
                     const struct http_services *services, struct log_producer *log, struct metrics_shard *metrics,
                     struct http_generation *generation);

/* Closes all connections at once and frees everything. */
void http_worker_done(struct http_worker *worker);

/* New requests use this one from now on. -ENOMEM leaves the old one in place. */
int http_worker_set_generation(struct http_worker *worker, struct http_generation *generation);

/*
 * Stops accepting, answers what is asked, with `Connection: close`, and lets responses end; after `timeout` us what is left is cut.
 * Calls back, once, when no connection is left. */
void http_worker_drain(struct http_worker *worker, uint64_t timeout, void (*on_drained)(struct http_worker *, void *),
                       void *userdata);
