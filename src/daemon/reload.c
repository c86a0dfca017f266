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

/* What a change needs beyond a reload, gathered as text. */
struct changes {
        struct text more; /* keys that need a new process */
        size_t count;
};

static void on_difference(const char *path, const char *before, const char *after, enum config_effect effect,
                          void *userdata) {
        struct changes *changes = userdata;
        (void) before;
        (void) after;
        changes->count++;
        if (effect == CONFIG_LIVE)
                return;
        text_append_string(&changes->more, changes->more.length > 0 ? ", " : "");
        text_append_string(&changes->more, path);
}

static void describe(const struct config *before, const struct config *after, struct text *text) {
        struct changes changes = { .more = TEXT_INIT };
        config_compare(&config_root_table, &before->root, &after->root, on_difference, &changes);
        if (changes.count == 0)
                text_append_string(text, "reloaded; nothing has changed");
        else
                text_printf(text, "reloaded; %zu value%s changed", changes.count, changes.count == 1 ? "" : "s");
        if (changes.more.length > 0)
                text_printf(text, "; run `ccodesctl apply` for what needs a new process: %s", changes.more.data);
        text_done(&changes.more);
}

static void report_failure(struct daemon *daemon, const char *text) {
        daemon->reload_failures++;
        free(daemon->last_error);
        daemon->last_error = strdup(text);
        log_event(daemon->log, LOG_LEVEL_ERROR, MESSAGE_ID_RELOAD_FAILED, NULL, 0,
                  "reload failed, the old configuration stays in force: %s", text);
}

static void finish(struct daemon *daemon, int result, const char *text) {
        struct daemon_reload *reload = &daemon->reload;
        reload->is_running = false;
        if (result < 0)
                report_failure(daemon, text);
        service_notify_ready(NULL);
        if (reload->done)
                reload->done(daemon, result, text, reload->userdata);
}

static void warn(const char *text, void *userdata) {
        log_event(userdata, LOG_LEVEL_WARNING, MESSAGE_ID_CERTIFICATE_INVALID, NULL, 0, "%s", text);
}

static void warn_of_certificates(struct daemon *daemon, const struct http_generation *generation) {
        for (size_t i = 0; i < generation->listener_count; i++)
                if (generation->listeners[i].tls)
                        tls_context_each_warning(generation->listeners[i].tls, warn, daemon->log);
}

/* Every worker has the new generation. */
static void on_in_force(int result, void *userdata) {
        struct daemon *daemon = userdata;
        struct daemon_reload *reload = &daemon->reload;
        if (result >= 0)
                result = daemon_roles_set_generation(daemon, reload->generation);
        if (result < 0) {
                http_generation_unref(take_pointer(reload->generation), daemon->log);
                finish(daemon, result, "a worker has no memory left for the new configuration");
                return;
        }
        _cleanup_text_ struct text text = TEXT_INIT;
        if (reload->is_for_certificates)
                text_append_string(&text, "certificates were reloaded");
        else
                describe(daemon->generation->config, reload->generation->config, &text);
        http_generation_unref(daemon->generation, daemon->log);
        daemon->generation = take_pointer(reload->generation);
        daemon->loaded = loop_realtime_usec(daemon->loop);
        daemon->reloads++;
        tls_tickets_set_rotation(daemon->tickets,
                                 (int64_t) (daemon->generation->config->root.tls.ticket_rotation / 1000000));
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
        if (reload->result == 0 && !reload->generation) {
                reload->is_running = false; /* no certificate has changed */
                return;
        }
        if (reload->result >= 0 && daemon->is_draining)
                reload->result = error_set(&reload->error, -ESHUTDOWN, "the daemon is stopping");
        if (reload->result >= 0)
                reload->result = http_engine_set_generation(daemon->engine, reload->generation, on_in_force, daemon);
        if (reload->result < 0) {
                http_generation_unref(take_pointer(reload->generation), daemon->log);
                finish(daemon, reload->result, reload->error.text);
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
}

static int start(struct daemon *daemon, struct config *config, daemon_reload_done *done, void *userdata) {
        struct daemon_reload *reload = &daemon->reload;
        if (reload->is_running || daemon->is_draining)
                return -EBUSY;
        *reload = (struct daemon_reload) {
                .task = { .run = build, .done = build_done },
                .daemon = daemon,
                .config = config ? config_ref(config) : NULL,
                .is_for_certificates = config != NULL,
                .is_running = true,
                .done = done,
                .userdata = userdata,
        };
        int r = thread_pool_submit(daemon->pool, daemon->loop, &reload->task);
        if (r < 0) {
                config_unref(take_pointer(reload->config));
                reload->is_running = false;
                return -EBUSY;
        }
        if (!reload->is_for_certificates)
                service_notify_reloading();
        return 0;
}

int daemon_reload_start(struct daemon *daemon, daemon_reload_done *done, void *userdata) {
        return start(daemon, NULL, done, userdata);
}

void daemon_reload_certificates(struct daemon *daemon) {
        (void) start(daemon, daemon->generation->config, NULL, NULL);
}
