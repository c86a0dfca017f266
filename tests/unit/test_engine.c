/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an engine while its thread pool is still at work: each generation is kept by the look-ups that began with
 * it, and detached once, while its loop, its worker and the main loop can still be used. */
#include <arpa/inet.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "http/engine.h"
#include "http/engine_metrics.h"
#include "http/exchange.h"
#include "http/worker.h"
#include "shared/syscall.h"

#define WORKERS 2
#define LOOK_UPS 6

struct fixture {
        struct loop *loop;
        struct logger *logger;
        struct log_producer *log;
        struct metrics *metrics;
        struct thread_pool *pool;
        struct http_engine *engine;
        struct http_generation *generation;
        struct config *config;
        int port;
        sem_t started, released; /* of look-ups on the pool */
        atomic_int attached, detached, looked_up, snapshots;
};

/* What a worker has for a generation: something on its loop, as a cache has. */
struct attachment {
        struct fixture *fixture;
        struct timer timer;
};

/* Outlives its exchange. */
struct look_up {
        struct thread_task task;
        struct worker_generation *generation;
        struct fixture *fixture;
};

static void never(struct timer *timer, void *userdata) {
        (void) timer;
        (void) userdata;
}

static int attach(struct http_worker *worker, const struct http_generation *generation, void **ret_state) {
        struct attachment *attachment = calloc(1, sizeof(*attachment));
        if (!attachment)
                return -ENOMEM;
        attachment->fixture = generation->snapshot;
        attachment->fixture->attached++;
        timer_init(&attachment->timer, never, attachment);
        loop_timer_start(worker->loop, &attachment->timer, loop_now(worker->loop) + 3600000);
        *ret_state = attachment;
        return 0;
}

static void detach(struct http_worker *worker, void *state) {
        struct attachment *attachment = state;
        loop_timer_stop(worker->loop, &attachment->timer);
        metrics_increment(worker->metrics, worker->services->ids->causes[CAUSE_DRAINING]);
        attachment->fixture->detached++;
        free(attachment);
}

static void snapshot_free(void *snapshot) {
        ((struct fixture *) snapshot)->snapshots++;
}

static void run_look_up(struct thread_task *task) {
        struct fixture *fixture = container_of(task, struct look_up, task)->fixture;
        sem_post(&fixture->started);
        while (sem_wait(&fixture->released) < 0)
                ;
        fixture->looked_up++;
}

static void look_up_done(struct thread_task *task) {
        struct look_up *look_up = container_of(task, struct look_up, task);
        worker_generation_unref(look_up->generation);
        free(look_up);
}

/* Never answers: the connection is cut at the end. */
static void on_request(struct http_exchange *exchange) {
        struct fixture *fixture = exchange->generation->shared->snapshot;
        struct look_up *look_up = calloc(1, sizeof(*look_up));
        if (!look_up)
                abort();
        look_up->task = (struct thread_task) { .run = run_look_up, .done = look_up_done };
        look_up->fixture = fixture;
        look_up->generation = worker_generation_ref(exchange->generation);
        if (thread_pool_submit(fixture->pool, exchange->worker->loop, &look_up->task) < 0)
                abort();
}

static const struct http_application application = {
        .snapshot_free = snapshot_free,
        .attach = attach,
        .detach = detach,
        .on_request = on_request,
};

static struct http_generation *make_generation(struct fixture *fixture) {
        static const struct config_listener listener = { .name = "test", .address = "test" };
        static const struct config_list listeners = { .items = (void *) &listener, .count = 1 };
        struct error error = ERROR_INIT;
        const struct http_generation_options options = {
                .config = config_ref(fixture->config),
                .listeners = &listeners,
                .application = &application,
                .snapshot = fixture,
                .previous = fixture->generation,
                .producer = fixture->log,
        };
        struct http_generation *generation;
        assert_int_equal(http_generation_new(&options, &error, &generation), 0);
        return generation;
}

static void open_sockets(struct fixture *fixture, int fds[WORKERS]) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int yes = 1;
        for (unsigned i = 0; i < WORKERS; i++) {
                fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                assert_true(fds[i] >= 0);
                assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)), 0);
                assert_int_equal(bind(fds[i], (struct sockaddr *) &address, sizeof(address)), 0);
                assert_int_equal(listen(fds[i], 64), 0);
                assert_int_equal(getsockname(fds[i], (struct sockaddr *) &address, &length), 0);
        }
        fixture->port = ntohs(address.sin_port);
}

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        struct error error = ERROR_INIT;
        assert_non_null(fixture);
        assert_int_equal(sem_init(&fixture->started, 0, 0), 0);
        assert_int_equal(sem_init(&fixture->released, 0, 0), 0);
        assert_int_equal(config_load_text("[log.access]\ntarget = \"off\"\n", "test", &error, &fixture->config), 0);
        assert_int_equal(loop_new(&fixture->loop), 0);
        assert_int_equal(logger_new("test", LOG_TARGET_CONSOLE, LOG_LEVEL_ERROR, &error, &fixture->logger), 0);
        assert_int_equal(log_producer_new(fixture->logger, 65536, &fixture->log), 0);
        assert_int_equal(metrics_new(&fixture->metrics), 0);
        assert_int_equal(thread_pool_new("pool", LOOK_UPS, 100, &fixture->pool), 0);
        const struct http_engine_options options = { .loop = fixture->loop,
                                                     .logger = fixture->logger,
                                                     .metrics = fixture->metrics,
                                                     .pool = fixture->pool,
                                                     .workers = WORKERS };
        assert_int_equal(http_engine_new(&options, &error, &fixture->engine), 0);
        fixture->generation = make_generation(fixture);
        int fds[WORKERS];
        open_sockets(fixture, fds);
        const struct http_engine_sockets sockets = { .fds = fds, .count = WORKERS };
        assert_int_equal(http_engine_start(fixture->engine, fixture->generation, &sockets, &error), 0);
        *state = fixture;
        return 0;
}

/* The order in which the daemon ends, after http_engine_stop. */
static void end(struct fixture *fixture) {
        thread_pool_free(fixture->pool);
        loop_free(fixture->loop);
        http_generation_unref(fixture->generation, fixture->log);
        http_engine_free(fixture->engine);
        logger_free(fixture->logger);
        metrics_free(fixture->metrics);
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        config_unref(fixture->config);
        sem_destroy(&fixture->started);
        sem_destroy(&fixture->released);
        free(fixture);
        return 0;
}

static int ask(const struct fixture *fixture) {
        static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t) fixture->port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
        return fd;
}

/* Until so many look-ups are on the pool. */
static void ask_all(struct fixture *fixture, int fds[LOOK_UPS]) {
        for (unsigned i = 0; i < LOOK_UPS; i++)
                fds[i] = ask(fixture);
        for (unsigned i = 0; i < LOOK_UPS; i++)
                while (sem_wait(&fixture->started) < 0)
                        ;
}

static void let_go(struct fixture *fixture, int fds[LOOK_UPS]) {
        for (unsigned i = 0; i < LOOK_UPS; i++) {
                sem_post(&fixture->released);
                close_fd(fds[i]);
        }
}

static void check_ended(const struct fixture *fixture, int generations) {
        assert_int_equal(fixture->looked_up, LOOK_UPS);
        assert_int_equal(fixture->attached, WORKERS * generations);
        assert_int_equal(fixture->detached, WORKERS * generations);
        assert_int_equal(fixture->snapshots, generations);
}

/* The results come when no worker runs any more. */
static void look_ups_that_end_late_keep_their_generation(void **state) {
        struct fixture *fixture = *state;
        int fds[LOOK_UPS];
        ask_all(fixture, fds);
        http_engine_stop(fixture->engine);
        assert_true(fixture->detached < WORKERS); /* somebody looks up still */
        let_go(fixture, fds);
        end(fixture);
        check_ended(fixture, 1);
}

static void look_ups_race_with_the_end(void **state) {
        struct fixture *fixture = *state;
        int fds[LOOK_UPS];
        ask_all(fixture, fds);
        let_go(fixture, fds);
        http_engine_stop(fixture->engine);
        end(fixture);
        check_ended(fixture, 1);
}

struct handover {
        struct fixture *fixture;
        struct http_generation *next;
        bool is_done;
};

static void in_force(int result, void *userdata) {
        struct handover *handover = userdata;
        assert_int_equal(result, 0);
        http_generation_unref(handover->fixture->generation, handover->fixture->log);
        handover->fixture->generation = handover->next;
        handover->is_done = true;
}

/* The reports of the workers are read when the main loop is freed. */
static void a_new_generation_and_the_end_cross(void **state) {
        struct fixture *fixture = *state;
        struct handover handover = { .fixture = fixture, .next = make_generation(fixture) };
        int fds[LOOK_UPS];
        ask_all(fixture, fds);
        assert_int_equal(http_engine_set_generation(fixture->engine, handover.next, in_force, &handover), 0);
        assert_int_equal(http_engine_set_generation(fixture->engine, handover.next, in_force, &handover), -EBUSY);
        http_engine_stop(fixture->engine);
        let_go(fixture, fds);
        end(fixture);
        assert_true(handover.is_done);
        check_ended(fixture, 2);
}

struct late_reload {
        struct thread_task task;
        struct fixture *fixture;
        struct http_generation *next;
        sem_t begun;
        int result;
};

static void build(struct thread_task *task) {
        struct late_reload *reload = container_of(task, struct late_reload, task);
        sem_post(&reload->begun);
        while (sem_wait(&reload->fixture->released) < 0)
                ;
        reload->next = make_generation(reload->fixture);
}

static void built(struct thread_task *task) {
        struct late_reload *reload = container_of(task, struct late_reload, task);
        reload->result = http_engine_set_generation(reload->fixture->engine, reload->next, in_force, NULL);
        http_generation_unref(reload->next, reload->fixture->log);
}

/* Built when the workers are gone: nobody takes it, and nothing is sent to where nobody reads. */
static void a_generation_that_is_built_too_late_is_refused(void **state) {
        struct fixture *fixture = *state;
        struct late_reload reload = { .task = { .run = build, .done = built }, .fixture = fixture };
        assert_int_equal(sem_init(&reload.begun, 0, 0), 0);
        assert_int_equal(thread_pool_submit(fixture->pool, fixture->loop, &reload.task), 0);
        while (sem_wait(&reload.begun) < 0)
                ; /* what has not begun is cancelled by the end */
        http_engine_stop(fixture->engine);
        sem_post(&fixture->released);
        end(fixture);
        sem_destroy(&reload.begun);
        assert_int_equal(reload.result, -ESHUTDOWN);
        assert_int_equal(fixture->snapshots, 2);
        assert_int_equal(fixture->attached, WORKERS);
        assert_int_equal(fixture->detached, WORKERS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(look_ups_that_end_late_keep_their_generation),
                TEST(look_ups_race_with_the_end),
                TEST(a_new_generation_and_the_end_cross),
                TEST(a_generation_that_is_built_too_late_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
