/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's life from its command line to its exit status. The order of the start matters: sockets and files first,
 * then the sandbox, and only then threads and the first outside byte. */
#include "daemon/daemon.h"

#include <errno.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/listener_socket.h"
#include "daemon/state.h"
#include "shared/message_id.h"
#include "shared/sandbox.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits(3) */
#define POOL_THREADS 4 /* most of them wait for a disk */
#define POOL_QUEUE 4096
#define LOG_RING_BYTES (256u << 10)
#define UPKEEP_MSEC 1000
#define TICKETS_NAME "ticket-keys"

void daemon_complain(const struct daemon *daemon, enum log_level level, const char *message_id, const char *format,
                     ...) {
        char text[ERROR_TEXT_MAX + 256];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (service_stderr_is_journal()) {
                logger_write_alone(daemon->program->command, (enum log_target) daemon->options.log_target, level,
                                   message_id, text);
                return;
        }
        /* On a console each line says whose it is. */
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
                fprintf(stderr, "%s: %s\n", daemon->program->command, line);
}

static const struct config_root *root_of(const struct daemon *daemon) {
        return &daemon->generation->config->root;
}

static unsigned worker_count(const struct daemon *daemon, const struct config *config) {
        unsigned configured = daemon->program->workers(&config->root);
        if (configured > 0)
                return configured;
        cpu_set_t cpus;
        int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
        return count > 0 ? (unsigned) count : 1;
}

/* Ticket keys outlive a restart in systemd's descriptor store. */
static void save_tickets(struct daemon *daemon) {
        unsigned char blob[TLS_TICKETS_BLOB_SIZE];
        size_t length = tls_tickets_save(daemon->tickets, blob);
        _cleanup_close_ int fd = memfd_create(TICKETS_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || write(fd, blob, length) != (ssize_t) length)
                return;
        (void) fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        (void) service_store_fd(TICKETS_NAME, fd);
        explicit_bzero(blob, sizeof(blob));
}

static int make_tickets(struct daemon *daemon, const struct config *config) {
        int64_t now = loop_realtime(daemon->loop);
        int r = tls_tickets_new(now, (int64_t) (config->root.tls.ticket_rotation / 1000000), &daemon->tickets);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = service_fds_claim(&daemon->fds, TICKETS_NAME);
        if (fd >= 0) {
                unsigned char blob[TLS_TICKETS_BLOB_SIZE];
                ssize_t n = pread(fd, blob, sizeof(blob), 0);
                if (n > 0)
                        (void) tls_tickets_restore(daemon->tickets, blob, (size_t) n, now);
                explicit_bzero(blob, sizeof(blob));
        }
        save_tickets(daemon);
        return 0;
}

struct path_collector {
        struct sandbox_path *items;
        size_t count, capacity;
        bool failed;
};

/* Places that are not there are left out: what needs them says so itself, with its own name. */
static void collect_path(const char *path, unsigned access_bits, void *userdata) {
        struct path_collector *collector = userdata;
        if (!path || access(path, F_OK) < 0)
                return;
        if (collector->count == collector->capacity) {
                size_t capacity = collector->capacity ? 2 * collector->capacity : 16;
                struct sandbox_path *larger = reallocarray(collector->items, capacity, sizeof(*larger));
                if (!larger) {
                        collector->failed = true;
                        return;
                }
                collector->items = larger;
                collector->capacity = capacity;
        }
        char *copy = strdup(path);
        collector->failed |= !copy;
        if (copy)
                collector->items[collector->count++] = (struct sandbox_path) { copy, access_bits };
}

/* Files are replaced by renaming: the folder is what must stay readable. */
static void collect_folder_of(const char *path, unsigned access_bits, struct path_collector *collector) {
        if (!path)
                return;
        _cleanup_free_ char *copy = strdup(path);
        if (copy)
                collect_path(dirname(copy), access_bits, collector);
}

static int enter_sandbox(struct daemon *daemon, const struct config *config, struct error *error) {
        const struct config_root *root = &config->root;
        const struct config_certificate *certificates = root->certificates.items;
        const struct config_list *list = daemon->program->listeners(root);
        const struct config_listener *listeners = list->items;
        struct path_collector paths = { 0 };

        collect_folder_of(daemon->options.config, SANDBOX_READ, &paths);
        for (size_t i = 0; i < root->certificates.count; i++) {
                collect_folder_of(certificates[i].certificate, SANDBOX_READ, &paths);
                collect_folder_of(certificates[i].key, SANDBOX_READ, &paths);
                collect_folder_of(certificates[i].ocsp, SANDBOX_READ, &paths);
        }
        for (size_t i = 0; i < list->count; i++)
                collect_folder_of(listeners[i].client_ca, SANDBOX_READ, &paths);
        if (root->log.access.target == CONFIG_ACCESS_FILE)
                collect_folder_of(root->log.access.path, SANDBOX_READ | SANDBOX_WRITE, &paths);
        daemon->program->each_path(root, collect_path, &paths);

        const struct sandbox sandbox = {
                .name = daemon->program->name,
                .mode = daemon->program->sandbox(root) ? SANDBOX_ENFORCED : SANDBOX_OFF,
                .paths = paths.items,
                .path_count = paths.count,
        };
        struct text summary = TEXT_INIT;
        int r = paths.failed ? -ENOMEM : sandbox_enter(&sandbox, error, &summary);
        for (size_t i = 0; i < paths.count; i++)
                free((char *) paths.items[i].path);
        free(paths.items);
        size_t length;
        if (r >= 0)
                r = text_finish(&summary, &daemon->sandbox_summary, &length);
        text_done(&summary);
        return r < 0 ? error_set_errno(error, r, "entering the sandbox") : 0;
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
        uint64_t check = root_of(daemon)->tls.certificate_check / 1000;
        if (tls_tickets_rotate(daemon->tickets, loop_realtime(daemon->loop)))
                save_tickets(daemon);
        daemon_reload_certificates(daemon);
        loop_timer_start(daemon->loop, timer, loop_now(daemon->loop) + MAX_OF(check, (uint64_t) UPKEEP_MSEC));
}

static void on_drained(void *userdata) {
        struct daemon *daemon = userdata;
        loop_stop(daemon->loop, 0);
}

static void begin_drain(struct daemon *daemon) {
        uint64_t timeout = daemon->program->drain_timeout(root_of(daemon));
        daemon->is_draining = true;
        service_notify_stopping("Stopping: requests that are under way may end");
        log_event(daemon->log, LOG_LEVEL_NOTICE, MESSAGE_ID_STOPPING, NULL, 0,
                  "stopping; %llu connections may end their requests",
                  (unsigned long long) http_engine_connections(daemon->engine));
        http_engine_drain(daemon->engine, timeout, on_drained, daemon);
}

static void on_signal(int signal_number, pid_t sender, void *userdata) {
        struct daemon *daemon = userdata;
        (void) sender;
        switch (signal_number) {
        case SIGHUP:
                (void) daemon_reload_start(daemon, NULL, NULL);
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
        const struct config_list *list = daemon->program->listeners(root);
        const struct config_listener *listeners = list->items;
        _cleanup_text_ struct text text = TEXT_INIT;
        for (size_t i = 0; i < list->count; i++)
                if (daemon->addresses[i])
                        text_printf(&text, "%s%s://%s", text.length > 0 ? ", " : "",
                                    listeners[i].tls ? "https" : "http", daemon->addresses[i]);
        unsigned workers = http_engine_services(daemon->engine)->worker_count;
        log_info(daemon->log, "sandbox: %s", daemon->sandbox_summary);
        log_event(daemon->log, LOG_LEVEL_NOTICE, MESSAGE_ID_STARTED, NULL, 0, "%s %s serves %s with %u worker%s",
                  daemon->program->command, CCODES_VERSION, text.data, workers, workers == 1 ? "" : "s");
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
        int admin_fd;
};

/* Listening sockets, while every right is still there. */
static int open_sockets(struct daemon *daemon, struct start *start, struct error *error) {
        daemon->failed_step = MESSAGE_ID_LISTEN_FAILED;
        int r = daemon_sockets_collect(daemon, start->listeners, start->workers, error, &start->sockets);
        if (r >= 0)
                r = daemon_sockets_note(daemon, start->sockets, start->listeners->count);
        if (r >= 0 && start->admin_fd < 0 && daemon->options.admin_socket)
                r = start->admin_fd = unix_socket_open(daemon->options.admin_socket, 0660, 64, error);
        return r;
}

/* The sandbox, then the first threads. */
static int give_up_rights(struct daemon *daemon, const struct start *start, struct error *error) {
        struct daemon_descriptors descriptors;
        daemon_descriptors_raise(&start->config->root, &descriptors);
        daemon->failed_step = MESSAGE_ID_SANDBOX_FAILED;
        int r = enter_sandbox(daemon, start->config, error);
        if (r >= 0)
                r = start_logging(daemon, start->config, error);
        if (r < 0)
                return r;
        daemon->failed_step = NULL;
        daemon_descriptors_warn(daemon, &descriptors);
        return 0;
}

/* What lasts as long as the process, whatever the configuration becomes. */
static int make_parts(struct daemon *daemon, const struct start *start, struct error *error) {
        const struct daemon_program *program = daemon->program;
        int r = make_tickets(daemon, start->config);
        if (r >= 0)
                r = metrics_new(&daemon->metrics);
        if (r >= 0)
                r = thread_pool_new(POOL_THREADS, POOL_QUEUE, &daemon->pool);
        if (r >= 0 && program->state_new)
                r = program->state_new(&start->config->root, daemon->metrics, error, &daemon->state);
        const struct http_engine_options options = {
                .loop = daemon->loop,
                .logger = daemon->logger,
                .metrics = daemon->metrics,
                .pool = daemon->pool,
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
        r = http_engine_start(daemon->engine, daemon->generation, start->sockets, error);
        if (r >= 0 && start->admin_fd >= 0)
                r = daemon_admin_start(daemon, take_fd(&start->admin_fd), error);
        return r;
}

/* From a checked configuration, whose reference is taken, to workers that serve. */
static int start(struct daemon *daemon, struct config *config, struct error *error) {
        struct start start = {
                .config = config,
                .listeners = daemon->program->listeners(&config->root),
                .workers = worker_count(daemon, config),
                .admin_fd = service_fds_claim(&daemon->fds, "admin"),
        };
        int r = open_sockets(daemon, &start, error);
        if (r >= 0)
                r = give_up_rights(daemon, &start, error);
        if (r >= 0)
                r = make_parts(daemon, &start, error);
        if (r >= 0)
                r = begin_serving(daemon, &start, error);
        daemon_sockets_free(start.sockets, start.listeners->count);
        close_fd(start.admin_fd);
        config_unref(config);
        return r < 0 ? error_set_errno(error, r, "starting") : 0;
}

/*
 * The order matters. The workers' threads end first, then those of the pool, whose last results wait in the mailboxes of
 * the loops that asked for them. A look-up in flight keeps its generation until its result is delivered, when its loop
 * is freed at the latest: what detaching it touches (the worker, the loop, the log, the metrics, the program's state)
 * goes after that. Reports of the workers to the main loop are within the engine, which is therefore freed after it.
 */
static void stop(struct daemon *daemon) {
        daemon->is_draining = true; /* a reload that is built by now is not put in force */
        if (daemon->engine)
                http_engine_stop(daemon->engine);
        if (daemon->has_admin)
                http_worker_done(&daemon->admin);
        if (daemon->pool)
                thread_pool_free(daemon->pool);
        loop_free(daemon->loop);
        http_generation_unref(daemon->admin_generation, daemon->log);
        http_generation_unref(daemon->generation, daemon->log);
        http_engine_free(daemon->engine);
        if (daemon->state && daemon->program->state_free)
                daemon->program->state_free(daemon->state);
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
        on_upkeep(&daemon->upkeep, daemon);
        daemon->started = daemon->loaded = loop_realtime_usec(daemon->loop);
        say_started(daemon);
        return loop_run(daemon->loop);
}

/* What can be checked without serving: the files that the configuration names, too. */
static int check(struct daemon *daemon, struct config *config, struct error *error) {
        int r = 0;
        if (daemon->program->state_new) {
                r = metrics_new(&daemon->metrics);
                if (r >= 0)
                        r = daemon->program->state_new(&config->root, daemon->metrics, error, &daemon->state);
        }
        if (r < 0) {
                config_unref(config);
                return r;
        }
        r = daemon_generation_new(daemon, config, NULL, error, &daemon->generation);
        if (r >= 0)
                printf("%s: the configuration is valid\n", daemon->options.config);
        return r;
}

int daemon_main(const struct daemon_program *program, int argc, char **argv) {
        struct daemon daemon = { .program = program };
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
        if (r >= 0 && program->listeners(&config->root)->count == 0 && !daemon.options.check)
                r = error_set(&error, -ENOENT,
                              "%s: no [[%s.listener]] is configured: there is nothing to listen on; see ccodes.toml(5)",
                              daemon.options.config, program->name);
        if (r < 0) {
                config_unref(config);
                daemon_complain(&daemon, LOG_LEVEL_ERROR, MESSAGE_ID_CONFIG_INVALID, "%s", error.text);
                return daemon.options.check ? 1 : EXIT_CONFIG;
        }
        r = loop_new(&daemon.loop);
        if (r >= 0)
                r = watch_signals(&daemon);
        if (r >= 0)
                r = service_take_fds(&error, &daemon.fds);
        if (r < 0)
                config_unref(config);
        else
                r = daemon.options.check ? check(&daemon, config, &error) : start(&daemon, config, &error);
        if (r >= 0 && !daemon.options.check)
                r = run(&daemon);
        if (r < 0)
                daemon_complain(&daemon, LOG_LEVEL_ERROR, daemon.failed_step, "%s",
                                error_is_set(&error) ? error.text : strerror(-r));
        stop(&daemon);
        if (r >= 0)
                return 0;
        return daemon.exit_status ? daemon.exit_status : 1;
}
