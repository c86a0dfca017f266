/* SPDX-License-Identifier: Apache-2.0 */
/* Lends what connections need: memory, the date, a handle on the configuration. Runs on the worker's one thread. */
#include "http/worker.h"

#include <stdlib.h>
#include <string.h>

#include "http/date.h"
#include "http/exchange.h"

#define EXCHANGES_KEPT 256 /* one HTTP/2 connection may have half as many under way */
#define BUFFERS_KEPT 64
#define BLOCKS_KEPT (1u << 20)
#define ARENA_LIMIT (1u << 20)

static void free_exchange(struct http_exchange *exchange) {
        arena_done(&exchange->arena);
        free(exchange);
}

void http_worker_init_stock(struct http_worker *worker) {
        buffer_pool_init(&worker->buffers, BUFFERS_KEPT);
        block_pool_init(&worker->blocks, BLOCKS_KEPT);
}

void http_worker_free_stock(struct http_worker *worker) {
        while (worker->free_exchanges) {
                struct http_exchange *exchange = worker->free_exchanges;
                worker->free_exchanges = exchange->next_free;
                free_exchange(exchange);
        }
        buffer_pool_done(&worker->buffers);
        block_pool_done(&worker->blocks);
}

struct slice http_worker_date_line(struct http_worker *worker) {
        static const char name[] = "Date: ";
        time_t now = loop_realtime(worker->loop);
        if (now != worker->date_second) {
                char *at = worker->date_line;
                memcpy(at, name, sizeof(name) - 1);
                at += sizeof(name) - 1;
                http_date_format(now, at);
                memcpy(at + HTTP_DATE_LENGTH, "\r\n", 2);
                worker->date_second = now;
        }
        return (struct slice) { worker->date_line, sizeof(name) - 1 + HTTP_DATE_LENGTH + 2 };
}

struct http_exchange *http_worker_get_exchange(struct http_worker *worker) {
        struct http_exchange *exchange = worker->free_exchanges;
        if (!exchange) {
                exchange = calloc(1, sizeof(*exchange));
                if (exchange)
                        arena_init(&exchange->arena, ARENA_LIMIT);
                return exchange;
        }
        worker->free_exchanges = exchange->next_free;
        worker->free_exchange_count--;
        memset(exchange, 0, offsetof(struct http_exchange, arena));
        return exchange;
}

void http_worker_put_exchange(struct http_worker *worker, struct http_exchange *exchange) {
        if (worker->free_exchange_count >= EXCHANGES_KEPT) {
                free_exchange(exchange);
                return;
        }
        arena_reset(&exchange->arena);
        exchange->next_free = worker->free_exchanges;
        worker->free_exchanges = exchange;
        worker->free_exchange_count++;
}

struct worker_generation *worker_generation_ref(struct worker_generation *generation) {
        generation->references++;
        return generation;
}

void worker_generation_unref(struct worker_generation *generation) {
        if (--generation->references > 0)
                return;
        const struct http_application *application = generation->shared->application;
        if (application->detach)
                application->detach(generation->worker, generation->state);
        http_generation_unref(generation->shared, generation->worker->log);
        free(generation);
}
