/* SPDX-License-Identifier: Apache-2.0 */
/* ccodes-server: the file server as a daemon. Says what of the configuration is its own; everything else is
 * daemon_main's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "http/respond.h"
#include "server/file_server.h"
#include "server/upload/upload_metrics.h"
#include "shared/sandbox.h"
#include "shared/syscall.h"

static const struct config_list *listeners(const struct config_root *root) {
        return &root->server.listeners;
}

static unsigned workers(const struct config_root *root) {
        return (unsigned) root->server.workers;
}

static uint64_t drain_timeout(const struct config_root *root) {
        return root->server.drain_timeout;
}

static bool sandbox(const struct config_root *root) {
        return root->server.sandbox;
}

static void each_path(const struct config_root *root, void (*add)(const char *path, unsigned access, void *userdata),
                      void *userdata) {
        const struct config_site *sites = root->sites.items;
        for (size_t i = 0; i < root->sites.count; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                add(sites[i].root, SANDBOX_READ, userdata);
                for (size_t j = 0; j < sites[i].uploads.count; j++)
                        add(uploads[j].folder, SANDBOX_READ | SANDBOX_WRITE, userdata);
        }
        /* Of the keys that grants are checked with: the folder, since a new key comes in a file that takes the old one's place. A reload
         * may be what needs them first. */
        _cleanup_free_ char *keys = strdup(root->auth.public_keys);
        if (keys && strrchr(keys, '/') > keys) {
                *strrchr(keys, '/') = '\0';
                add(keys, SANDBOX_READ, userdata);
        }
}

/* What outlives a reload. */
struct state {
        struct file_store *store; /* bodies in memory */
        struct site_roots *roots;
        struct upload_folders *folders;
        struct upload_metrics *upload_metrics;
        bool without_keys;
};

static void state_free(void *userdata) {
        struct state *state = userdata;
        upload_metrics_free(state->upload_metrics);
        upload_folders_free(state->folders);
        site_roots_free(state->roots);
        file_store_free(state->store);
        free(state);
}

static int state_new(const struct daemon_environment *environment, struct error *error, void **ret_state) {
        struct state *state = calloc(1, sizeof(*state));
        if (!state)
                return error_set_errno(error, -ENOMEM, "making the file store");
        /* Whoever checks a configuration need not be able to read the keys. */
        state->without_keys = !environment->loop && !getenv("CREDENTIALS_DIRECTORY");
        int r = file_store_new(environment->root->server.cache.max_bytes, &state->store);
        if (r >= 0)
                r = file_store_add_metrics(state->store, environment->metrics);
        if (r >= 0)
                r = site_roots_new(&state->roots);
        if (r >= 0)
                r = upload_folders_new(&state->folders);
        if (r >= 0)
                r = upload_metrics_new(state->folders, environment->root, environment->metrics, &state->upload_metrics);
        if (r < 0) {
                state_free(state);
                return error_set_errno(error, r, "making the file store");
        }
        *ret_state = state;
        return 0;
}

static int snapshot_new(struct config *config, void *userdata, struct error *error, void **ret_snapshot) {
        struct state *state = userdata;
        const struct site_means means = { .roots = state->roots,
                                          .folders = state->folders,
                                          .without_keys = state->without_keys };
        return file_server_snapshot_new(config, state->store, &means, error,
                                        (struct file_server_snapshot **) ret_snapshot);
}

/* Health and metrics on the public listeners, where the configuration asks for them; before any site. */
static bool answer_public(struct http_exchange *exchange) {
        const struct config_server *server = &http_exchange_config(exchange)->server;
        const struct http_request *request = &exchange->request;
        if (!(server->public_health || server->public_metrics) ||
            (request->method != HTTP_METHOD_GET && request->method != HTTP_METHOD_HEAD))
                return false;
        bool is_draining = exchange->worker->is_draining;
        if (server->public_health && slice_equal_text(request->path, "/healthz"))
                http_respond_health(exchange, CAUSE_NONE);
        else if (server->public_health && slice_equal_text(request->path, "/readyz"))
                http_respond_health(exchange, is_draining ? CAUSE_DRAINING : CAUSE_NONE);
        else if (server->public_metrics && slice_equal_text(request->path, "/metrics"))
                http_respond_metrics(exchange, exchange->worker->services->metrics);
        else
                return false;
        return true;
}

static void on_request(struct http_exchange *exchange) {
        if (!answer_public(exchange))
                file_server_application.on_request(exchange);
}

int main(int argc, char **argv) {
        struct http_application application = file_server_application;
        application.on_request = on_request;
        const struct daemon_program program = {
                .name = "server",
                .command = "ccodes-server",
                .summary = "Serves files over HTTP and HTTPS.",
                .application = &application,
                .listeners = listeners,
                .workers = workers,
                .drain_timeout = drain_timeout,
                .sandbox = sandbox,
                .each_path = each_path,
                .state_new = state_new,
                .state_free = state_free,
                .snapshot_new = snapshot_new,
        };
        return daemon_main(&program, argc, argv);
}
