/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/list.h"
#include "shared/loop.h"

/*
 * A small pool of threads for what may block or takes long. A program has one for what waits for the disk and is over
 * soon, and another for what takes the processor for long, so that the second cannot hold up the first.
 *
 * A task is embedded in its owner, which gives it away with submit and has it back when `done` runs on the
 * submitter's loop. `run` sees only what the task carries; nothing is shared but by that hand-over.
 */
struct thread_pool;

struct thread_task {
        struct list link;
        struct loop *loop;
        struct loop_message message;
        const atomic_bool *stop;               /* true once the pool ends: a long `run` looks, and gives up */
        int result;                            /* for `done`: 0, or -ECANCELED when the pool ended before it was run */
        void (*run)(struct thread_task *task); /* on a pool thread */
        void (*cancel)(struct thread_task *
                                       task); /* in its place, on the thread that frees the pool, for a task that others
                                                   * wait for; NULL: nobody does */
        void (*done)(struct thread_task *task); /* on the loop's thread, whatever the result */
};

/* Starts `threads` threads, one at least, that block every signal; `name` is shown for them (up to 15 bytes). At most
 * `queue_limit` tasks wait. -EINVAL for no thread, -EAGAIN when the system allows no more. */
int thread_pool_new(const char *name, size_t threads, size_t queue_limit, struct thread_pool **ret_pool);

/* Takes NULL. Cancels what is queued, waits for what runs, then joins the threads. The loops of all submitters must still
 * be there: `done` of the last tasks runs in their next turn, or when they are freed. */
void thread_pool_free(struct thread_pool *pool);

/* The caller sets `run`, `cancel` and `done` before. Any thread that owns a loop. -EAGAIN when the queue is full: the task
 * is still the caller's. */
int thread_pool_submit(struct thread_pool *pool, struct loop *loop, struct thread_task *task);

/* For metrics; any thread. */
struct thread_pool_figures {
        size_t waiting, running;
        uint64_t taken, refused; /* tasks ever: those that were submitted, those that found the queue full */
};
struct thread_pool_figures thread_pool_figures(struct thread_pool *pool);
