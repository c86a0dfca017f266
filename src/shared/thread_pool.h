/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/list.h"
#include "shared/loop.h"

/*
 * A small pool of threads for what may block or takes long: cold disk reads, compression, password hashing.
 *
 * A task is embedded in its owner, which gives it away with submit and has it back when `done` runs on the
 * submitter's loop. `run` sees only what the task carries; nothing is shared but by that hand-over.
 */
struct thread_pool;

struct thread_task {
        struct list link;
        struct loop *loop;
        struct loop_message message;
        void (*run)(struct thread_task *task);  /* on a pool thread */
        void (*done)(struct thread_task *task); /* on the loop's thread */
};

/* Starts `threads` threads, one at least, that block every signal. At most `queue_limit` tasks wait. -EINVAL for no
 * thread, -EAGAIN when the system allows no more. */
int thread_pool_new(size_t threads, size_t queue_limit, struct thread_pool **ret_pool);

/* Takes NULL. Runs what is queued, then joins the threads. The loops of all submitters must still be there: `done` of the
 * last tasks runs in their next turn, or when they are freed. */
void thread_pool_free(struct thread_pool *pool);

/* The caller sets `run` and `done` before. Any thread that owns a loop. -EAGAIN when the queue is full: the task is still
 * the caller's. */
int thread_pool_submit(struct thread_pool *pool, struct loop *loop, struct thread_task *task);

/* Tasks that wait and tasks that run, for metrics; any thread. */
void thread_pool_depth(struct thread_pool *pool, size_t *ret_waiting, size_t *ret_running);
