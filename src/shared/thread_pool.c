/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the threads and a queue under one mutex; each task belongs to the pool from submit until its message is posted to
 * the submitter's loop. The counts for metrics are kept under the same mutex. */
#include "shared/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/syscall.h"

struct thread_pool {
        pthread_mutex_t lock;
        pthread_cond_t work; /* a task came, or the end */
        struct list queue;
        size_t queue_limit, waiting, running;
        uint64_t taken, refused;
        atomic_bool is_ending; /* set under the lock, for the waiting threads; read without it by long tasks */
        char name[16];
        size_t thread_count;
        pthread_t threads[];
};

static void deliver_done(struct loop_message *message, void *userdata) {
        struct thread_task *task = userdata;
        task->done(task);
}

/* The next task, counted as running; NULL at the end, when those that still wait are for the canceller. */
static struct thread_task *take_task(struct thread_pool *pool) {
        struct thread_task *task = NULL;
        pthread_mutex_lock(&pool->lock);
        while (list_is_empty(&pool->queue) && !pool->is_ending)
                pthread_cond_wait(&pool->work, &pool->lock);
        if (!pool->is_ending) {
                task = list_entry(pool->queue.next, struct thread_task, link);
                list_remove(&task->link);
                pool->waiting--;
                pool->running++;
        }
        pthread_mutex_unlock(&pool->lock);
        return task;
}

static void *run_tasks(void *userdata) {
        struct thread_pool *pool = userdata;
        for (struct thread_task *task; (task = take_task(pool));) {
                task->run(task);
                pthread_mutex_lock(&pool->lock);
                pool->running--;
                pthread_mutex_unlock(&pool->lock);
                loop_post(task->loop, &task->message);
        }
        return NULL;
}

/* Threads inherit the signal mask: with all blocked while they are made, no signal is ever delivered to one. */
static int start_threads(struct thread_pool *pool, size_t count) {
        sigset_t all, before;
        sigfillset(&all);
        int r = pthread_sigmask(SIG_SETMASK, &all, &before);
        while (r == 0 && pool->thread_count < count) {
                r = pthread_create(&pool->threads[pool->thread_count], NULL, run_tasks, pool);
                if (r == 0)
                        (void) pthread_setname_np(pool->threads[pool->thread_count++], pool->name);
        }
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int thread_pool_new(const char *name, size_t threads, size_t queue_limit, struct thread_pool **ret_pool) {
        if (threads == 0)
                return -EINVAL;
        struct thread_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
        if (!pool)
                return -ENOMEM;
        pthread_mutex_init(&pool->lock, NULL); /* neither can fail with these attributes */
        pthread_cond_init(&pool->work, NULL);
        list_init(&pool->queue);
        pool->queue_limit = queue_limit;
        (void) snprintf(pool->name, sizeof(pool->name), "%s", name);

        int r = start_threads(pool, threads);
        if (r < 0) {
                thread_pool_free(pool);
                return r;
        }
        *ret_pool = pool;
        return 0;
}

/* Nobody takes from the queue any more. */
static void cancel_waiting(struct thread_pool *pool) {
        while (!list_is_empty(&pool->queue)) {
                struct thread_task *task = list_entry(pool->queue.next, struct thread_task, link);
                list_remove(&task->link);
                task->result = -ECANCELED;
                if (task->cancel)
                        task->cancel(task);
                loop_post(task->loop, &task->message);
        }
}

void thread_pool_free(struct thread_pool *pool) {
        if (!pool)
                return;
        pthread_mutex_lock(&pool->lock);
        pool->is_ending = true;
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->lock);
        for (size_t i = 0; i < pool->thread_count; i++)
                (void) pthread_join(pool->threads[i], NULL);
        cancel_waiting(pool);
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->lock);
        free(pool);
}

int thread_pool_submit(struct thread_pool *pool, struct loop *loop, struct thread_task *task) {
        task->loop = loop;
        task->stop = &pool->is_ending;
        task->result = 0;
        task->message = (struct loop_message) { .deliver = deliver_done, .userdata = task };

        pthread_mutex_lock(&pool->lock);
        bool has_room = pool->waiting < pool->queue_limit;
        if (has_room) {
                list_append(&pool->queue, &task->link);
                pool->waiting++;
                pool->taken++;
        } else {
                pool->refused++;
        }
        pthread_mutex_unlock(&pool->lock);
        if (!has_room)
                return -EAGAIN;
        pthread_cond_signal(&pool->work);
        return 0;
}

struct thread_pool_figures thread_pool_figures(struct thread_pool *pool) {
        pthread_mutex_lock(&pool->lock);
        struct thread_pool_figures figures = { pool->waiting, pool->running, pool->taken, pool->refused };
        pthread_mutex_unlock(&pool->lock);
        return figures;
}
