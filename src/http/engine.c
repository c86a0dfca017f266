/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the threads. The main thread and a worker meet only in messages: each worker has one for each command, which
 * travels to it and back, so that a command can be under way to all of them at once without memory to be had. */
#include "http/engine.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "http/client_table.h"
#include "http/engine_metrics.h"
#include "http/listener.h"
#include "http/worker_control.h"

#define LOG_RING_BYTES (1u << 20)

struct engine_worker;

/* A message that goes to the worker, and comes back as a report. */
struct command {
        struct loop_message to_worker, to_main;
        bool under_way;
};

struct engine_worker {
        struct http_engine *engine;
        struct http_worker worker;
        struct loop *loop;
        pthread_t thread;
        bool is_initialised, is_running;
        struct command generation, drain, probe, stop;
        int result;
};

struct http_engine {
        struct loop *loop;
        struct logger *logger;
        struct http_services services;
        struct http_engine_metrics ids;
        struct client_table *clients;
        _Atomic int64_t connection_count;
        struct engine_worker *workers;
        size_t worker_count;
        bool is_stopped;                                        /* nobody is there to be told anything */
        struct loop_deferred generation_settled, drain_settled; /* where there is no worker to report it */

        struct http_generation *next_generation;
        size_t generation_pending, drain_pending;
        int generation_result;
        void (*generation_done)(int result, void *userdata);
        void *generation_userdata;
        uint64_t drain_timeout;
        void (*drained)(void *userdata);
        void *drained_userdata;
};

static void command_init(struct command *command, struct engine_worker *self,
                         void (*on_worker)(struct loop_message *, void *),
                         void (*on_main)(struct loop_message *, void *)) {
        *command = (struct command) {
                .to_worker = { .deliver = on_worker, .userdata = self },
                .to_main = { .deliver = on_main, .userdata = self },
        };
}

static void command_send(struct engine_worker *self, struct command *command) {
        command->under_way = true;
        loop_post(self->loop, &command->to_worker);
}

static void generation_on_worker(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        (void) message;
        self->result = http_worker_set_generation(&self->worker, self->engine->next_generation);
        loop_post(self->engine->loop, &self->generation.to_main);
}

static void generation_on_main(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        struct http_engine *engine = self->engine;
        (void) message;
        self->generation.under_way = false;
        if (self->result < 0)
                engine->generation_result = self->result;
        if (--engine->generation_pending > 0)
                return;
        engine->next_generation = NULL;
        engine->generation_done(engine->generation_result, engine->generation_userdata);
}

static void settle_generation(struct loop_deferred *deferred, void *userdata) {
        struct http_engine *engine = userdata;
        (void) deferred;
        engine->next_generation = NULL;
        engine->generation_done(0, engine->generation_userdata);
}

static void settle_drain(struct loop_deferred *deferred, void *userdata) {
        struct http_engine *engine = userdata;
        (void) deferred;
        engine->drained(engine->drained_userdata);
}

static void drained_on_worker(struct http_worker *worker, void *userdata) {
        struct engine_worker *self = userdata;
        (void) worker;
        loop_post(self->engine->loop, &self->drain.to_main);
}

static void drain_on_worker(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        (void) message;
        http_worker_drain(&self->worker, self->engine->drain_timeout, drained_on_worker, self);
}

static void drain_on_main(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        struct http_engine *engine = self->engine;
        (void) message;
        self->drain.under_way = false;
        if (--engine->drain_pending == 0)
                engine->drained(engine->drained_userdata);
}

static void probe_on_worker(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        (void) message;
        loop_post(self->engine->loop, &self->probe.to_main);
}

static void probe_on_main(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        (void) message;
        self->probe.under_way = false;
}

static void stop_on_worker(struct loop_message *message, void *userdata) {
        struct engine_worker *self = userdata;
        (void) message;
        loop_stop(self->loop, 0);
}

int http_engine_new(const struct http_engine_options *options, struct error *error, struct http_engine **ret_engine) {
        struct http_engine *engine = calloc(1, sizeof(*engine));
        if (!engine)
                return error_set_errno(error, -ENOMEM, "making the engine");
        engine->loop = options->loop;
        engine->logger = options->logger;
        engine->worker_count = options->workers;
        engine->workers = calloc(MAX_OF(options->workers, 1U), sizeof(*engine->workers));
        loop_deferred_init(&engine->generation_settled, settle_generation, engine);
        loop_deferred_init(&engine->drain_settled, settle_drain, engine);
        engine->services = (struct http_services) {
                .pool = options->pool,
                .writers = options->writers ? options->writers : options->pool,
                .compute = options->compute ? options->compute : options->pool,
                .metrics = options->metrics,
                .ids = &engine->ids,
                .connection_count = &engine->connection_count,
                .worker_count = options->workers,
        };
        int r = engine->workers ? client_table_new(&engine->clients) : -ENOMEM;
        if (r >= 0)
                r = http_engine_metrics_register(options->metrics, &engine->ids);
        if (r >= 0)
                r = (int) NEGATIVE_ERRNO(
                                getrandom(&engine->services.boot_id, sizeof(engine->services.boot_id), GRND_NONBLOCK));
        if (r < 0) {
                http_engine_free(engine);
                return error_set_errno(error, r, "making the engine");
        }
        engine->services.clients = engine->clients;
        *ret_engine = engine;
        return 0;
}

const struct http_services *http_engine_services(const struct http_engine *engine) {
        return &engine->services;
}

static int worker_init(struct http_engine *engine, unsigned index, struct http_generation *generation) {
        struct engine_worker *self = &engine->workers[index];
        struct log_producer *log;
        struct metrics_shard *shard;

        self->engine = engine;
        command_init(&self->generation, self, generation_on_worker, generation_on_main);
        command_init(&self->drain, self, drain_on_worker, drain_on_main);
        command_init(&self->probe, self, probe_on_worker, probe_on_main);
        command_init(&self->stop, self, stop_on_worker, NULL);
        int r = loop_new(&self->loop);
        if (r >= 0)
                r = log_producer_new(engine->logger, LOG_RING_BYTES, &log);
        if (r >= 0)
                r = metrics_shard_new(engine->services.metrics, &shard);
        if (r >= 0)
                r = http_worker_init(&self->worker, self->loop, index, &engine->services, log, shard, generation);
        if (r >= 0)
                self->is_initialised = true;
        return r;
}

/*
 * Worker w takes the sockets w, w + W, w + 2W … of a listener, which then are its own; with fewer sockets than workers
 * several share one. The kernel spreads connections over the sockets of a SO_REUSEPORT group.
 */
static int share_out(struct http_engine *engine, unsigned listener, const struct http_engine_sockets *sockets) {
        size_t workers = engine->worker_count;
        bool is_shared = sockets->count < workers;
        assert(workers > 0);
        if (sockets->count == 0)
                return 0;
        for (size_t i = 0; i < MAX_OF(sockets->count, workers); i++) {
                _cleanup_close_ int fd = NEGATIVE_ERRNO(fcntl(sockets->fds[i % sockets->count], F_DUPFD_CLOEXEC, 3));
                int r = fd < 0 ? fd
                               : http_listener_start(&engine->workers[i % workers].worker, fd, listener, is_shared);
                if (r < 0)
                        return r;
                take_fd(&fd);
        }
        return 0;
}

static void *run_worker(void *userdata) {
        struct engine_worker *self = userdata;
        char name[16];
        (void) snprintf(name, sizeof(name), "worker-%u", self->worker.index);
        (void) pthread_setname_np(pthread_self(), name);
        (void) loop_run(self->loop);
        return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct engine_worker *self) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = pthread_create(&self->thread, NULL, run_worker, self);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        self->is_running = r == 0;
        return -r;
}

int http_engine_start(struct http_engine *engine, struct http_generation *generation,
                      const struct http_engine_sockets *sockets, struct error *error) {
        int r = 0;
        for (unsigned i = 0; i < engine->worker_count && r >= 0; i++)
                r = worker_init(engine, i, generation);
        for (unsigned i = 0; i < generation->listener_count && r >= 0; i++)
                r = share_out(engine, i, &sockets[i]);
        for (unsigned i = 0; i < generation->listener_count; i++)
                for (size_t j = 0; j < sockets[i].count; j++)
                        close_fd(sockets[i].fds[j]);
        for (unsigned i = 0; i < engine->worker_count && r >= 0; i++)
                r = start_thread(&engine->workers[i]);
        return r < 0 ? error_set_errno(error, r, "starting the workers") : 0;
}

int http_engine_set_generation(struct http_engine *engine, struct http_generation *generation,
                               void (*done)(int result, void *userdata), void *userdata) {
        if (engine->is_stopped)
                return -ESHUTDOWN;
        if (engine->generation_pending > 0)
                return -EBUSY;
        engine->next_generation = generation;
        engine->generation_pending = engine->worker_count;
        engine->generation_result = 0;
        engine->generation_done = done;
        engine->generation_userdata = userdata;
        for (size_t i = 0; i < engine->worker_count; i++)
                command_send(&engine->workers[i], &engine->workers[i].generation);
        if (engine->worker_count == 0)
                loop_defer(engine->loop, &engine->generation_settled);
        return 0;
}

void http_engine_drain(struct http_engine *engine, uint64_t timeout, void (*drained)(void *userdata), void *userdata) {
        engine->drain_timeout = timeout;
        engine->drained = drained;
        engine->drained_userdata = userdata;
        engine->drain_pending = engine->worker_count;
        for (size_t i = 0; i < engine->worker_count; i++)
                command_send(&engine->workers[i], &engine->workers[i].drain);
        if (engine->worker_count == 0)
                loop_defer(engine->loop, &engine->drain_settled);
}

bool http_engine_is_alive(struct http_engine *engine) {
        bool alive = true;
        for (size_t i = 0; i < engine->worker_count; i++) {
                if (engine->workers[i].probe.under_way)
                        alive = false;
                else
                        command_send(&engine->workers[i], &engine->workers[i].probe);
        }
        return alive;
}

uint64_t http_engine_connections(const struct http_engine *engine) {
        return (uint64_t) atomic_load_explicit(&engine->connection_count, memory_order_relaxed);
}

void http_engine_stop(struct http_engine *engine) {
        engine->is_stopped = true;
        for (size_t i = 0; i < engine->worker_count; i++)
                if (engine->workers[i].is_running)
                        loop_post(engine->workers[i].loop, &engine->workers[i].stop.to_worker);
        for (size_t i = 0; i < engine->worker_count; i++) {
                struct engine_worker *self = &engine->workers[i];
                if (self->is_running)
                        pthread_join(self->thread, NULL);
                if (self->is_initialised)
                        http_worker_done(&self->worker);
                self->is_running = self->is_initialised = false;
        }
}

void http_engine_free(struct http_engine *engine) {
        if (!engine)
                return;
        for (size_t i = 0; i < engine->worker_count && engine->workers; i++)
                loop_free(engine->workers[i].loop);
        free(engine->workers);
        client_table_free(engine->clients);
        free(engine);
}
