/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "http/exchange.h"
#include "tls/tls_context.h"

/*
 * All that a request needs and a reload changes, as one immutable snapshot: the configuration, a TLS context for each listener, and what
 * the application built from it. Shared by the workers by reference count; a request keeps the one it began with.
 */
struct access_log;
struct http_application;
struct log_producer;
struct logger;
struct network_set;

/* What a listener means in this generation; the order is that of the engine's listeners. */
struct http_listener_settings {
        const struct config_listener *config;
        struct config *owner;    /* of `config`: an older one for a listener that is configured no more */
        struct tls_context *tls; /* NULL: plain */
};

struct http_generation {
        _Atomic unsigned references;
        struct http_generation
                        *base; /* NULL, or the one that owns configuration and snapshot: see http_generation_derive */
        struct config *config; /* a reference */
        const struct http_application *application;
        void *snapshot; /* the application's */
        struct http_listener_settings *listeners;
        size_t listener_count;
        struct access_log *access_log; /* NULL: off */
        struct network_set *exempt;    /* clients that have no limits */
};

/* A daemon's own part: what it builds from a configuration, and what it does with a request. */
struct http_application {
        /* Frees a snapshot. Any thread. */
        void (*snapshot_free)(void *snapshot);

        /* Makes and frees what one worker needs for one generation (caches), on the worker's thread. */
        int (*attach)(struct http_worker *worker, const struct http_generation *generation, void **ret_state);
        void (*detach)(struct http_worker *worker, void *state);

        /* The most bytes that the body of a request may have, where that is not max_body of [http.limits]; asked before on_request.
         * NULL: it always is. */
        uint64_t (*max_body)(const struct http_exchange *exchange);

        /* A request's head is complete. Answers now or later by http_exchange_respond or http_exchange_fail. */
        void (*on_request)(struct http_exchange *exchange);

        /* Gives a failure another body (custom error pages): true when it has responded, or will. NULL: never. */
        bool (*on_failure)(struct http_exchange *exchange, enum cause cause);
};

struct http_generation *http_generation_ref(struct http_generation *generation);

/* Takes NULL. `producer` is the calling thread's: the last reference ends the access log. */
struct http_generation *http_generation_unref(struct http_generation *generation, struct log_producer *producer);

/*
 * Builds a generation: a TLS context for each listener that has TLS, and the access log. Takes the references of `config` and
 * `snapshot` in every case. May block on the disk. Errors name the listener or the certificate.
 *
 * The sockets of a process stay what they were when it began: after the first generation the listeners are those of `previous`, in its
 * order, found by name; one that is configured no more keeps its old settings, a new one waits for the next process.
 */
struct http_generation_options {
        struct config *config;
        const struct config_list *listeners; /* of struct config_listener */
        const struct http_application *application;
        void *snapshot;
        struct tls_tickets *tickets;            /* NULL: none */
        struct logger *logger;                  /* for the access log; NULL: no access log */
        const struct http_generation *previous; /* NULL: the first one */
        struct log_producer *producer;          /* of the calling thread; NULL: nothing was logged yet */
};
int http_generation_new(const struct http_generation_options *options, struct error *error,
                        struct http_generation **ret_generation);

/*
 * Another application and other listeners, plain ones, for the configuration and the snapshot of `base`, which lasts as long as this one:
 * what a daemon does on its unix sockets. Without an access log. -ENOMEM is all that can fail.
 */
int http_generation_derive(struct http_generation *base, const struct config_list *listeners,
                           const struct http_application *application, struct http_generation **ret_generation);

/* Whether a certificate file has changed since: time for a new generation. Blocks on the disk. */
bool http_generation_is_stale(const struct http_generation *generation);

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
