/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "http/worker.h"
#include "shared/error.h"

/*
 * The workers of a daemon as one: starts their threads, shares the listening sockets out among them, and carries
 * commands (a new generation, the end) to each by its mailbox. All calls are made on the thread of `loop`, the main one.
 */
struct http_engine;

struct http_engine_options {
        struct loop *loop; /* the main thread's */
        struct logger *logger;
        struct metrics *metrics; /* the engine registers its series; nothing may be counted yet */
        struct thread_pool *pool;
        struct thread_pool *writers, *compute; /* NULL: the same */
        unsigned workers;                      /* 0: none of its own, for a daemon that serves on its main loop only */
};

/* Borrows everything in `options`. No thread runs yet: the daemon may register series of its own until http_engine_start. */
int http_engine_new(const struct http_engine_options *options, struct error *error, struct http_engine **ret_engine);

/* What the workers have in common; also for a worker of the daemon's own (the admin socket's). */
const struct http_services *http_engine_services(const struct http_engine *engine);

/* Makes the workers with this generation, gives each its share of the sockets, and starts the threads. `sockets[i]` are those of the
 * generation's listener i; the descriptors belong to the engine from here on, also when it fails. */
struct http_engine_sockets {
        int *fds;
        size_t count;
};
int http_engine_start(struct http_engine *engine, struct http_generation *generation,
                      const struct http_engine_sockets *sockets, struct error *error);

/* Gives every worker the generation; `done` is called once all have it. One at a time: -EBUSY;
 * -ESHUTDOWN after http_engine_stop. */
int http_engine_set_generation(struct http_engine *engine, struct http_generation *generation,
                               void (*done)(int result, void *userdata), void *userdata);

/* Stops accepting and lets connections end, for at most `timeout` us; `drained` is called once none is left. */
void http_engine_drain(struct http_engine *engine, uint64_t timeout, void (*drained)(void *userdata), void *userdata);

/* Whether every worker has run its loop since the last call; asks again. For a watchdog. */
bool http_engine_is_alive(struct http_engine *engine);

uint64_t http_engine_connections(const struct http_engine *engine);

/* Stops the threads and closes what is open. After it the thread pools may be freed, whose last results the loops of the workers
 * still take. */
void http_engine_stop(struct http_engine *engine);

/* Frees what is left; after http_engine_stop, the thread pools and the main loop are gone, or an engine that was never started. Takes NULL. */
void http_engine_free(struct http_engine *engine);
