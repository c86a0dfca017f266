/* SPDX-License-Identifier: Apache-2.0 */
/* New generations while the daemon runs. Everything is read, checked and built first, off the main loop; only what is
 * whole is given to the workers, and a failure leaves the old generation in force. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/state.h"
#include "shared/message_id.h"

int daemon_generation_new(struct daemon *daemon, struct config *config, struct log_producer *producer,
                          struct error *error, struct http_generation **ret_generation) {
        const struct daemon_program *program = daemon->program;
        void *snapshot = NULL;
        int r = program->snapshot_new(config, daemon->state, error, &snapshot);
        if (r < 0) {
                config_unref(config);
                return r;
        }
        const struct http_generation_options options = {
                .config = config,
                .listeners = daemon_listeners(daemon, &config->root),
                .application = program->application,
                .snapshot = snapshot,
                .tickets = config->root.tls.tickets ? daemon->tickets : NULL,
                .logger = program->listeners ? daemon->logger : NULL,
                .previous = daemon->generation,
                .producer = producer,
        };
        return http_generation_new(&options, error, ret_generation);
}

static void report_failure(struct daemon *daemon, const char *text) {
        daemon->reload_failures++;
        free(daemon->last_error);
        daemon->last_error = strdup(text);
        log_event(daemon->log, LOG_LEVEL_ERROR, MESSAGE_ID_RELOAD_FAILED, NULL, 0,
                  "reload failed, the old configuration stays in force: %s", text);
}

static void tell(struct list *waiters, int result, const char *text) {
        /* Each waiter may end any other's exchange, which then takes its waiter off the list. */
        while (!list_is_empty(waiters)) {
                struct daemon_reload_waiter *waiter = list_entry(waiters->next, struct daemon_reload_waiter, link);
                list_remove(&waiter->link);
                waiter->done(waiter, result, text);
        }
}

static void start(struct daemon *daemon, struct config *config);

/* What was asked for meanwhile is done now: the files may have changed after they were read. */
static void go_on(struct daemon *daemon) {
        struct daemon_reload *reload = &daemon->reload;
        reload->is_running = false;
        if (!reload->is_wanted)
                return;
        reload->is_wanted = false;
        list_splice(&reload->waiters, &reload->later);
        start(daemon, NULL);
}

static void finish(struct daemon *daemon, int result, const char *text) {
        if (result < 0)
                report_failure(daemon, text);
        service_notify_ready(NULL);
        tell(&daemon->reload.waiters, result, text);
        go_on(daemon);
}

static void warn(const char *text, void *userdata) {
        log_event(userdata, LOG_LEVEL_WARNING, MESSAGE_ID_CERTIFICATE_INVALID, NULL, 0, "%s", text);
}

static void warn_of_certificates(struct daemon *daemon, const struct http_generation *generation) {
        for (size_t i = 0; i < generation->listener_count; i++)
                if (generation->listeners[i].tls)
                        tls_context_each_warning(generation->listeners[i].tls, warn, daemon->log);
}

static void drop_built(struct daemon *daemon) {
        http_generation_unref(take_pointer(daemon->reload.generation), daemon->log);
        daemon_in_force_free(take_pointer(daemon->reload.in_force));
}

/* Every worker has the new generation. */
static void on_in_force(int result, void *userdata) {
        struct daemon *daemon = userdata;
        struct daemon_reload *reload = &daemon->reload;
        if (result >= 0)
                result = daemon_roles_set_generation(daemon, reload->generation);
        if (result < 0) {
                drop_built(daemon);
                finish(daemon, result, "a worker has no memory left for the new configuration");
                return;
        }
        _cleanup_text_ struct text text = TEXT_INIT;
        if (reload->is_for_certificates)
                text_append_string(&text, "certificates were reloaded");
        else
                daemon_in_force_describe(daemon->in_force, reload->in_force, &text);
        http_generation_unref(daemon->generation, daemon->log);
        daemon->generation = take_pointer(reload->generation);
        daemon_in_force_free(daemon->in_force);
        daemon->in_force = take_pointer(reload->in_force);
        daemon->loaded = loop_realtime_usec(daemon->loop);
        daemon->reloads++;
        tls_tickets_set_rotation(daemon->tickets,
                                 (int64_t) (daemon->generation->config->root.tls.ticket_rotation / 1000000));
        daemon_upkeep_start(daemon);
        free(take_pointer(daemon->last_error));
        logger_set_level(daemon->logger,
                         (enum log_level)(LOG_LEVEL_ERROR + daemon->generation->config->root.log.level));
        log_event(daemon->log, LOG_LEVEL_NOTICE,
                  reload->is_for_certificates ? MESSAGE_ID_CERTIFICATE_RELOADED : MESSAGE_ID_RELOADED, NULL, 0, "%s",
                  text.data);
        warn_of_certificates(daemon, daemon->generation);
        finish(daemon, 0, text.data);
}

static void build_done(struct thread_task *task) {
        struct daemon_reload *reload = container_of(task, struct daemon_reload, task);
        struct daemon *daemon = reload->daemon;
        int r = reload->result;
        if (task->result < 0)
                config_unref(take_pointer(reload->config)); /* the process ends */
        if (r >= 0 && !reload->generation) {
                go_on(daemon); /* no certificate has changed */
                return;
        }
        if (r >= 0 && daemon->is_draining)
                r = error_set(&reload->error, -ESHUTDOWN, "the daemon is stopping");
        if (r >= 0)
                r = http_engine_set_generation(daemon->engine, reload->generation, on_in_force, daemon);
        if (r < 0) {
                drop_built(daemon);
                finish(daemon, r, error_is_set(&reload->error) ? reload->error.text : strerror(-r));
        }
}

static void build(struct thread_task *task) {
        struct daemon_reload *reload = container_of(task, struct daemon_reload, task);
        struct daemon *daemon = reload->daemon;
        struct config *config = take_pointer(reload->config);
        if (reload->is_for_certificates && !http_generation_is_stale(daemon->generation)) {
                config_unref(config);
                reload->result = 0;
                return;
        }
        reload->result = config ? 0 : config_load(daemon->options.config, &reload->error, &config);
        if (reload->result >= 0)
                reload->result = daemon_generation_new(daemon, config, daemon->pool_log, &reload->error,
                                                       &reload->generation);
        if (reload->result >= 0)
                reload->result = daemon_in_force_new(daemon->in_force->started, reload->generation->config,
                                                     &reload->in_force);
}

/* Nothing is under way. `config` NULL: the file is read. */
static void start(struct daemon *daemon, struct config *config) {
        struct daemon_reload *reload = &daemon->reload;
        reload->task = (struct thread_task) { .run = build, .done = build_done };
        reload->config = config ? config_ref(config) : NULL;
        reload->generation = NULL;
        reload->in_force = NULL;
        reload->error = ERROR_INIT;
        reload->result = 0;
        reload->is_for_certificates = config != NULL;
        reload->is_running = true;
        if (!reload->is_for_certificates)
                service_notify_reloading();
        int r = thread_pool_submit(daemon->pool, daemon->loop, &reload->task);
        if (r >= 0)
                return;
        config_unref(take_pointer(reload->config));
        if (reload->is_for_certificates)
                go_on(daemon); /* they are looked at again soon */
        else
                finish(daemon, r, "the thread pool has more to do than it can take; try again");
}

void daemon_reload_init(struct daemon *daemon) {
        daemon->reload.daemon = daemon;
        list_init(&daemon->reload.waiters);
        list_init(&daemon->reload.later);
}

int daemon_reload_start(struct daemon *daemon, struct daemon_reload_waiter *waiter) {
        struct daemon_reload *reload = &daemon->reload;
        if (daemon->is_draining)
                return -ESHUTDOWN;
        if (waiter)
                list_append(reload->is_running ? &reload->later : &reload->waiters, &waiter->link);
        if (reload->is_running)
                reload->is_wanted = true;
        else
                start(daemon, NULL);
        return 0;
}

void daemon_reload_certificates(struct daemon *daemon) {
        if (!daemon->reload.is_running && !daemon->is_draining)
                start(daemon, daemon->generation->config);
}
