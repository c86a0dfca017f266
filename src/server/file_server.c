/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests enter the file server: what is decided before any file is looked at (https, host, method), and the
 * life of what a configuration becomes. A snapshot is shared and never changes; all that changes belongs to a worker.
 * */
#include "server/file_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/worker.h"
#include "server/early_hints.h"
#include "server/echo.h"
#include "server/upload/upload_request.h"
#include "shared/quantity.h"
#include "shared/syscall.h"

#define MSEC ((uint64_t) 1000)
#define REVALIDATE_MAX (24 * 3600 * MSEC) /* a file that was replaced shows within a day, whatever is configured */

/* Where the client should have come by https: the same address there. */
static void redirect_to_https(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        int64_t port = http_exchange_listener(request->exchange)->config->https_port;
        if (!http->host.data) {
                file_request_fail(request, CAUSE_HOST_INVALID, "a redirect to https needs a Host");
                return;
        }
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_string(&text, "https://");
        text_append(&text, http->host);
        if (port != 443)
                text_printf(&text, ":%lld", (long long) port);
        if (slice_starts_with(http->path, SLICE_LITERAL("/")))
                text_append_uri_path(&text, http->path);
        if (http->query.data) {
                text_append_char(&text, '?');
                redirect_append_query(&text, http->query);
        }
        char *location = NULL;
        size_t length;
        (void) text_finish(&text, &location, &length);
        bool is_read = http->method == HTTP_METHOD_GET || http->method == HTTP_METHOD_HEAD;
        file_request_redirect(request, is_read ? 301 : 308, location, NULL);
}

static const struct site *find_site(const struct file_request *request) {
        const struct file_server_snapshot *snapshot = request->worker->snapshot;
        ssize_t index = site_router_find(snapshot->router, request->exchange->request.host);
        return index >= 0 ? &snapshot->sites[index] : NULL;
}

static void begin_other_method(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        bool has_path = slice_starts_with(http->path, SLICE_LITERAL("/"));
        if (http->method == HTTP_METHOD_OTHER) {
                file_request_fail(request, CAUSE_METHOD_UNKNOWN, NULL);
        } else if (has_path && (http->method == HTTP_METHOD_OPTIONS || request->site->rules.has_redirects)) {
                request->purpose = http->method == HTTP_METHOD_OPTIONS ? FILE_PURPOSE_OPTIONS : FILE_PURPOSE_REDIRECT;
                file_request_look_up(request);
        } else {
                file_request_fail(request, CAUSE_METHOD_NOT_ALLOWED, NULL);
        }
}

static void look_up(struct file_request *request) {
        early_hints_send(request->exchange, &request->site->rules);
        file_request_look_up(request);
}

static void begin(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        if (!http->is_secure && http_exchange_listener(request->exchange)->config->redirect_https) {
                redirect_to_https(request);
                return;
        }
        if (http->method == HTTP_METHOD_OPTIONS && slice_equal_text(http->path, "*")) {
                file_request_answer_options(request);
                return;
        }
        request->site = request->source = find_site(request);
        if (!request->site)
                file_request_fail(request, CAUSE_NO_SITE, NULL);
        else if (request->site->config->redirect_https && !http->is_secure)
                redirect_to_https(request);
        else if (request->site->config->echo && slice_equal_text(http->path, request->site->config->echo))
                echo_answer(request->exchange);
        else if ((request->mount = upload_mount_find(request->site, http->path)))
                upload_request_begin(request);
        else if (upload_mount_is_bare(request->site, http->path))
                file_request_redirect_to_folder(request, NULL);
        else if (http->method == HTTP_METHOD_GET || http->method == HTTP_METHOD_HEAD)
                look_up(request);
        else
                begin_other_method(request);
}

static void on_request(struct http_exchange *exchange) {
        struct file_request *request = file_request_new(exchange);
        if (request)
                begin(request);
        else
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
}

/* What goes into an upload folder has limits of its own, which are found out with what it is. */
static uint64_t max_body(const struct http_exchange *exchange) {
        const struct file_worker *worker = exchange->generation->state;
        ssize_t index = site_router_find(worker->snapshot->router, exchange->request.host);
        if (index >= 0 && upload_mount_find(&worker->snapshot->sites[index], exchange->request.path))
                return QUANTITY_INFINITY;
        return http_exchange_config(exchange)->http.limits.max_body;
}

/* A failure that the engine found. */
static bool on_failure(struct http_exchange *exchange, enum cause cause) {
        struct file_request *request = file_request_new(exchange);
        if (!request)
                return false;
        request->site = find_site(request);
        file_request_fail(request, cause, exchange->detail);
        return true;
}

/* An eighth of the descriptors that the process may have is for files that stay open, shared by the workers. */
static size_t find_max_open(const struct config_root *root) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                limit.rlim_cur = 1024;
        long workers = root->server.workers > 0 ? (long) root->server.workers : sysconf(_SC_NPROCESSORS_ONLN);
        rlim_t share = limit.rlim_cur / 8 / (rlim_t) MAX_OF(workers, 1L);
        return (size_t) MAX_OF(share, (rlim_t) 4);
}

static int add_sites(struct file_server_snapshot *snapshot, const struct site_means *means, struct error *error) {
        const struct config_list *list = &snapshot->config->root.sites;
        const struct config_site *configs = list->items;
        snapshot->sites =
                        arena_alloc_zero(&snapshot->arena, MAX_OF(list->count, (size_t) 1) * sizeof(*snapshot->sites));
        if (!snapshot->sites)
                return -ENOMEM;
        for (; snapshot->site_count < list->count; snapshot->site_count++) {
                int r = site_init(&snapshot->sites[snapshot->site_count], &configs[snapshot->site_count], means, error);
                if (r < 0)
                        return r;
        }
        return site_router_new(configs, list->count, &snapshot->router);
}

int file_server_snapshot_new(const struct config *config, struct file_store *store, const struct site_means *means,
                             struct error *error, struct file_server_snapshot **ret_snapshot) {
        const struct config_file_cache *cache = &config->root.server.cache;
        struct file_server_snapshot *snapshot = calloc(1, sizeof(*snapshot));
        if (!snapshot)
                return error_set_errno(error, -ENOMEM, "building the file server");
        arena_init(&snapshot->arena, 0);
        snapshot->config = config;
        snapshot->store = store;
        snapshot->settings = (struct file_cache_settings) {
                .max_file = cache->max_file,
                .revalidate = MIN_OF(cache->revalidate / 1000, REVALIDATE_MAX),
                .max_entries = (size_t) cache->max_entries,
                .max_open = find_max_open(&config->root),
        };
        int r = listing_table_new(store, &snapshot->listings);
        if (r >= 0)
                r = mime_types_load(MIME_TYPES_FILE, error, &snapshot->types);
        struct site_means with = *means;
        with.types = snapshot->types;
        with.arena = &snapshot->arena;
        if (r >= 0)
                r = add_sites(snapshot, &with, error);
        if (r < 0) {
                file_server_snapshot_free(snapshot);
                return error_set_errno(error, r, "building the file server");
        }
        file_store_set_limit(store, cache->max_bytes);
        *ret_snapshot = snapshot;
        return 0;
}

void file_server_snapshot_free(struct file_server_snapshot *snapshot) {
        if (!snapshot)
                return;
        for (size_t i = 0; i < snapshot->site_count; i++)
                site_done(&snapshot->sites[i]);
        site_router_free(snapshot->router);
        mime_types_free(snapshot->types);
        listing_table_free(snapshot->listings);
        arena_done(&snapshot->arena);
        free(snapshot);
}

static void free_snapshot(void *snapshot) {
        file_server_snapshot_free(snapshot);
}

/* Folders are looked after by the settings of the newest generation alone, however long requests keep an older one. */
static void retire(const struct worker_generation *before) {
        struct file_worker *state = before ? before->state : NULL;
        if (!state)
                return;
        upload_upkeep_free(state->upkeep);
        state->upkeep = NULL;
}

static int attach(struct http_worker *worker, const struct http_generation *generation, void **ret_state) {
        const struct file_server_snapshot *snapshot = generation->snapshot;
        struct file_worker *state = calloc(1, sizeof(*state));
        if (!state)
                return -ENOMEM;
        state->snapshot = snapshot;
        int r = file_cache_new(worker, snapshot->store, snapshot->listings, &snapshot->settings, &state->cache);
        if (r >= 0)
                r = access_new(worker, &snapshot->config->root.auth, &state->access);
        if (r >= 0 && worker->index == 0)
                r = upload_upkeep_new(worker, snapshot->sites, snapshot->site_count, &state->upkeep);
        if (r < 0) {
                access_free(state->access);
                file_cache_free(state->cache);
                free(state);
                return r;
        }
        retire(worker->generation);
        *ret_state = state;
        return 0;
}

static void detach(struct http_worker *worker, void *userdata) {
        struct file_worker *state = userdata;
        if (!state)
                return;
        upload_upkeep_free(state->upkeep);
        access_free(state->access);
        file_cache_free(state->cache);
        free(state);
}

const struct http_application file_server_application = {
        .snapshot_free = free_snapshot,
        .attach = attach,
        .detach = detach,
        .max_body = max_body,
        .on_request = on_request,
        .on_failure = on_failure,
};
