/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include "http/exchange.h"
#include "server/upload/upload_fault.h"
#include "shared/thread_pool.h"

/*
 * Carries the body of a request to whoever writes it, on the thread pool, without ever making the loop wait.
 *
 * The bytes are gathered in two buffers of UPLOAD_BUFFER_SIZE: one fills up while the other is written; when both are
 * full the client has to wait. Of the functions below that run on the pool one runs at a time, in the order of the body.
 * A transfer outlives its exchange when the client goes away while the pool is at work.
 */
#define UPLOAD_BUFFER_SIZE (256u << 10)

struct upload_transfer;

struct upload_transfer_operations {
        /* On the pool: before the body is asked for; with bytes of it; once it is whole. A negative result ends it, with the
         * transfer's fault set; `abort` has then run already. Without `write` there is nothing to do after `open`, and the body
         * does not matter. */
        int (*open)(struct upload_transfer *transfer);
        int (*write)(struct upload_transfer *transfer, struct slice bytes);
        int (*finish)(struct upload_transfer *transfer);

        /* On the pool: gives up what is not finished. Also when there is nothing. */
        void (*abort)(struct upload_transfer *transfer);

        /* On the loop: answers the exchange, which is still there, unless the session had to answer before. */
        void (*done)(struct upload_transfer *transfer);

        /* On the loop: frees what embeds the transfer. */
        void (*free)(struct upload_transfer *transfer);

        bool keeps_rest; /* what has come of a body that ends too early is written before `abort` */
};

struct upload_buffer {
        size_t length, capacity; /* bytes */
        char data[];
};

enum upload_step {
        UPLOAD_STEP_OPEN,
        UPLOAD_STEP_WRITE,
        UPLOAD_STEP_FINISH,
};

struct upload_transfer {
        const struct upload_transfer_operations *operations;
        struct http_exchange *exchange; /* NULL once it has ended; the loop's */
        struct upload_fault fault;      /* the pool's while a step is under way */
        /* The rest is the transfer's. */
        struct http_worker *worker;
        struct worker_generation *generation; /* a reference */
        struct thread_task task, last;
        unsigned tasks;        /* under way, and callbacks that are not left yet */
        enum upload_step step; /* under way, or the last one that was */
        bool is_under_way;
        bool is_whole; /* the body */
        bool is_paused, is_abandoned;
        bool is_over; /* all that was to be done is */
        int result;
        _Atomic int hand; /* between the loop and the pool: who aborts */
        struct upload_buffer *filling, *writing;
};

/* Begins with `open`. Takes the transfer, which is all zero but for what the caller keeps in it: it is freed by its
 * operations, also when this fails (-EAGAIN, -ENOMEM): then nothing else of it is called. */
int upload_transfer_start(struct upload_transfer *transfer, const struct upload_transfer_operations *operations,
                          struct http_exchange *exchange);
