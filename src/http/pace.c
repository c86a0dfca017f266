/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets, and a body that is let through by them. The session sees a source that has nothing yet, as it does with any other
 * that waits: so back-pressure, clocks and both protocols need to know nothing of rates. */
#include "http/pace.h"

#include <errno.h>

#include "http/exchange.h"
#include "http/worker.h"
#include "shared/quantity.h"
#include "shared/syscall.h"

#define NSEC_PER_USEC 1000
#define NSEC_PER_SEC UINT64_C(1000000000)

/* Rate by which a burst is measured, and the least bytes that are worth waking up for. */
#define BURSTS_PER_SEC 4
#define STEPS_PER_SEC 20
#define STEP_MAX (64u << 10)

/* Bytes at a time: the product with NSEC_PER_SEC fits. */
#define SEGMENT_MAX (1u << 30)

static uint64_t cost(const struct http_pace *pace, uint64_t bytes) {
        return (bytes * NSEC_PER_SEC + pace->rate - 1) / pace->rate;
}

static uint64_t between(uint64_t least, uint64_t number, uint64_t most) {
        return number < least ? least : MIN_OF(number, most);
}

void http_pace_init(struct http_pace *pace, uint64_t rate) {
        rate = between(1, rate, HTTP_PACE_RATE_MAX);
        *pace = (struct http_pace) { .rate = rate, .burst = between(1, rate / BURSTS_PER_SEC, SEGMENT_MAX) };
}

uint64_t http_pace_available(const struct http_pace *pace, uint64_t now) {
        uint64_t full_at = __atomic_load_n(&pace->full_at, __ATOMIC_RELAXED), now_nsec = now * NSEC_PER_USEC;
        if (full_at <= now_nsec)
                return pace->burst;
        uint64_t lacking = full_at - now_nsec;
        if (lacking >= cost(pace, pace->burst))
                return 0;
        /* The lack is less than a burst's time, so that the product fits. */
        uint64_t missing = (uint64_t) (((unsigned __int128) lacking * pace->rate + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
        return pace->burst > missing ? pace->burst - missing : 0;
}

void http_pace_take(struct http_pace *pace, uint64_t bytes, uint64_t now) {
        uint64_t before = __atomic_load_n(&pace->full_at, __ATOMIC_RELAXED), after;
        do {
                after = MAX_OF(before, now * NSEC_PER_USEC) + cost(pace, bytes);
        } while (!__atomic_compare_exchange_n(&pace->full_at, &before, after, true, __ATOMIC_RELAXED,
                                              __ATOMIC_RELAXED));
}

uint64_t http_pace_wait(const struct http_pace *pace, uint64_t bytes, uint64_t now) {
        uint64_t full_at = __atomic_load_n(&pace->full_at, __ATOMIC_RELAXED);
        uint64_t may_lack = cost(pace, pace->burst - MIN_OF(bytes, pace->burst));
        uint64_t at = full_at > may_lack ? full_at - may_lack : 0;
        return at <= now * NSEC_PER_USEC ? 0 : (at - now * NSEC_PER_USEC + NSEC_PER_USEC - 1) / NSEC_PER_USEC;
}

struct paced_body {
        struct http_body body;
        struct http_body *source;
        struct http_exchange *exchange;
        struct http_exchange_end end;
        struct timer timer;
        struct http_pace own;
        struct http_pace *paces[2];
        unsigned pace_count;
};

/* What is worth sending: waking up for each byte is not. */
static uint64_t step_of(const struct http_pace *pace, uint64_t length) {
        return MIN_OF(between(1, pace->rate / STEPS_PER_SEC, STEP_MAX), length);
}

static void on_time(struct timer *timer, void *userdata) {
        struct paced_body *paced = userdata;
        (void) timer;
        http_exchange_resume(paced->exchange);
}

static int peek(struct http_body *body, struct http_segment *ret_segment) {
        struct paced_body *paced = container_of(body, struct paced_body, body);
        struct loop *loop = paced->exchange->worker->loop;
        uint64_t now = loop_now_usec(loop), wait = 0;
        if (timer_is_started(&paced->timer))
                return -EAGAIN;
        struct http_segment segment;
        int r = paced->source->operations->peek(paced->source, &segment);
        if (r <= 0)
                return r;
        segment.length = MIN_OF(segment.length, (uint64_t) SEGMENT_MAX);
        for (unsigned i = 0; i < paced->pace_count; i++)
                wait = MAX_OF(wait, http_pace_wait(paced->paces[i], step_of(paced->paces[i], segment.length), now));
        if (wait > 0) {
                loop_timer_start(loop, &paced->timer, loop_now(loop) + (wait + 999) / 1000);
                return -EAGAIN;
        }
        for (unsigned i = 0; i < paced->pace_count; i++)
                segment.length = between(1, http_pace_available(paced->paces[i], now), segment.length);
        *ret_segment = segment;
        return 1;
}

static void consume(struct http_body *body, uint64_t length) {
        struct paced_body *paced = container_of(body, struct paced_body, body);
        uint64_t now = loop_now_usec(paced->exchange->worker->loop);
        for (unsigned i = 0; i < paced->pace_count; i++)
                http_pace_take(paced->paces[i], length, now);
        paced->source->operations->consume(paced->source, length);
}

static const struct http_body_operations operations = { peek, consume };

static void on_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        loop_timer_stop(exchange->worker->loop, &container_of(end, struct paced_body, end)->timer);
}

int http_exchange_pace(struct http_exchange *exchange, uint64_t rate, struct http_pace *shared) {
        if (!exchange->response.body || (rate == QUANTITY_INFINITY && !shared))
                return 0;
        struct paced_body *paced = arena_alloc_zero(&exchange->arena, sizeof(*paced));
        if (!paced)
                return -ENOMEM;
        paced->body.operations = &operations;
        paced->source = exchange->response.body;
        paced->exchange = exchange;
        if (rate != QUANTITY_INFINITY) {
                http_pace_init(&paced->own, rate);
                paced->paces[paced->pace_count++] = &paced->own;
        }
        if (shared)
                paced->paces[paced->pace_count++] = shared;
        timer_init(&paced->timer, on_time, paced);
        paced->end.run = on_end;
        http_exchange_on_end(exchange, &paced->end);
        exchange->response.body = &paced->body;
        return 0;
}
