/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/options.h"
#include "shared/service.h"

/*
 * What the parts of a daemon share: daemon.c (start, signals, end), sockets.c (where listening sockets come from),
 * descriptors.c (how many descriptors there may be), reload.c (generations), admin.c (the admin socket). All on the main
 * thread.
 */
struct daemon;

/* Called once when a reload has ended; `text` says what came of it, or what is wrong. */
typedef void daemon_reload_done(struct daemon *daemon, int result, const char *text, void *userdata);

/* A reload under way: built on the thread pool, then given to the workers. */
struct daemon_reload {
        struct thread_task task;
        struct daemon *daemon;
        struct config *config; /* to build from; NULL: read the file */
        struct http_generation *generation;
        struct error error;
        int result;
        bool is_running, is_for_certificates;
        daemon_reload_done *done;
        void *userdata;
};

struct daemon {
        const struct daemon_program *program;
        struct daemon_options options;
        struct loop *loop;
        struct logger *logger;
        struct log_producer *log, *pool_log; /* of the main thread; of the one reload on the pool */
        struct metrics *metrics;
        struct metrics_shard *shard; /* the main thread's */
        struct thread_pool *pool;
        struct http_engine *engine;
        struct http_generation *generation; /* in force */
        struct tls_tickets *tickets;
        void *state; /* the program's */
        struct service_fds fds;
        char **addresses; /* where each listener really is, a port that was 0 known by now; NULL: it has no socket */
        size_t address_count;

        struct http_worker admin;
        struct http_services
                        admin_services; /* those of the engine, but for the count: a flood must not shut operators out */
        _Atomic int64_t admin_connections;
        struct http_generation *admin_generation;
        struct config_listener admin_listener;
        bool has_admin;

        struct daemon_reload reload;
        uint64_t reloads, reload_failures;
        char *last_error;        /* of the last reload that failed; NULL when the last one did not */
        int64_t started, loaded; /* realtime, us */
        char *sandbox_summary;

        struct timer watchdog, upkeep;
        uint64_t watchdog_interval; /* ms; 0: none */
        bool is_draining, is_stuck;
        const char *failed_step; /* MESSAGE_ID of what fails if the start fails now */
        int exit_status;         /* of that */
};

/* daemon.c: says something while there is no logger: to the journal with its MESSAGE_ID (or NULL), to the console else. */
void daemon_complain(const struct daemon *daemon, enum log_level level, const char *message_id, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* sockets.c: the sockets of every listener, from systemd by name or opened here. `ret_sockets` has an entry for each; free with
 * daemon_sockets_free (which closes nothing). */
int daemon_sockets_collect(struct daemon *daemon, const struct config_list *listeners, unsigned workers,
                           struct error *error, struct http_engine_sockets **ret_sockets);
/* Notes the addresses of the sockets, for the log and the status. */
int daemon_sockets_note(struct daemon *daemon, const struct http_engine_sockets *sockets, size_t count);
void daemon_sockets_free(struct http_engine_sockets *sockets, size_t count);

/* descriptors.c: takes all that the hard limit gives, before the sandbox; and says, once there is a log, when that is less
 * than the configuration can take. */
struct daemon_descriptors {
        uint64_t there, wanted;
        uint64_t connections; /* of `wanted` */
};
void daemon_descriptors_raise(const struct config_root *root, struct daemon_descriptors *ret_descriptors);
void daemon_descriptors_warn(const struct daemon *daemon, const struct daemon_descriptors *descriptors);

/* reload.c */

/* Builds a generation from `config`, whose reference is taken. Blocks; any thread, one at a time. */
int daemon_generation_new(struct daemon *daemon, struct config *config, struct log_producer *producer,
                          struct error *error, struct http_generation **ret_generation);

/* Reads the configuration again and puts it in force if all of it is right. -EBUSY while another one is under way. */
int daemon_reload_start(struct daemon *daemon, daemon_reload_done *done, void *userdata);

/* Looks whether certificate files have changed and, if so, puts them in force with the present configuration. */
void daemon_reload_certificates(struct daemon *daemon);

/* admin.c: serves the admin socket on the main loop. */
int daemon_admin_start(struct daemon *daemon, int fd, struct error *error);
