/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a sealed file as the body of a response. Chunks are read and decrypted on the pool: one that is being sent,
 * and, once its first bytes went, the one after it. A fetch belongs to the pool from its start until its result is
 * delivered; the body can only forget it.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/exchange.h"
#include "http/worker.h"
#include "server/content/content_damage.h"
#include "server/content/content_sealed_private.h"
#include "shared/syscall.h"
#include "shared/thread_pool.h"

/* How long to wait where the pool's queue is full, or the memory for chunks is used up. */
#define RETRY_MSEC 20

struct sealed_body;

struct sealed_fetch {
        struct thread_task task;
        struct sealed_body *body; /* NULL: nobody waits any more */
        struct content *content;
        uint64_t index;
        int result;
        bool is_done;
        struct slice chunk;
        unsigned char record[SEALED_RECORD];
};

struct sealed_body {
        struct content_body base;
        struct http_body body;
        struct http_exchange *exchange;
        struct http_exchange_end end;
        uint64_t offset, left; /* what was not consumed yet */
        struct sealed_fetch *current, *next;
        struct timer retry;
        struct content_ready ready; /* ready.ready == NULL: nobody asked */
        bool is_waited_for;         /* the session was told -EAGAIN */
};

static struct sealed_account *account_of(const struct content *content) {
        return container_of(content, struct sealed_content, content)->account;
}

static void free_fetch(struct sealed_fetch *fetch) {
        __atomic_sub_fetch(&account_of(fetch->content)->fetches, 1, __ATOMIC_RELAXED);
        content_unref(fetch->content);
        free(fetch);
}

static void forget(struct sealed_fetch *fetch) {
        if (!fetch)
                return;
        fetch->body = NULL;
        if (fetch->is_done)
                free_fetch(fetch);
}

static void run(struct thread_task *task) {
        struct sealed_fetch *fetch = container_of(task, struct sealed_fetch, task);
        fetch->result = sealed_open_record(fetch->content, fetch->index, fetch->record, &fetch->chunk);
}

/* Whoever waits for the first bytes, or the session for more of them. */
static void tell(struct sealed_body *sealed, int result) {
        struct content_ready ready = sealed->ready;
        sealed->ready.ready = NULL;
        if (ready.ready) {
                ready.ready(&sealed->base, result, ready.userdata);
        } else if (sealed->is_waited_for) {
                sealed->is_waited_for = false;
                http_exchange_resume(sealed->exchange);
        }
}

static void done(struct thread_task *task) {
        struct sealed_fetch *fetch = container_of(task, struct sealed_fetch, task);
        fetch->is_done = true;
        if (!fetch->body)
                free_fetch(fetch);
        else if (fetch == fetch->body->current)
                tell(fetch->body, fetch->result);
}

static int start(struct sealed_body *sealed, uint64_t index, struct sealed_fetch **ret_fetch) {
        struct http_worker *worker = sealed->exchange->worker;
        struct sealed_account *account = account_of(sealed->base.content);
        if (__atomic_load_n(&account->fetches, __ATOMIC_RELAXED) >= SEALED_FETCHES_MAX)
                return -EAGAIN;
        struct sealed_fetch *fetch = malloc(sizeof(*fetch));
        if (!fetch)
                return -ENOMEM;
        __atomic_add_fetch(&account->fetches, 1, __ATOMIC_RELAXED);
        fetch->task = (struct thread_task) { .run = run, .done = done };
        fetch->body = sealed;
        fetch->content = content_ref(sealed->base.content);
        fetch->index = index;
        fetch->is_done = false;
        int r = thread_pool_submit(worker->services->pool, worker->loop, &fetch->task);
        if (r < 0) {
                free_fetch(fetch);
                return r;
        }
        *ret_fetch = fetch;
        return 0;
}

/* Starts to get the chunk that is to be sent next. The pool may be busy: then again a little later. */
static int start_current(struct sealed_body *sealed) {
        struct loop *loop = sealed->exchange->worker->loop;
        int r = start(sealed, sealed->offset / SEALED_CHUNK, &sealed->current);
        if (r == -EAGAIN) {
                loop_timer_start(loop, &sealed->retry, loop_now(loop) + RETRY_MSEC);
                r = 0;
        }
        return r;
}

static void on_retry(struct timer *timer, void *userdata) {
        struct sealed_body *sealed = userdata;
        (void) timer;
        int r = start_current(sealed);
        if (r < 0)
                tell(sealed, r);
}

static int peek(struct http_body *body, struct http_segment *ret_segment) {
        struct sealed_body *sealed = container_of(body, struct sealed_body, body);
        if (sealed->left == 0)
                return 0;
        if (!sealed->current && !timer_is_started(&sealed->retry)) {
                int r = start_current(sealed);
                if (r < 0)
                        return r;
        }
        if (!sealed->current || !sealed->current->is_done) {
                sealed->is_waited_for = true;
                return -EAGAIN;
        }
        if (sealed->current->result < 0) {
                content_damage_log(sealed->exchange, sealed->current->result, NULL);
                return sealed->current->result;
        }
        struct slice bytes = slice_from(sealed->current->chunk, sealed->offset % SEALED_CHUNK);
        *ret_segment = (struct http_segment) { .type = HTTP_SEGMENT_MEMORY,
                                               .length = MIN_OF((uint64_t) bytes.length, sealed->left),
                                               .data = bytes.data };
        return 1;
}

static void consume(struct http_body *body, uint64_t length) {
        struct sealed_body *sealed = container_of(body, struct sealed_body, body);
        uint64_t index = sealed->offset / SEALED_CHUNK;
        sealed->offset += length;
        sealed->left -= length;
        if (!sealed->next && sealed->left > 0 && (index + 1) * SEALED_CHUNK < sealed->offset + sealed->left)
                (void) start(sealed, index + 1, &sealed->next); /* else when it is its turn */
        if (sealed->offset / SEALED_CHUNK != index || sealed->left == 0) {
                forget(sealed->current);
                sealed->current = take_pointer(sealed->next);
        }
}

static const struct http_body_operations body_operations = { peek, consume };

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct sealed_body *sealed = container_of(end, struct sealed_body, end);
        loop_timer_stop(exchange->worker->loop, &sealed->retry);
        forget(sealed->current);
        forget(sealed->next);
        content_unref(sealed->base.content);
}

struct content_body *sealed_body(struct content *content, struct http_exchange *exchange, uint64_t offset,
                                 uint64_t length) {
        struct sealed_body *sealed = arena_alloc_zero(&exchange->arena, sizeof(*sealed));
        if (!sealed)
                return NULL;
        assert(length <= content->length && offset <= content->length - length);
        sealed->base = (struct content_body) { &sealed->body, content_ref(content) };
        sealed->body.operations = &body_operations;
        sealed->exchange = exchange;
        sealed->offset = offset;
        sealed->left = length;
        timer_init(&sealed->retry, on_retry, sealed);
        sealed->end.run = on_exchange_end;
        http_exchange_on_end(exchange, &sealed->end);
        return &sealed->base;
}

int sealed_prepare(struct content_body *body, struct content_ready ready) {
        struct sealed_body *sealed = container_of(body, struct sealed_body, base);
        if (sealed->left == 0)
                return 1;
        if (!sealed->current) {
                int r = start_current(sealed);
                if (r < 0)
                        return r;
        }
        if (sealed->current && sealed->current->is_done)
                return sealed->current->result < 0 ? sealed->current->result : 1;
        sealed->ready = ready;
        return 0;
}
