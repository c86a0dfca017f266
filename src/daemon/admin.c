/* SPDX-License-Identifier: Apache-2.0 */
/* The role "admin" of every daemon: what it is, how it does, and the orders to reload and to open logs anew. Whoever can
 * connect has the authority; the socket's mode and group decide who that is. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/state.h"
#include "http/engine_metrics.h"
#include "http/respond.h"

static const struct slice json_type = { "application/json", 16 };

static void append_json_field(struct text *text, const char *name, const char *value) {
        text_printf(text, ",\"%s\":", name);
        if (value)
                text_append_json(text, slice_of(value));
        else
                text_append_string(text, "null");
}

static void append_listeners(const struct daemon *daemon, struct text *text) {
        const struct http_generation *generation = daemon->generation;
        text_append_string(text, ",\"listeners\":[");
        for (size_t i = 0; i < generation->listener_count; i++) {
                const struct config_listener *listener = generation->listeners[i].config;
                text_append_string(text, i > 0 ? ",{\"name\":" : "{\"name\":");
                text_append_json(text, slice_of(listener->name));
                append_json_field(text, "address", daemon->addresses[i]);
                append_json_field(text, "configured", listener->address);
                text_printf(text, ",\"tls\":%s}", listener->tls ? "true" : "false");
        }
        text_append_char(text, ']');
}

static uint64_t requests(const struct daemon *daemon) {
        const struct http_engine_metrics *ids = http_engine_services(daemon->engine)->ids;
        uint64_t sum = 0;
        for (size_t i = 1; i < ELEMENTS_OF(ids->requests); i++)
                sum += metrics_read(daemon->metrics, ids->requests[i]);
        return sum;
}

static void respond_status(struct http_exchange *exchange, const struct daemon *daemon) {
        _cleanup_text_ struct text text = TEXT_INIT;
        text_printf(&text, "{\"name\":\"%s\",\"version\":\"%s\",\"pid\":%d", daemon->program->command, CCODES_VERSION,
                    (int) getpid());
        text_printf(&text, ",\"state\":\"%s\"", daemon->is_draining ? "draining" : "serving");
        text_printf(&text, ",\"started\":%" PRId64 ".%06" PRId64 ",\"loaded\":%" PRId64 ".%06" PRId64,
                    daemon->started / 1000000, daemon->started % 1000000, daemon->loaded / 1000000,
                    daemon->loaded % 1000000);
        text_printf(&text, ",\"workers\":%u,\"connections\":%" PRIu64 ",\"requests\":%" PRIu64,
                    http_engine_services(daemon->engine)->worker_count, http_engine_connections(daemon->engine),
                    requests(daemon));
        append_json_field(&text, "config", daemon->options.config);
        text_printf(&text, ",\"reloads\":%" PRIu64 ",\"reload_failures\":%" PRIu64, daemon->reloads,
                    daemon->reload_failures);
        append_json_field(&text, "reload_error", daemon->last_error);
        text_printf(&text, ",\"reloading\":%s,\"reload_follows\":%s", daemon->reload.is_running ? "true" : "false",
                    daemon->reload.is_wanted ? "true" : "false");
        append_json_field(&text, "sandbox", daemon->sandbox_summary);
        text_printf(&text, ",\"log_dropped\":%" PRIu64, logger_dropped(daemon->logger));
        append_listeners(daemon, &text);
        text_printf(&text, ",\"role_connections\":%" PRIu64 ",\"roles\":", daemon_roles_connections(daemon));
        daemon_roles_append_json(daemon, &text);
        text_append_string(&text, ",\"pending\":");
        daemon_in_force_append_pending(daemon->in_force, &text);
        text_append_string(&text, "}\n");
        http_respond_text(exchange, 200, json_type, (struct slice) { text.data, text.length });
}

static void respond_config(struct http_exchange *exchange, const struct daemon *daemon) {
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_json(&config_root_table, &daemon->in_force->root, &text);
        http_respond_text(exchange, 200, json_type, (struct slice) { text.data, text.length });
}

static void respond_result(struct http_exchange *exchange, int status, const char *result, const char *message) {
        _cleanup_text_ struct text text = TEXT_INIT;
        text_printf(&text, "{\"result\":\"%s\"", result);
        append_json_field(&text, "message", message);
        text_append_string(&text, "}\n");
        http_respond_text(exchange, status, json_type, (struct slice) { text.data, text.length });
}

/* An exchange that waits for a reload: it may end before that. */
struct reload_request {
        struct daemon_reload_waiter waiter;
        struct http_exchange_end end;
        struct http_exchange *exchange;
};

static void forget_exchange(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) exchange;
        list_remove(&container_of(end, struct reload_request, end)->waiter.link);
}

static void on_reloaded(struct daemon_reload_waiter *waiter, int result, const char *text) {
        struct http_exchange *exchange = container_of(waiter, struct reload_request, waiter)->exchange;
        if (result >= 0)
                respond_result(exchange, 200, "reloaded", text);
        else
                respond_result(exchange, 422, "failed", text);
}

static void start_reload(struct http_exchange *exchange, struct daemon *daemon) {
        struct reload_request *request = arena_alloc(&exchange->arena, sizeof(*request));
        if (!request) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "no memory for a reload");
                return;
        }
        if (daemon->is_draining) {
                respond_result(exchange, 409, "stopping", "the daemon is stopping");
                return;
        }
        *request = (struct reload_request) {
                .waiter.done = on_reloaded,
                .end.run = forget_exchange,
                .exchange = exchange,
        };
        list_init(&request->waiter.link);
        http_exchange_on_end(exchange, &request->end);
        (void) daemon_reload_start(daemon, &request->waiter); /* may answer at once */
}

static void on_get(struct http_exchange *exchange, struct daemon *daemon) {
        struct slice path = exchange->request.path;
        if (slice_equal_text(path, "/healthz"))
                http_respond_health(exchange, CAUSE_NONE);
        else if (slice_equal_text(path, "/readyz"))
                http_respond_health(exchange, daemon->is_draining ? CAUSE_DRAINING : CAUSE_NONE);
        else if (slice_equal_text(path, "/metrics"))
                http_respond_metrics(exchange, daemon->metrics);
        else if (slice_equal_text(path, "/status"))
                respond_status(exchange, daemon);
        else if (slice_equal_text(path, "/config"))
                respond_config(exchange, daemon);
        else
                http_exchange_fail(exchange, CAUSE_ENDPOINT_UNKNOWN, NULL);
}

static void on_post(struct http_exchange *exchange, struct daemon *daemon) {
        struct slice path = exchange->request.path;
        if (slice_equal_text(path, "/reload")) {
                start_reload(exchange, daemon);
        } else if (slice_equal_text(path, "/logs/reopen")) {
                logger_reopen(daemon->logger);
                respond_result(exchange, 200, "reopened", NULL);
        } else {
                http_exchange_fail(exchange, CAUSE_ENDPOINT_UNKNOWN, NULL);
        }
}

/* The application is a member of the daemon whose role it is. */
static struct daemon *daemon_of(const struct http_exchange *exchange) {
        return container_of(exchange->generation->shared->application, struct daemon, admin);
}

static void on_request(struct http_exchange *exchange) {
        struct daemon *daemon = daemon_of(exchange);
        switch (exchange->request.method) {
        case HTTP_METHOD_GET:
        case HTTP_METHOD_HEAD:
                on_get(exchange, daemon);
                break;
        case HTTP_METHOD_POST:
                on_post(exchange, daemon);
                break;
        default:
                http_exchange_fail(exchange, CAUSE_METHOD_NOT_ALLOWED, NULL);
                break;
        }
}

const struct http_application daemon_admin_application = { .on_request = on_request };
