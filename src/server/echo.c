/* SPDX-License-Identifier: Apache-2.0 */
/* The echo endpoint. What a client does not take is bounded by the queues beneath: a message that finds no room waits, and with
 * it the reading of the next one. */
#include "server/echo.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/event_stream.h"
#include "http/websocket/websocket.h"
#include "http/worker.h"
#include "shared/quantity.h"

#define SECOND_MSEC 1000

static void on_message(struct websocket *websocket, bool is_text, struct slice message, void *userdata) {
        (void) userdata;
        if (websocket_send(websocket, is_text, message) == -ENOMEM)
                websocket_close(websocket, WEBSOCKET_INTERNAL_ERROR, SLICE_NULL);
}

static const struct websocket_handler websocket_handler = { .on_message = on_message };

/* Counts seconds. */
struct clock {
        struct http_exchange_end end;
        struct timer timer;
        struct loop *loop;
        struct event_stream *stream;
        uint64_t count;
};

static void on_second(struct timer *timer, void *userdata) {
        struct clock *clock = userdata;
        char text[24];
        clock->count++;
        struct slice count = { text, (size_t) snprintf(text, sizeof(text), "%llu", (unsigned long long) clock->count) };
        (void) event_stream_send(clock->stream, count, SLICE_LITERAL("second"), count);
        loop_timer_start(clock->loop, timer, loop_now(clock->loop) + SECOND_MSEC);
}

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) exchange;
        struct clock *clock = container_of(end, struct clock, end);
        loop_timer_stop(clock->loop, &clock->timer);
}

static uint64_t parse_count(struct slice id) {
        uint64_t count = 0;
        for (size_t i = 0; i < id.length && id.data[i] >= '0' && id.data[i] <= '9' && i < 18; i++)
                count = count * 10 + (unsigned) (id.data[i] - '0');
        return count;
}

static void count_seconds(struct http_exchange *exchange) {
        static const struct event_stream_handler handler = { 0 };
        const struct event_stream_options options = { .handler = &handler, .retry = SECOND_MSEC };
        struct clock *clock = arena_alloc_zero(&exchange->arena, sizeof(*clock));
        if (!clock) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        clock->loop = exchange->worker->loop;
        clock->count = parse_count(event_stream_last_id(&exchange->request));
        clock->end.run = on_exchange_end;
        timer_init(&clock->timer, on_second, clock);
        http_exchange_on_end(exchange, &clock->end);
        clock->stream = event_stream_open(exchange, &options);
        if (clock->stream)
                loop_timer_start(clock->loop, &clock->timer, loop_now(clock->loop) + SECOND_MSEC);
}

void echo_answer(struct http_exchange *exchange) {
        static const struct websocket_options options = { .handler = &websocket_handler, .any_origin = false };
        if (event_stream_is_wanted(&exchange->request))
                count_seconds(exchange);
        else
                (void) websocket_accept(exchange, &options);
}
