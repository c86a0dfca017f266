/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/in_force.h"
#include "daemon/options.h"
#include "shared/service.h"

/*
 * What the parts of a daemon share: daemon.c (start, signals, end), sockets.c (where listening sockets come from),
 * roles.c (role sockets), descriptors.c (how many descriptors there may be), confinement.c (the sandbox), ticket_keys.c
 * (what outlives a restart), reload.c (generations), admin.c (what the role "admin" answers). All on the main thread.
 */
struct daemon;
struct role_socket;

/* Whoever waits for a reload. Embedded in its owner, who may take it back at any time by list_remove(&waiter->link). */
struct daemon_reload_waiter {
        struct list link;
        /* Called once: `text` says what came of it, or what is wrong. */
        void (*done)(struct daemon_reload_waiter *waiter, int result, const char *text);
};

/* A reload under way: built on the thread pool, then given to the workers. */
struct daemon_reload {
        struct thread_task task;
        struct daemon *daemon;
        struct config *config; /* to build from; NULL: read the file */
        struct http_generation *generation;
        struct daemon_in_force *in_force;
        struct error error;
        int result;
        bool is_running, is_for_certificates;
        bool is_wanted;      /* once more, since files may be newer than what was read */
        struct list waiters; /* struct daemon_reload_waiter, of the one under way */
        struct list later;   /* of the one after it */
};

struct daemon {
        const struct daemon_program *program;
        struct daemon_options options;
        struct loop *loop;
        struct logger *logger;
        struct log_producer *log, *pool_log; /* of the main thread; of the one reload on the pool */
        struct metrics *metrics;
        struct metrics_shard *shard;                  /* the main thread's */
        struct thread_pool *pool, *writers, *compute; /* see struct http_services */
        struct http_engine *engine;
        struct http_generation *generation; /* in force */
        struct daemon_in_force *in_force;
        struct tls_tickets *tickets;
        void *state; /* the program's */
        struct service_fds fds;
        char **addresses; /* where each listener really is, a port that was 0 known by now; NULL: it has no socket */
        size_t address_count;

        bool is_activated;             /* sockets come from systemd */
        struct daemon_role admin_role; /* the one that every daemon has */
        struct http_application admin; /* its application */
        struct role_socket *roles;     /* "admin" first, then the program's */
        size_t role_count, roles_draining;
        void (*on_roles_drained)(void *daemon);

        struct daemon_reload reload;
        uint64_t reloads, reload_failures;
        char *last_error;        /* of the last reload that failed; NULL when the last one did not */
        int64_t started, loaded; /* realtime, us */
        char *sandbox_summary;

        struct timer watchdog, upkeep;
        uint64_t certificates_looked_at; /* ms, of the loop */
        uint64_t watchdog_interval;      /* ms; 0: none */
        unsigned drains_pending;
        bool is_draining, is_stuck;
        const char *failed_step; /* MESSAGE_ID of what fails if the start fails now */
        int exit_status;         /* of that */
};

/* sockets.c: the sockets of every listener, from systemd by name or opened here. `ret_sockets` has an entry for each; free with
 * daemon_sockets_free (which closes nothing). */
int daemon_sockets_collect(struct daemon *daemon, const struct config_list *listeners, unsigned workers,
                           struct error *error, struct http_engine_sockets **ret_sockets);
/* Those that the configuration has for this daemon: none for one with roles only. */
const struct config_list *daemon_listeners(const struct daemon *daemon, const struct config_root *root);

/* Notes the addresses of the sockets, for the log and the status. */
int daemon_sockets_note(struct daemon *daemon, const struct http_engine_sockets *sockets, size_t count);
void daemon_sockets_free(struct http_engine_sockets *sockets, size_t count);
/* Says, once there is a log, which listeners systemd has passed no socket for, or one elsewhere: the configuration is
 * newer than the units. */
void daemon_sockets_warn(const struct daemon *daemon, const struct config_list *listeners);

/* descriptors.c: takes all that the hard limit gives, before the sandbox; and says, once there is a log, when that is less
 * than the configuration can take. */
struct daemon_descriptors {
        uint64_t there, wanted;
        uint64_t connections; /* of `wanted` */
};
void daemon_descriptors_raise(const struct config_root *root, struct daemon_descriptors *ret_descriptors);
void daemon_descriptors_warn(const struct daemon *daemon, const struct daemon_descriptors *descriptors);

/* confinement.c: enters the sandbox, for good; the summary is in daemon->sandbox_summary. */
int daemon_confine(struct daemon *daemon, const struct config *config, struct error *error);

/* pools.c: how many processors this process may use; at least 1. */
unsigned daemon_cpus(void);

/* The thread pools, with their metrics. What is queued when they are freed is cancelled. */
int daemon_pools_make(struct daemon *daemon);
void daemon_pools_free(struct daemon *daemon);

/* state.c: makes the program's own part that is kept over reloads. */
int daemon_state_make(struct daemon *daemon, const struct config *config, struct error *error);

/* check.c: looks at all that a start with `config`, whose reference is taken, would need, and starts nothing. */
int daemon_check(struct daemon *daemon, struct config *config, struct error *error);

/* upkeep.c: the time after which keys of tickets and files of certificates are looked after begins anew. */
void daemon_upkeep_start(struct daemon *daemon);

/* How often files of certificates are looked at; ms. */
uint64_t daemon_certificate_check(const struct daemon *daemon);

/* ticket_keys.c: makes the ring of keys, of those that systemd kept if there are any; hands it to systemd to keep. */
int daemon_ticket_keys_make(struct daemon *daemon, const struct config *config);
void daemon_ticket_keys_save(struct daemon *daemon);

/* reload.c */

/* Builds a generation from `config`, whose reference is taken. Blocks; any thread, one at a time. */
int daemon_generation_new(struct daemon *daemon, struct config *config, struct log_producer *producer,
                          struct error *error, struct http_generation **ret_generation);

void daemon_reload_init(struct daemon *daemon);

/*
 * Reads the configuration again and puts it in force if all of it is right. While one is under way another follows it:
 * however many ask meanwhile, one, which sees the files of all of them. `waiter`, unless NULL, is told what came of the
 * reload that read the files after this call. -ESHUTDOWN while the daemon stops.
 */
int daemon_reload_start(struct daemon *daemon, struct daemon_reload_waiter *waiter);

/* Looks whether certificate files have changed and, if so, puts them in force with the present configuration. */
void daemon_reload_certificates(struct daemon *daemon);

/* roles.c */

/* The sockets of every role, from systemd by name or opened here, while every right is still there. */
int daemon_roles_open(struct daemon *daemon, struct error *error);

/* Serves them with daemon->generation. */
int daemon_roles_serve(struct daemon *daemon, struct error *error);

/* -ENOMEM: some may have it already. */
int daemon_roles_set_generation(struct daemon *daemon, struct http_generation *generation);

uint64_t daemon_roles_connections(const struct daemon *daemon);

/* As http_engine_drain; "admin" goes on, so that the end can be watched. May call back before it returns. */
void daemon_roles_drain(struct daemon *daemon, uint64_t timeout, void (*on_drained)(void *daemon));

/* Closes what is open; memory goes with daemon_roles_done, once the loop is freed. */
void daemon_roles_stop(struct daemon *daemon);
void daemon_roles_done(struct daemon *daemon);

/* For the log: all but "admin"; for the status: those that have a socket. */
void daemon_roles_append_addresses(const struct daemon *daemon, struct text *text);
void daemon_roles_append_json(const struct daemon *daemon, struct text *text);

/* admin.c: what the role "admin" answers; the application is daemon->admin itself. */
extern const struct http_application daemon_admin_application;
