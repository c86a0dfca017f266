/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's life from its command line to its exit status. The order of the start matters: sockets and files first,
 * then the sandbox, and only then threads and the first outside byte. */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/state.h"
#include "shared/message_id.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits(3) */
#define EXIT_RIGHTS 77 /* EX_NOPERM: of a check that another user might pass */
#define LOG_RING_BYTES (256u << 10)

/* Says why there is no start: to the journal with its MESSAGE_ID (or NULL), to the console else. For that it may need a
 * thread for a moment, with which the sandbox cannot be entered any more: what is no failure waits for the log. */
static void complain(const struct daemon *daemon, const char *message_id, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
static void complain(const struct daemon *daemon, const char *message_id, const char *format, ...) {
        char text[ERROR_TEXT_MAX + 256];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (service_stderr_is_journal()) {
                logger_write_alone(daemon->program->command, (enum log_target) daemon->options.log_target,
                                   LOG_LEVEL_ERROR, message_id, text);
                return;
        }
        /* On a console each line says whose it is, and goes out whole: the log may write there as well. */
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));) {
                _cleanup_free_ char *whole = text_format("%s: %s\n", daemon->program->command, line);
                if (whole)
                        (void) write_whole(STDERR_FILENO, whole, strlen(whole));
        }
}

static const struct config_root *root_of(const struct daemon *daemon) {
        return &daemon->generation->config->root;
}

static unsigned worker_count(const struct daemon *daemon, const struct config *config) {
        if (!daemon->program->listeners)
                return 0;
        unsigned configured = daemon->program->workers(&config->root);
        return configured > 0 ? configured : daemon_cpus();
}

static void on_watchdog(struct timer *timer, void *userdata) {
        struct daemon *daemon = userdata;
        if (http_engine_is_alive(daemon->engine)) {
                daemon->is_stuck = false;
                service_notify_watchdog();
        } else if (!daemon->is_stuck) {
                daemon->is_stuck = true;
                log_event(daemon->log, LOG_LEVEL_CRITICAL, MESSAGE_ID_WORKER_STUCK, NULL, 0,
                          "a worker has made no progress for %llu ms; without any, systemd restarts the service",
                          (unsigned long long) daemon->watchdog_interval);
        }
        loop_timer_start(daemon->loop, timer, loop_now(daemon->loop) + daemon->watchdog_interval);
}

static void on_upkeep(struct timer *timer, void *userdata) {
        struct daemon *daemon = userdata;
        uint64_t now = loop_now(daemon->loop);
        (void) timer;
        if (tls_tickets_rotate(daemon->tickets, loop_realtime(daemon->loop)))
                daemon_ticket_keys_save(daemon);
        if (now - daemon->certificates_looked_at >= daemon_certificate_check(daemon)) {
                daemon->certificates_looked_at = now;
                daemon_reload_certificates(daemon);
        }
        daemon_upkeep_start(daemon);
}

/* Of the workers, and of the roles. */
static void on_drained(void *userdata) {
        struct daemon *daemon = userdata;
        if (--daemon->drains_pending == 0)
                loop_stop(daemon->loop, 0);
}

static void begin_drain(struct daemon *daemon) {
        uint64_t timeout = daemon->program->drain_timeout(root_of(daemon));
        uint64_t connections = http_engine_connections(daemon->engine) + daemon_roles_connections(daemon);
        daemon->is_draining = true;
        daemon->drains_pending = 2;
        service_notify_stopping("Stopping: requests that are under way may end");
        log_event(daemon->log, LOG_LEVEL_NOTICE, MESSAGE_ID_STOPPING, NULL, 0,
                  "stopping; %llu connections may end their requests", (unsigned long long) connections);
        http_engine_drain(daemon->engine, timeout, on_drained, daemon);
        daemon_roles_drain(daemon, timeout, on_drained);
}

static void on_signal(int signal_number, pid_t sender, void *userdata) {
        struct daemon *daemon = userdata;
        (void) sender;
        switch (signal_number) {
        case SIGHUP:
                (void) daemon_reload_start(daemon, NULL);
                break;
        case SIGUSR1:
                logger_reopen(daemon->logger);
                break;
        default:
                if (daemon->is_draining)
                        loop_stop(daemon->loop, 0);
                else
                        begin_drain(daemon);
                break;
        }
}

static int watch_signals(struct daemon *daemon) {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGUSR1);
        signal(SIGPIPE, SIG_IGN);
        return loop_watch_signals(daemon->loop, &signals, on_signal, daemon);
}

static int start_logging(struct daemon *daemon, const struct config *config, struct error *error) {
        enum log_level level = (enum log_level)(LOG_LEVEL_ERROR + config->root.log.level);
        int r = logger_new(daemon->program->command, (enum log_target) daemon->options.log_target, level, error,
                           &daemon->logger);
        if (r >= 0)
                r = log_producer_new(daemon->logger, LOG_RING_BYTES, &daemon->log);
        if (r >= 0)
                r = log_producer_new(daemon->logger, LOG_RING_BYTES, &daemon->pool_log);
        return r < 0 ? error_set_errno(error, r, "starting the log") : 0;
}

static void say_started(struct daemon *daemon) {
        const struct config_root *root = root_of(daemon);
        const struct config_list *list = daemon_listeners(daemon, root);
        const struct config_listener *listeners = list->items;
        _cleanup_text_ struct text text = TEXT_INIT;
        for (size_t i = 0; i < list->count; i++)
                if (daemon->addresses[i])
                        text_printf(&text, "%s%s://%s", text.length > 0 ? ", " : "",
                                    listeners[i].tls ? "https" : "http", daemon->addresses[i]);
        daemon_roles_append_addresses(daemon, &text);
        unsigned workers = http_engine_services(daemon->engine)->worker_count;
        char with[64] = "";
        if (workers > 0)
                (void) snprintf(with, sizeof(with), " with %u worker%s", workers, workers == 1 ? "" : "s");
        log_info(daemon->log, "sandbox: %s", daemon->sandbox_summary);
        log_event(daemon->log, LOG_LEVEL_NOTICE, MESSAGE_ID_STARTED, NULL, 0, "%s %s serves %s%s",
                  daemon->program->command, CCODES_VERSION, text.data, with);
        char status[256];
        (void) snprintf(status, sizeof(status), "Serving %.200s", text.data);
        service_notify_ready(status);
}

/* What a start gathers on its way, and gives up at its end. */
struct start {
        struct config *config;
        const struct config_list *listeners;
        unsigned workers;
        struct http_engine_sockets *sockets;
};

/* Listening sockets, while every right is still there. */
static int open_sockets(struct daemon *daemon, struct start *start, struct error *error) {
        daemon->failed_step = MESSAGE_ID_LISTEN_FAILED;
        int r = daemon_sockets_collect(daemon, start->listeners, start->workers, error, &start->sockets);
        if (r >= 0)
                r = daemon_sockets_note(daemon, start->sockets, start->listeners->count);
        return r < 0 ? r : daemon_roles_open(daemon, error);
}

/* The sandbox, then the first threads. */
static int give_up_rights(struct daemon *daemon, const struct start *start, struct error *error) {
        struct daemon_descriptors descriptors;
        daemon_descriptors_raise(&start->config->root, &descriptors);
        daemon->failed_step = MESSAGE_ID_SANDBOX_FAILED;
        int r = daemon_confine(daemon, start->config, error);
        if (r >= 0)
                r = start_logging(daemon, start->config, error);
        if (r < 0)
                return r;
        daemon->failed_step = NULL;
        daemon_descriptors_warn(daemon, &descriptors);
        daemon_sockets_warn(daemon, start->listeners);
        return 0;
}

/* What lasts as long as the process, whatever the configuration becomes. */
static int make_parts(struct daemon *daemon, const struct start *start, struct error *error) {
        int r = daemon_ticket_keys_make(daemon, start->config);
        if (r >= 0)
                r = metrics_new(&daemon->metrics);
        if (r >= 0)
                r = daemon_pools_make(daemon);
        if (r >= 0)
                r = daemon_state_make(daemon, start->config, error);
        const struct http_engine_options options = {
                .loop = daemon->loop,
                .logger = daemon->logger,
                .metrics = daemon->metrics,
                .pool = daemon->pool,
                .writers = daemon->writers,
                .compute = daemon->compute,
                .workers = start->workers,
        };
        if (r >= 0)
                r = http_engine_new(&options, error, &daemon->engine);
        if (r >= 0)
                r = metrics_shard_new(daemon->metrics, &daemon->shard);
        return r;
}

/* The first generation, and workers that serve it. */
static int begin_serving(struct daemon *daemon, struct start *start, struct error *error) {
        /* A root or a certificate that cannot be read: trying again does not help. */
        daemon->failed_step = MESSAGE_ID_CONFIG_INVALID;
        daemon->exit_status = EXIT_CONFIG;
        int r = daemon_generation_new(daemon, config_ref(start->config), daemon->log, error, &daemon->generation);
        if (r < 0)
                return r;
        daemon->failed_step = NULL;
        daemon->exit_status = 0;
        r = daemon_in_force_new(start->config, start->config, &daemon->in_force);
        if (r < 0)
                return r;
        r = http_engine_start(daemon->engine, daemon->generation, start->sockets, error);
        return r < 0 ? r : daemon_roles_serve(daemon, error);
}

/* From a checked configuration, whose reference is taken, to workers that serve. */
static int start(struct daemon *daemon, struct config *config, struct error *error) {
        struct start start = {
                .config = config,
                .listeners = daemon_listeners(daemon, &config->root),
                .workers = worker_count(daemon, config),
        };
        int r = open_sockets(daemon, &start, error);
        if (r >= 0)
                r = give_up_rights(daemon, &start, error);
        if (r >= 0)
                r = make_parts(daemon, &start, error);
        if (r >= 0)
                r = begin_serving(daemon, &start, error);
        daemon_sockets_free(start.sockets, start.listeners->count);
        config_unref(config);
        return r < 0 ? error_set_errno(error, r, "starting") : 0;
}

/*
 * The order matters. The workers' threads end first, then those of the pools, whose last results wait in the mailboxes of
 * the loops that asked for them. A look-up in flight keeps its generation until its result is delivered, when its loop
 * is freed at the latest: what detaching it touches (the worker, the loop, the log, the metrics, the program's state)
 * goes after that. Reports of the workers to the main loop are within the engine, which is therefore freed after it.
 */
static void stop(struct daemon *daemon) {
        daemon->is_draining = true; /* a reload that is built by now is not put in force */
        if (daemon->engine)
                http_engine_stop(daemon->engine);
        daemon_roles_stop(daemon);
        if (daemon->state && daemon->program->state_stop)
                daemon->program->state_stop(daemon->state);
        daemon_pools_free(daemon);
        loop_free(daemon->loop);
        http_generation_unref(daemon->generation, daemon->log);
        daemon_roles_done(daemon);
        http_engine_free(daemon->engine);
        if (daemon->state && daemon->program->state_free)
                daemon->program->state_free(daemon->state);
        daemon_in_force_free(daemon->in_force);
        tls_tickets_unref(daemon->tickets);
        if (daemon->logger)
                logger_free(daemon->logger);
        metrics_free(daemon->metrics);
        service_fds_done(&daemon->fds);
        for (size_t i = 0; i < daemon->address_count; i++)
                free(daemon->addresses[i]);
        free(daemon->addresses);
        free(daemon->last_error);
        free(daemon->sandbox_summary);
}

static int run(struct daemon *daemon) {
        daemon->watchdog_interval = service_watchdog_interval() / 1000;
        timer_init(&daemon->watchdog, on_watchdog, daemon);
        timer_init(&daemon->upkeep, on_upkeep, daemon);
        if (daemon->watchdog_interval > 0)
                on_watchdog(&daemon->watchdog, daemon);
        daemon_upkeep_start(daemon);
        daemon->started = daemon->loaded = loop_realtime_usec(daemon->loop);
        say_started(daemon);
        return loop_run(daemon->loop);
}

int daemon_main(const struct daemon_program *program, int argc, char **argv) {
        struct daemon daemon = {
                .program = program,
                .admin = daemon_admin_application,
                .admin_role = { .name = "admin", .mode = 0660, .group = "ccodes" },
        };
        daemon.admin_role.application = &daemon.admin;
        daemon_reload_init(&daemon);
        int status = daemon_options_parse(argc, argv, program->command, program->summary, &daemon.options);
        if (status >= 0)
                return status;

        struct error error = ERROR_INIT;
        struct config *config = NULL;
        /* What is said about the file later shall mean something wherever it is read. */
        _cleanup_free_ char *absolute = realpath(daemon.options.config, NULL);
        if (absolute)
                daemon.options.config = absolute;
        int r = config_load(daemon.options.config, &error, &config);
        if (r >= 0 && program->listeners && program->listeners(&config->root)->count == 0)
                r = error_set(&error, -ENOENT,
                              "%s: no [[%s.listener]] is configured: there is nothing to listen on; see ccodes.toml(5)",
                              daemon.options.config, program->name);
        if (r < 0) {
                config_unref(config);
                complain(&daemon, MESSAGE_ID_CONFIG_INVALID, "%s", error.text);
                return daemon.options.check ? 1 : EXIT_CONFIG;
        }
        r = loop_new(&daemon.loop);
        if (r >= 0)
                r = watch_signals(&daemon);
        if (r >= 0)
                r = service_take_fds(&error, &daemon.fds);
        daemon.is_activated = daemon.fds.count > 0;
        if (r < 0)
                config_unref(config);
        else
                r = daemon.options.check ? daemon_check(&daemon, config, &error) : start(&daemon, config, &error);
        if (r >= 0 && !daemon.options.check)
                r = run(&daemon);
        if (r < 0)
                complain(&daemon, daemon.failed_step, "%s", error_is_set(&error) ? error.text : strerror(-r));
        stop(&daemon);
        if (r >= 0)
                return 0;
        if (daemon.options.check)
                return r == -EACCES || r == -EPERM ? EXIT_RIGHTS : 1;
        return daemon.exit_status ? daemon.exit_status : 1;
}
