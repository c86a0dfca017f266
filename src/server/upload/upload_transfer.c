/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over between a body on the loop and its writer on the pool.
 *
 * When a body does not come whole, what was written of it is aborted exactly once: by the pool when a step is under way
 * (it sees HAND_ABANDONED at its end), otherwise by a task of its own. `hand` decides which, since the end of a step and
 * the loss of a connection may come at the same moment.
 */
#include "server/upload/upload_transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/worker.h"
#include "shared/buffer.h"

enum hand {
        HAND_IDLE,
        HAND_RUNNING,
        HAND_ABANDONED,
};

struct transfer_end {
        struct http_exchange_end end;
        struct upload_transfer *transfer;
};

/* Gives back what `tasks` counts: a task, or a callback of ours that is not left yet, since an answer may end the exchange
 * before it returns. */
static void release(struct upload_transfer *transfer) {
        transfer->tasks--;
        if (transfer->exchange || transfer->tasks > 0)
                return;
        struct worker_generation *generation = transfer->generation;
        free(transfer->filling);
        free(transfer->writing);
        transfer->operations->free(transfer);
        worker_generation_unref(generation); /* perhaps the last */
}

static int take_step(struct upload_transfer *transfer) {
        const struct upload_transfer_operations *operations = transfer->operations;
        int r = 0;
        switch (transfer->step) {
        case UPLOAD_STEP_OPEN:
                return operations->open(transfer);
        case UPLOAD_STEP_WRITE:
                return operations->write(transfer,
                                         (struct slice) { transfer->writing->data, transfer->writing->length });
        case UPLOAD_STEP_FINISH:
                if (transfer->writing)
                        r = operations->write(transfer,
                                              (struct slice) { transfer->writing->data, transfer->writing->length });
                return r < 0 ? r : operations->finish(transfer);
        }
        return -ECANCELED;
}

/* The loop does not touch the buffers any more. */
static void give_up(struct upload_transfer *transfer) {
        struct upload_buffer *rest = transfer->filling;
        if (transfer->operations->keeps_rest && transfer->fault.cause == CAUSE_NONE && rest && rest->length > 0)
                (void) transfer->operations->write(transfer, (struct slice) { rest->data, rest->length });
        transfer->operations->abort(transfer);
}

static void run_step(struct thread_task *task) {
        struct upload_transfer *transfer = container_of(task, struct upload_transfer, task);
        transfer->result = take_step(transfer);
        if (transfer->result < 0)
                transfer->operations->abort(transfer);
        int running = HAND_RUNNING;
        if (!atomic_compare_exchange_strong(&transfer->hand, &running, HAND_IDLE) && transfer->result >= 0)
                give_up(transfer);
}

/* The process ends before the step was begun. */
static void cancel_step(struct thread_task *task) {
        struct upload_transfer *transfer = container_of(task, struct upload_transfer, task);
        transfer->result = task->result;
        transfer->operations->abort(transfer);
}

static void run_last(struct thread_task *task) {
        give_up(container_of(task, struct upload_transfer, last));
}

static void last_done(struct thread_task *task) {
        struct upload_transfer *transfer = container_of(task, struct upload_transfer, last);
        release(transfer);
}

static int submit(struct upload_transfer *transfer, struct thread_task *task) {
        int r = thread_pool_submit(transfer->worker->services->writers, transfer->worker->loop, task);
        transfer->tasks += r >= 0;
        return r;
}

/* The body does not come whole. */
static void abandon(struct upload_transfer *transfer) {
        if (transfer->is_over || transfer->is_abandoned)
                return;
        transfer->is_abandoned = true;
        int running = HAND_RUNNING;
        if (transfer->is_under_way && atomic_compare_exchange_strong(&transfer->hand, &running, HAND_ABANDONED))
                return;
        if (submit(transfer, &transfer->last) < 0)
                give_up(transfer); /* thousands wait: rather a moment of this worker than a file that is left over */
}

static int begin_step(struct upload_transfer *transfer, enum upload_step step) {
        transfer->step = step;
        atomic_store(&transfer->hand, HAND_RUNNING);
        int r = submit(transfer, &transfer->task);
        transfer->is_under_way = r >= 0;
        return r;
}

/* Both ends of a failure: what was written goes, and the client is told. */
static void fail(struct upload_transfer *transfer, enum cause cause, const char *detail) {
        abandon(transfer);
        transfer->is_over = true;
        struct http_exchange *exchange = transfer->exchange;
        if (!exchange->is_responded)
                http_exchange_fail(exchange, cause, detail);
}

static bool is_full(const struct upload_buffer *buffer) {
        return buffer && buffer->capacity - buffer->length < BUFFER_SIZE;
}

/* Goes on with what there is to do, when nothing is under way. */
static void go_on(struct upload_transfer *transfer) {
        if (transfer->is_under_way || transfer->is_over || !(transfer->is_whole || is_full(transfer->filling)))
                return;
        struct upload_buffer *empty = transfer->writing;
        transfer->writing = transfer->filling;
        transfer->filling = empty;
        if (empty)
                empty->length = 0;
        if (begin_step(transfer, transfer->is_whole ? UPLOAD_STEP_FINISH : UPLOAD_STEP_WRITE) < 0)
                fail(transfer, CAUSE_OVERLOADED, "the queue of the threads that write is full");
}

/* Room for what the body may still have, as far as that is known, and for a whole slice more. */
static struct upload_buffer *new_buffer(const struct upload_transfer *transfer) {
        int64_t length = transfer->exchange->request.content_length;
        size_t capacity = UPLOAD_BUFFER_SIZE;
        if (length >= 0 && (uint64_t) length < UPLOAD_BUFFER_SIZE)
                capacity = (size_t) length;
        capacity += BUFFER_SIZE;
        struct upload_buffer *buffer = malloc(sizeof(*buffer) + capacity);
        if (buffer)
                *buffer = (struct upload_buffer) { .capacity = capacity };
        return buffer;
}

static int append(struct upload_transfer *transfer, struct slice bytes) {
        if (!transfer->filling)
                transfer->filling = new_buffer(transfer);
        struct upload_buffer *buffer = transfer->filling;
        if (!buffer)
                return -ENOMEM;
        if (bytes.length > buffer->capacity - buffer->length) {
                size_t capacity = buffer->length + bytes.length + BUFFER_SIZE;
                buffer = realloc(buffer, sizeof(*buffer) + capacity);
                if (!buffer)
                        return -ENOMEM;
                buffer->capacity = capacity;
                transfer->filling = buffer;
        }
        memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
        buffer->length += bytes.length;
        return 0;
}

static int on_data(struct http_exchange *exchange, struct slice bytes, void *userdata) {
        struct upload_transfer *transfer = userdata;
        (void) exchange;
        if (transfer->is_over || transfer->is_abandoned)
                return 0;
        transfer->tasks++;
        if (append(transfer, bytes) < 0)
                fail(transfer, CAUSE_OUT_OF_MEMORY, "no memory for a buffer of the upload");
        go_on(transfer);
        bool is_paused = !transfer->is_over && is_full(transfer->filling);
        transfer->is_paused = is_paused;
        release(transfer);
        return is_paused ? -EAGAIN : 0;
}

static void on_end(struct http_exchange *exchange, void *userdata) {
        struct upload_transfer *transfer = userdata;
        (void) exchange;
        transfer->is_whole = true;
        transfer->tasks++;
        if (!transfer->is_abandoned)
                go_on(transfer);
        release(transfer);
}

static void on_abort(struct http_exchange *exchange, enum cause cause, void *userdata) {
        (void) exchange;
        (void) cause;
        abandon(userdata);
}

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct upload_transfer *transfer = container_of(end, struct transfer_end, end)->transfer;
        (void) exchange;
        transfer->tasks++;
        abandon(transfer);
        transfer->exchange = NULL;
        release(transfer);
}

static void read_body(struct upload_transfer *transfer) {
        if (!transfer->exchange->request.has_body) {
                transfer->is_whole = true;
                go_on(transfer);
                return;
        }
        http_exchange_read_body(transfer->exchange, (struct http_body_reader) { on_data, on_end, on_abort, transfer });
}

/* What follows on a step, while there is somebody to answer. */
static void follow(struct upload_transfer *transfer) {
        if (transfer->result < 0 || transfer->step == UPLOAD_STEP_FINISH || !transfer->operations->write) {
                transfer->is_over = true;
                if (!transfer->exchange->is_responded)
                        transfer->operations->done(transfer);
                return;
        }
        if (transfer->step == UPLOAD_STEP_OPEN) {
                read_body(transfer);
                return;
        }
        go_on(transfer);
        if (transfer->exchange && !transfer->is_over && transfer->is_paused && !is_full(transfer->filling)) {
                transfer->is_paused = false;
                http_exchange_resume(transfer->exchange);
        }
}

static void step_done(struct thread_task *task) {
        struct upload_transfer *transfer = container_of(task, struct upload_transfer, task);
        transfer->is_under_way = false;
        if (!transfer->is_abandoned && transfer->exchange)
                follow(transfer);
        release(transfer);
}

int upload_transfer_start(struct upload_transfer *transfer, const struct upload_transfer_operations *operations,
                          struct http_exchange *exchange) {
        struct transfer_end *end = arena_alloc(&exchange->arena, sizeof(*end));
        transfer->operations = operations;
        transfer->worker = exchange->worker;
        transfer->task = (struct thread_task) { .run = run_step, .cancel = cancel_step, .done = step_done };
        transfer->last = (struct thread_task) { .run = run_last, .cancel = run_last, .done = last_done };
        int r = end ? begin_step(transfer, UPLOAD_STEP_OPEN) : -ENOMEM;
        if (r < 0) {
                operations->free(transfer);
                return r;
        }
        transfer->exchange = exchange;
        transfer->generation = worker_generation_ref(exchange->generation);
        *end = (struct transfer_end) { .end.run = on_exchange_end, .transfer = transfer };
        http_exchange_on_end(exchange, &end->end);
        return 0;
}
