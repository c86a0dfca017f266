/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "http/exchange.h"
#include "http/tls_context.h"

/*
 * All that a request needs and a reload changes, as one immutable snapshot: the configuration, a TLS context for each listener, and what
 * the application built from it. Shared by the workers by reference count; a request keeps the one it began with.
 */
struct http_application;

/* What a listener means in this generation; the order is that of the engine's listeners. */
struct http_listener_settings {
        const struct config_listener *config;
        struct tls_context *tls; /* NULL: plain */
};

struct http_generation {
        _Atomic unsigned references;
        struct config *config; /* a reference */
        const struct http_application *application;
        void *snapshot; /* the application's */
        struct http_listener_settings *listeners;
        size_t listener_count;
};

/* A daemon's own part: what it builds from a configuration, and what it does with a request. */
struct http_application {
        /* Frees a snapshot. Any thread. */
        void (*snapshot_free)(void *snapshot);

        /* Makes and frees what one worker needs for one generation (caches), on the worker's thread. */
        int (*attach)(struct http_worker *worker, const struct http_generation *generation, void **ret_state);
        void (*detach)(struct http_worker *worker, void *state);

        /* A request's head is complete. Answers now or later by http_exchange_respond or http_exchange_fail. */
        void (*on_request)(struct http_exchange *exchange);

        /* Gives a failure another body (custom error pages): true when it has responded, or will. NULL: never. */
        bool (*on_failure)(struct http_exchange *exchange, enum cause cause);
};

struct http_generation *http_generation_ref(struct http_generation *generation);
struct http_generation *http_generation_unref(struct http_generation *generation); /* NULL */

/* A worker's handle on a generation: counted without atomics, since one thread uses it. */
struct worker_generation {
        unsigned references;
        struct http_worker *worker;
        struct http_generation *shared;
        void *state; /* of application->attach */
};

static inline const struct config_root *http_exchange_config(const struct http_exchange *exchange) {
        return &exchange->generation->shared->config->root;
}
