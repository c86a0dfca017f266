/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an exchange: begun by a session, answered by a handler, finished once: logged, counted, and all that was
 * attached given back, in that order, since the log reads views that the attached objects may hold. */
#include "http/exchange.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "http/access_log.h"
#include "http/connection.h"
#include "http/engine_metrics.h"
#include "http/listener.h"
#include "http/problem.h"
#include "http/status.h"

/* Bytes of a file that are looked at in one go, and fetched if need be. */
#define RESIDENT_MAX (1u << 20)

void http_exchange_respond(struct http_exchange *exchange) {
        assert(!exchange->is_responded);
        exchange->is_responded = true;
        /* One that begins while the worker stops would hear of it no more. */
        if (exchange->on_drain && exchange->worker->is_draining)
                exchange->on_drain(exchange);
        exchange->operations->respond(exchange);
}

void http_exchange_fail(struct http_exchange *exchange, enum cause cause, const char *detail) {
        const struct http_application *application = exchange->generation->shared->application;

        exchange->detail = detail;
        exchange->response.cause = cause;
        if (application->on_failure && application->on_failure(exchange, cause))
                return;
        http_problem_prepare(exchange, cause);
        http_exchange_respond(exchange);
}

void http_exchange_abort_body(struct http_exchange *exchange, enum cause cause, const char *detail) {
        struct http_body_reader reader = exchange->reader;
        exchange->reader = (struct http_body_reader) { 0 };
        if (exchange->is_responded) {
                exchange->response.cause = cause;
                exchange->detail = detail;
        }
        if (reader.on_data && reader.on_abort)
                reader.on_abort(exchange, cause, reader.userdata);
        if (!exchange->is_responded)
                http_exchange_fail(exchange, cause, detail);
}

void http_exchange_open_tunnel(struct http_exchange *exchange, void (*on_drain)(struct http_exchange *),
                               struct http_body_reader reader) {
        exchange->on_drain = on_drain;
        exchange->reader = reader;
        exchange->response.status = 101;
        exchange->response.content_length = -1;
        exchange->response.is_tunnel = true;
        http_exchange_respond(exchange);
}

void http_exchange_resume(struct http_exchange *exchange) {
        exchange->operations->resume(exchange);
}

void http_exchange_read_body(struct http_exchange *exchange, struct http_body_reader reader) {
        exchange->reader = reader;
        exchange->operations->read_body(exchange);
}

void http_exchange_on_end(struct http_exchange *exchange, struct http_exchange_end *end) {
        end->next = exchange->ends;
        exchange->ends = end;
}

void http_exchange_send_hints(struct http_exchange *exchange) {
        struct http_response *response = &exchange->response;
        if (response->extra_count > 0)
                exchange->operations->inform(exchange, 103);
        response->extra_count = 0;
}

static void on_fetched(void *userdata) {
        struct http_exchange *exchange = userdata;
        exchange->fetch = NULL;
        http_exchange_resume(exchange);
}

/* What was in memory, or has been read there, is not looked at again: it is sent even if it is out of memory by then, so that a
 * body goes on however little memory there is. */
static int make_resident(struct http_exchange *exchange, struct http_segment *segment) {
        struct file_range *resident = &exchange->resident;
        struct http_worker *worker = exchange->worker;
        const struct http_services *services = worker->services;
        if (segment->fd != resident->fd || segment->offset < resident->start || segment->offset >= resident->end) {
                size_t length = (size_t) MIN_OF(segment->length, (uint64_t) RESIDENT_MAX);
                *resident = (struct file_range) { segment->fd, segment->offset, segment->offset + length };
                if (services->pool &&
                    !file_range_is_resident(&worker->residency, loop_now(worker->loop), segment->fd, segment->offset,
                                            length) &&
                    file_fetch_start(services->pool, worker->loop, segment->fd, segment->offset, length, on_fetched,
                                     exchange, &exchange->fetch) >= 0) {
                        metrics_increment(worker->metrics, services->ids->disk_reads);
                        return -EAGAIN;
                }
        }
        segment->length = MIN_OF(segment->length, resident->end - segment->offset);
        return 1;
}

int http_exchange_peek(struct http_exchange *exchange, struct http_segment *ret_segment) {
        struct http_body *body = exchange->response.body;
        if (exchange->fetch)
                return -EAGAIN;
        int r = body->operations->peek(body, ret_segment);
        return r > 0 && ret_segment->type == HTTP_SEGMENT_FILE ? make_resident(exchange, ret_segment) : r;
}

const char *http_exchange_peer(struct http_exchange *exchange) {
        char *text = arena_alloc(&exchange->arena, HTTP_PEER_TEXT_MAX);
        if (!text)
                return "unknown";
        http_peer_text(&exchange->connection->peer, text);
        return text;
}

int http_exchange_peer_credentials(struct http_exchange *exchange, struct peer_credentials *ret_peer) {
        return peer_credentials_get(exchange->connection->transport->fd, &exchange->arena, ret_peer);
}

const struct http_listener_settings *http_exchange_listener(const struct http_exchange *exchange) {
        return &exchange->generation->shared->listeners[exchange->connection->listener->index];
}

struct http_exchange *http_exchange_begin(struct http_connection *connection,
                                          const struct http_exchange_operations *operations) {
        struct http_worker *worker = connection->worker;
        struct http_exchange *exchange = http_worker_get_exchange(worker);
        if (!exchange)
                return NULL;
        exchange->operations = operations;
        exchange->worker = worker;
        exchange->connection = connection;
        exchange->generation = worker_generation_ref(worker->generation);
        exchange->id = worker->next_id++;
        exchange->started_usec = loop_now_usec(worker->loop);
        return exchange;
}

static void count(const struct http_exchange *exchange, uint64_t duration) {
        struct metrics_shard *shard = exchange->worker->metrics;
        const struct http_engine_metrics *ids = exchange->worker->services->ids;
        unsigned class = exchange->is_responded ? (unsigned) exchange->response.status / 100 : 0;

        metrics_increment(shard, ids->requests[class < ELEMENTS_OF(ids->requests) ? class : 5]);
        if (exchange->response.cause != CAUSE_NONE)
                metrics_increment(shard, ids->causes[exchange->response.cause]);
        metrics_observe(shard, ids->duration, duration);
        metrics_add_to(shard, ids->sent_bytes, exchange->body_sent);
        if (exchange->body_received > 0)
                metrics_add_to(shard, ids->received_bytes, exchange->body_received);
}

/* The loop reads its clock once a turn, which is enough for metrics; an entry of the log has the time within the turn. */
static uint64_t elapsed(const struct http_exchange *exchange) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000 - exchange->started_usec;
}

void http_exchange_finish(struct http_exchange *exchange) {
        struct http_worker *worker = exchange->worker;
        uint64_t duration = loop_now_usec(worker->loop) - exchange->started_usec;

        count(exchange, duration);
        struct access_log *access_log = exchange->generation->shared->access_log;
        if (access_log && !exchange->is_refused)
                access_log_exchange(access_log, exchange, elapsed(exchange));

        if (exchange->is_charged)
                client_account_release(exchange->connection->client, CLIENT_REQUESTS, 1);
        file_fetch_cancel(exchange->fetch);
        while (exchange->ends) {
                struct http_exchange_end *end = exchange->ends;
                exchange->ends = end->next;
                end->run(end, exchange);
        }
        worker_generation_unref(exchange->generation);
        http_worker_put_exchange(worker, exchange);
}

void http_exchange_handle(struct http_exchange *exchange) {
        if (http_connection_charge(exchange->connection, CLIENT_REQUESTS, 1) < 0) {
                http_connection_log_refusal(exchange->connection, CAUSE_TOO_MANY_REQUESTS, NULL);
                exchange->is_refused = true;
                http_exchange_fail(exchange, CAUSE_TOO_MANY_REQUESTS, NULL);
                return;
        }
        exchange->is_charged = true;
        exchange->generation->shared->application->on_request(exchange);
}

void http_exchange_discard(struct http_exchange *exchange) {
        worker_generation_unref(exchange->generation);
        http_worker_put_exchange(exchange->worker, exchange);
}
