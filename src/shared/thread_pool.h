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

/* Starts `threads` threads that block every signal. At most `queue_limit` tasks wait. */
int thread_pool_new(size_t threads, size_t queue_limit, struct thread_pool **ret_pool);

/* Runs what is queued, then joins the threads. The loops of all submitters must still be there. */
void thread_pool_free(struct thread_pool *pool);

/* -EAGAIN when the queue is full: the task is still the caller's. */
int thread_pool_submit(struct thread_pool *pool, struct loop *loop, struct thread_task *task);

/* Tasks that wait and tasks that run, for metrics; any thread. */
void thread_pool_depth(struct thread_pool *pool, size_t *ret_waiting, size_t *ret_running);
