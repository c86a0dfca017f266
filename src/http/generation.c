/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and frees generations. All that can fail fails here, before any worker hears of the new one. */
#include "http/generation.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "http/access_log.h"
#include "shared/network.h"

struct http_generation *http_generation_ref(struct http_generation *generation) {
        atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
        return generation;
}

struct http_generation *http_generation_unref(struct http_generation *generation, struct log_producer *producer) {
        if (!generation || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) > 1)
                return NULL;
        for (size_t i = 0; i < generation->listener_count; i++) {
                tls_context_unref(generation->listeners[i].tls);
                config_unref(generation->listeners[i].owner);
        }
        free(generation->listeners);
        if (generation->base) {
                http_generation_unref(generation->base, producer);
        } else {
                if (generation->snapshot)
                        generation->application->snapshot_free(generation->snapshot);
                access_log_unref(generation->access_log, producer);
                network_set_free(generation->exempt);
                config_unref(generation->config);
        }
        free(generation);
        return NULL;
}

static const struct config_listener *find_listener(const struct config_list *list, const char *name) {
        const struct config_listener *listeners = list->items;
        for (size_t i = 0; i < list->count; i++)
                if (strcmp(listeners[i].name, name) == 0)
                        return &listeners[i];
        return NULL;
}

static int make_listener(struct http_listener_settings *settings, const struct http_generation_options *options,
                         const struct config_listener *listener, struct error *error) {
        const struct config_root *root = &options->config->root;
        settings->config = listener;
        settings->owner = config_ref(options->config);
        if (!listener->tls)
                return 0;
        const struct tls_context_options tls = {
                .tls = &root->tls,
                .tree = options->config->tree,
                .listener = listener,
                .certificates = root->certificates.items,
                .certificate_count = root->certificates.count,
                .http2 = root->http.http2.enabled,
                .tickets = options->tickets,
        };
        int r = tls_context_new(&tls, error, &settings->tls);
        if (r < 0)
                error_prefix(error, "listener '%s'", listener->name);
        return r;
}

static int make_listeners(struct http_generation *generation, const struct http_generation_options *options,
                          struct error *error) {
        const struct http_generation *previous = options->previous;
        const struct config_listener *listeners = options->listeners->items;
        size_t count = previous ? previous->listener_count : options->listeners->count;
        generation->listeners = calloc(count + 1, sizeof(*generation->listeners));
        if (!generation->listeners)
                return error_set_errno(error, -ENOMEM, "building the listeners");

        for (size_t i = 0; i < count; i++) {
                struct http_listener_settings *settings = &generation->listeners[generation->listener_count++];
                const struct http_listener_settings *old = previous ? &previous->listeners[i] : NULL;
                const struct config_listener *listener =
                                old ? find_listener(options->listeners, old->config->name) : &listeners[i];
                if (old && !listener) {
                        settings->config = old->config;
                        settings->owner = config_ref(old->owner);
                        settings->tls = old->tls ? tls_context_ref(old->tls) : NULL;
                        continue;
                }
                int r = make_listener(settings, options, listener, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool same_text(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_access_log(const struct config_access_log *a, const struct config_access_log *b) {
        return a->target == b->target && a->format == b->format && a->maximum_rate == b->maximum_rate &&
               same_text(a->path, b->path);
}

static int make_access_log(struct http_generation *generation, const struct http_generation_options *options,
                           struct error *error) {
        const struct config_access_log *settings = &options->config->root.log.access;
        const struct http_generation *previous = options->previous;
        if (!options->logger)
                return 0;
        if (previous && same_access_log(settings, &previous->config->root.log.access)) {
                generation->access_log = previous->access_log ? access_log_ref(previous->access_log) : NULL;
                return 0;
        }
        return access_log_new(settings, options->logger, error, &generation->access_log);
}

static int make_exempt(struct http_generation *generation, struct error *error) {
        const struct config_strings *exempt = &generation->config->root.http.clients.exempt;
        _cleanup_free_ struct network *networks = calloc(exempt->count + 1, sizeof(*networks));
        int r = networks ? 0 : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < exempt->count; i++)
                r = network_parse(exempt->items[i], NULL, &networks[i]);
        if (r >= 0)
                r = network_set_new(networks, exempt->count, &generation->exempt);
        return r < 0 ? error_set_errno(error, r, "building the list of exempt clients") : 0;
}

int http_generation_new(const struct http_generation_options *options, struct error *error,
                        struct http_generation **ret_generation) {
        struct http_generation *generation = calloc(1, sizeof(*generation));
        if (!generation) {
                options->application->snapshot_free(options->snapshot);
                config_unref(options->config);
                return error_set_errno(error, -ENOMEM, "building a generation");
        }
        atomic_init(&generation->references, 1);
        generation->config = options->config;
        generation->application = options->application;
        generation->snapshot = options->snapshot;

        int r = make_listeners(generation, options, error);
        if (r >= 0)
                r = make_access_log(generation, options, error);
        if (r >= 0)
                r = make_exempt(generation, error);
        if (r < 0) {
                http_generation_unref(generation, options->producer);
                return r;
        }
        *ret_generation = generation;
        return 0;
}

int http_generation_derive(struct http_generation *base, const struct config_list *listeners,
                           const struct http_application *application, struct http_generation **ret_generation) {
        const struct config_listener *items = listeners->items;
        struct http_generation *generation = calloc(1, sizeof(*generation));
        if (!generation)
                return -ENOMEM;
        atomic_init(&generation->references, 1);
        generation->base = http_generation_ref(base);
        generation->config = base->config;
        generation->snapshot = base->snapshot;
        generation->application = application;
        generation->listeners = calloc(listeners->count, sizeof(*generation->listeners));
        if (!generation->listeners) {
                http_generation_unref(generation, NULL);
                return -ENOMEM;
        }
        for (; generation->listener_count < listeners->count; generation->listener_count++)
                generation->listeners[generation->listener_count].config = &items[generation->listener_count];
        *ret_generation = generation;
        return 0;
}

bool http_generation_is_stale(const struct http_generation *generation) {
        for (size_t i = 0; i < generation->listener_count; i++)
                if (generation->listeners[i].tls && tls_context_is_stale(generation->listeners[i].tls))
                        return true;
        return false;
}
