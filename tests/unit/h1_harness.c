/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the worker, its client and the application for the tests of HTTP/1 sessions. */
#include "h1_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "http/client_table.h"
#include "http/engine_metrics.h"
#include "http/handshake.h"
#include "http/listener.h"
#include "http/websocket/websocket.h"
#include "shared/syscall.h"

#define BIG_SIZE (1u << 20)

struct harness {
        struct loop *loop;
        struct http_worker worker;
        struct http_listener listener;
        struct http_services services;
        struct http_engine_metrics ids;
        struct metrics *metrics;
        struct client_table *clients;
        struct thread_pool *pool;
        _Atomic int64_t connection_count;
        struct config *config;
        struct config_listener listener_config;
        struct http_generation *generation;
        int client, set_aside, file;
        struct loop_io client_io;
        struct text received;
        bool is_closed, timed_out;
        struct timer guard;
        char *big;
        unsigned begun, ended, aborted;
        enum cause abort_cause;
};

static struct harness *of_exchange(const struct http_exchange *exchange) {
        return exchange->generation->shared->snapshot;
}

static void answer(struct http_exchange *exchange, int status, struct slice bytes) {
        struct http_body_memory *body = arena_alloc(&exchange->arena, sizeof(*body));
        http_body_memory_init(body, bytes);
        exchange->response.status = status;
        exchange->response.content_length = (int64_t) bytes.length;
        exchange->response.body = &body->body;
        http_exchange_respond(exchange);
}

enum echo_kind { ECHO_BODY, ECHO_COUNT, ECHO_COUNT_WITH_PAUSES };

struct echo {
        struct text bytes;
        struct http_exchange_end end;
        struct http_exchange *exchange;
        struct timer pause;
        enum echo_kind kind;
        uint64_t count;
};

static void echo_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct echo *echo = container_of(end, struct echo, end);
        text_done(&echo->bytes);
        loop_timer_stop(exchange->worker->loop, &echo->pause);
}

static void on_pause_over(struct timer *timer, void *userdata) {
        struct echo *echo = userdata;
        (void) timer;
        http_exchange_resume(echo->exchange);
}

static int echo_data(struct http_exchange *exchange, struct slice bytes, void *userdata) {
        struct echo *echo = userdata;
        echo->count += bytes.length;
        if (echo->kind == ECHO_BODY)
                text_append(&echo->bytes, bytes);
        if (echo->kind != ECHO_COUNT_WITH_PAUSES)
                return 0;
        loop_timer_start(exchange->worker->loop, &echo->pause, loop_now(exchange->worker->loop) + 1);
        return -EAGAIN;
}

static void echo_done(struct http_exchange *exchange, void *userdata) {
        struct echo *echo = userdata;
        if (echo->kind != ECHO_BODY) {
                char *text = arena_format(&exchange->arena, "%llu\n", (unsigned long long) echo->count);
                answer(exchange, 200, slice_of(text));
                return;
        }
        const struct http_fields *trailers = exchange->request.trailers;
        for (unsigned i = 0; trailers && i < trailers->count; i++)
                (void) http_response_add_trailer(exchange, trailers->items[i].name, trailers->items[i].value);
        struct http_body_memory *body = arena_alloc(&exchange->arena, sizeof(*body));
        http_body_memory_init(body, (struct slice) { echo->bytes.data, echo->bytes.length });
        exchange->response.status = 200;
        exchange->response.content_length = exchange->request.content_length < 0 ? -1 : (int64_t) echo->bytes.length;
        exchange->response.body = &body->body;
        http_exchange_respond(exchange);
}

static void echo_aborted(struct http_exchange *exchange, enum cause cause, void *userdata) {
        struct harness *harness = of_exchange(exchange);
        (void) userdata;
        harness->aborted++;
        harness->abort_cause = cause;
}

static void start_echo(struct http_exchange *exchange, enum echo_kind kind) {
        struct echo *echo = arena_alloc_zero(&exchange->arena, sizeof(*echo));
        echo->end.run = echo_end;
        echo->exchange = exchange;
        echo->kind = kind;
        timer_init(&echo->pause, on_pause_over, echo);
        http_exchange_on_end(exchange, &echo->end);
        if (!exchange->request.has_body) {
                echo_done(exchange, echo);
                return;
        }
        http_exchange_read_body(exchange, (struct http_body_reader) { .on_data = echo_data,
                                                                      .on_end = echo_done,
                                                                      .on_abort = echo_aborted,
                                                                      .userdata = echo });
}

static void answer_chunked(struct http_exchange *exchange) {
        static const char *const parts[] = { "one", "two two", "three" };
        struct http_segment *segments = arena_alloc_zero(&exchange->arena, 3 * sizeof(*segments));
        for (unsigned i = 0; i < 3; i++)
                segments[i] = (struct http_segment) { .type = HTTP_SEGMENT_MEMORY,
                                                      .length = strlen(parts[i]),
                                                      .data = parts[i] };
        struct http_body_list *body = arena_alloc(&exchange->arena, sizeof(*body));
        http_body_list_init(body, segments, 3);
        exchange->response.status = 200;
        exchange->response.content_length = -1;
        exchange->response.body = &body->body;
        http_exchange_respond(exchange);
}

static void answer_file(struct http_exchange *exchange, uint64_t length) {
        struct http_body_file *body = arena_alloc(&exchange->arena, sizeof(*body));
        http_body_file_init(body, of_exchange(exchange)->file, 0, length);
        exchange->response.status = 200;
        exchange->response.content_length = (int64_t) length;
        exchange->response.body = &body->body;
        http_exchange_respond(exchange);
}

struct later {
        struct timer timer;
        struct http_exchange *exchange;
        struct http_exchange_end end;
};

static void on_later(struct timer *timer, void *userdata) {
        struct later *later = userdata;
        (void) timer;
        answer(later->exchange, 200, SLICE_LITERAL("later\n"));
}

static void later_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        loop_timer_stop(exchange->worker->loop, &container_of(end, struct later, end)->timer);
}

static void answer_later(struct http_exchange *exchange) {
        struct later *later = arena_alloc_zero(&exchange->arena, sizeof(*later));
        later->exchange = exchange;
        later->end.run = later_end;
        http_exchange_on_end(exchange, &later->end);
        timer_init(&later->timer, on_later, later);
        loop_timer_start(exchange->worker->loop, &later->timer, loop_now(exchange->worker->loop) + 5);
}

static void on_message(struct websocket *websocket, bool is_text, struct slice message, void *userdata) {
        (void) userdata;
        (void) websocket_send(websocket, is_text, message);
}

static void echo_messages(struct http_exchange *exchange) {
        static const struct websocket_handler handler = { .on_message = on_message };
        static const struct websocket_options options = { .handler = &handler, .any_origin = true };
        (void) websocket_accept(exchange, &options);
}

static void count_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) end;
        of_exchange(exchange)->ended++;
}

static void on_request(struct http_exchange *exchange) {
        struct harness *harness = of_exchange(exchange);
        struct slice path = exchange->request.path;
        struct http_exchange_end *end = arena_alloc(&exchange->arena, sizeof(*end));
        end->run = count_end;
        http_exchange_on_end(exchange, end);
        harness->begun++;

        if (slice_equal_text(path, "/hello") || slice_equal_text(path, "/unread") || slice_equal_text(path, "*")) {
                answer(exchange, 200, SLICE_LITERAL("hello\n"));
        } else if (slice_equal_text(path, "/echo")) {
                start_echo(exchange, ECHO_BODY);
        } else if (slice_equal_text(path, "/count")) {
                start_echo(exchange, ECHO_COUNT);
        } else if (slice_equal_text(path, "/paused")) {
                start_echo(exchange, ECHO_COUNT_WITH_PAUSES);
        } else if (slice_equal_text(path, "/websocket")) {
                echo_messages(exchange);
        } else if (slice_equal_text(path, "/stalled")) {
                /* Its end is the connection's. */
        } else if (slice_equal_text(path, "/encodings")) {
                answer(exchange, 200, http_fields_get(&exchange->request.fields, HTTP_FIELD_ACCEPT_ENCODING));
        } else if (slice_equal_text(path, "/chunked")) {
                answer_chunked(exchange);
        } else if (slice_equal_text(path, "/file")) {
                answer_file(exchange, HARNESS_FILE_SIZE);
        } else if (slice_equal_text(path, "/truncated")) {
                answer_file(exchange, 2 * HARNESS_FILE_SIZE);
        } else if (slice_equal_text(path, "/later")) {
                answer_later(exchange);
        } else if (slice_equal_text(path, "/big")) {
                answer(exchange, 200, (struct slice) { harness->big, BIG_SIZE });
        } else if (slice_equal_text(path, "/early")) {
                (void) http_response_add(exchange, SLICE_LITERAL("link"), SLICE_LITERAL("</a.css>; rel=preload"));
                http_exchange_send_hints(exchange);
                answer(exchange, 200, SLICE_LITERAL("hello\n"));
        } else {
                http_exchange_fail(exchange, CAUSE_FILE_NOT_FOUND, NULL);
        }
}

static void snapshot_free(void *snapshot) {
        (void) snapshot;
}

static const struct http_application application = {
        .snapshot_free = snapshot_free,
        .on_request = on_request,
};

static int make_file(void) {
        int fd = memfd_create("h1-harness", MFD_CLOEXEC);
        assert_true(fd >= 0);
        for (unsigned i = 0; i < HARNESS_FILE_SIZE / 10; i++)
                assert_int_equal(dprintf(fd, "%09u\n", i), 10);
        return fd;
}

/* All but the generation and the worker. */
static struct harness *make(struct config *config, struct thread_pool *pool) {
        struct harness *harness = calloc(1, sizeof(*harness));
        assert_non_null(harness);
        harness->client = harness->set_aside = -1;
        harness->client_io.fd = -1;
        harness->file = -1;
        harness->config = config_ref(config);
        harness->pool = pool;
        timer_init(&harness->guard, NULL, NULL);
        assert_int_equal(loop_new(&harness->loop), 0);
        assert_int_equal(metrics_new(&harness->metrics), 0);
        assert_int_equal(http_engine_metrics_register(harness->metrics, &harness->ids), 0);
        assert_int_equal(client_table_new(&harness->clients), 0);
        harness->services = (struct http_services) {
                .pool = pool,
                .writers = pool,
                .compute = pool,
                .metrics = harness->metrics,
                .ids = &harness->ids,
                .clients = harness->clients,
                .connection_count = &harness->connection_count,
                .worker_count = 1,
                .boot_id = 1,
        };
        return harness;
}

static void start(struct harness *harness, const struct http_application *served, void *snapshot, bool redirect) {
        struct error error = ERROR_INIT;
        harness->listener_config = (struct config_listener) {
                .name = "test", .address = "test", .redirect_https = redirect, .https_port = 443
        };
        const struct config_list listeners = { .items = &harness->listener_config, .count = 1 };
        const struct http_generation_options options = {
                .config = config_ref(harness->config),
                .listeners = &listeners,
                .application = served,
                .snapshot = snapshot,
        };
        assert_int_equal(http_generation_new(&options, &error, &harness->generation), 0);
        struct metrics_shard *shard;
        assert_int_equal(metrics_shard_new(harness->metrics, &shard), 0);
        assert_int_equal(http_worker_init(&harness->worker, harness->loop, 0, &harness->services, NULL, shard,
                                          harness->generation),
                         0);
        harness->listener = (struct http_listener) { .io.fd = -1, .worker = &harness->worker, .paused_fd = -1 };
}

struct harness *harness_new(void) {
        struct error error = ERROR_INIT;
        struct config *config;
        assert_int_equal(config_load_text("[log.access]\ntarget = \"off\"\n", "test", &error, &config), 0);
        struct harness *harness = make(config, NULL);
        config_unref(config);
        harness->file = make_file();
        harness->big = malloc(BIG_SIZE);
        assert_non_null(harness->big);
        memset(harness->big, 'b', BIG_SIZE);
        start(harness, &application, harness, false);
        return harness;
}

struct harness *harness_new_with(const struct harness_options *options) {
        struct harness *harness = make(options->config, options->pool);
        start(harness, options->application, options->snapshot, options->redirect_https);
        return harness;
}

void harness_start_pool(struct harness *harness, size_t threads) {
        assert_int_equal(thread_pool_new("pool", threads, 100, &harness->pool), 0);
        harness->services.pool = harness->services.writers = harness->services.compute = harness->pool;
}

void harness_free(struct harness *harness) {
        harness_hang_up(harness);
        close_fd(harness->set_aside);
        http_worker_done(&harness->worker);
        assert_int_equal(harness->connection_count, 0);
        assert_int_equal(harness->begun, harness->ended);
        assert_int_equal(harness->worker.buffers.lent_count, 0);
        http_generation_unref(harness->generation, NULL);
        thread_pool_free(harness->pool);
        loop_free(harness->loop);
        config_unref(harness->config);
        client_table_free(harness->clients);
        metrics_free(harness->metrics);
        text_done(&harness->received);
        close_fd(harness->file);
        free(harness->big);
        free(harness);
}

struct config_http *harness_settings(struct harness *harness) {
        return &harness->config->root.http;
}

struct http_worker *harness_worker(struct harness *harness) {
        return &harness->worker;
}

static void on_step(struct timer *timer, void *userdata) {
        struct harness *harness = userdata;
        (void) timer;
        loop_stop(harness->loop, 0);
}

static void on_spun(struct loop_deferred *deferred, void *userdata) {
        struct harness *harness = userdata;
        (void) deferred;
        loop_stop(harness->loop, 0);
}

void harness_spin(struct harness *harness) {
        struct loop_deferred deferred;
        loop_deferred_init(&deferred, on_spun, harness);
        loop_defer(harness->loop, &deferred);
        assert_int_equal(loop_run(harness->loop), 0);
}

void harness_turn(struct harness *harness) {
        struct timer timer;
        timer_init(&timer, on_step, harness);
        loop_timer_start(harness->loop, &timer, loop_now(harness->loop) + 1);
        assert_int_equal(loop_run(harness->loop), 0);
}

static void on_client(struct loop_io *io, uint32_t events, void *userdata) {
        struct harness *harness = userdata;
        char bytes[65536];
        (void) events;
        ssize_t n = recv(io->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0) {
                harness->is_closed = true;
                loop_io_stop(harness->loop, &harness->client_io);
                return;
        }
        text_append(&harness->received, (struct slice) { bytes, (size_t) n });
}

void harness_connect(struct harness *harness, bool small_buffers) {
        int pair[2], size = 4096;
        harness_hang_up(harness);
        harness_clear(harness);
        harness->is_closed = false;
        harness_spin(harness); /* the loop's clock is of now, as in a turn that accepts */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        if (small_buffers)
                assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        struct sockaddr address = { .sa_family = AF_UNIX };
        harness->connection_count++;
        struct http_connection *connection;
        assert_int_equal(http_connection_new(&harness->listener, pair[0], &address, sizeof(sa_family_t), &connection),
                         0);
        http_handshake_start(connection);
        harness->client = pair[1];
        harness_read(harness, true);
}

void harness_send(struct harness *harness, const char *bytes, size_t length) {
        assert_int_equal(send(harness->client, bytes, length, MSG_NOSIGNAL), length);
}

bool harness_offer(struct harness *harness, const char *bytes, size_t length) {
        return send(harness->client, bytes, length, MSG_NOSIGNAL) == (ssize_t) length;
}

void harness_send_text(struct harness *harness, const char *text) {
        harness_send(harness, text, strlen(text));
}

void harness_shut_down(struct harness *harness) {
        assert_int_equal(shutdown(harness->client, SHUT_WR), 0);
}

void harness_hang_up(struct harness *harness) {
        loop_io_stop(harness->loop, &harness->client_io);
        harness->client = close_fd(harness->client);
}

void harness_set_aside(struct harness *harness) {
        loop_io_stop(harness->loop, &harness->client_io);
        harness->set_aside = take_fd(&harness->client);
}

void harness_take_back(struct harness *harness) {
        harness_hang_up(harness);
        harness_clear(harness);
        harness->client = take_fd(&harness->set_aside);
        harness_read(harness, true);
}

void harness_read(struct harness *harness, bool reading) {
        if (reading && harness->client_io.fd < 0)
                assert_int_equal(loop_io_start(harness->loop, &harness->client_io, harness->client, EPOLLIN, on_client,
                                               harness),
                                 0);
        else if (!reading)
                loop_io_stop(harness->loop, &harness->client_io);
}

const struct text *harness_received(struct harness *harness) {
        return &harness->received;
}

void harness_clear(struct harness *harness) {
        text_done(&harness->received);
        harness->received = TEXT_INIT;
}

bool harness_is_closed(struct harness *harness) {
        return harness->is_closed;
}

void harness_run_until(struct harness *harness, bool (*reached)(struct harness *harness)) {
        uint64_t until = 0;
        while (!reached(harness)) {
                harness_turn(harness);
                if (until == 0)
                        until = loop_now(harness->loop) + 5000;
                if (loop_now(harness->loop) > until)
                        fail_msg("the state was not reached; received so far: %.2000s",
                                 harness->received.data ? harness->received.data : "nothing");
        }
}

bool harness_has_hello(struct harness *harness) {
        return harness->received.data &&
               slice_ends_with((struct slice) { harness->received.data, harness->received.length },
                               SLICE_LITERAL("\r\n\r\nhello\n"));
}

bool harness_has_no_connection(struct harness *harness) {
        return harness->worker.connection_count == 0;
}

void harness_settle(struct harness *harness) {
        size_t before;
        unsigned quiet = 0;
        do {
                before = harness->received.length + harness->begun + harness->ended;
                harness_turn(harness);
                quiet = harness->received.length + harness->begun + harness->ended == before ? quiet + 1 : 0;
        } while (quiet < 5);
}

unsigned harness_begun(struct harness *harness) {
        return harness->begun;
}

unsigned harness_ended(struct harness *harness) {
        return harness->ended;
}

unsigned harness_aborted(struct harness *harness, enum cause *ret_cause) {
        *ret_cause = harness->abort_cause;
        return harness->aborted;
}
