/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "shared/list.h"

/*
 * Who may do what, as ccodes-auth knows it: a client's token, or name and password, is shown to it, and the grant that it signs is checked
 * here, by its public keys, for this very request. One for each worker.
 *
 * What was good is remembered for `remember` of [auth], so that not each request costs a question.
 */
struct access;

struct config_auth;
struct http_worker;

/* `config` outlives it. */
int access_new(struct http_worker *worker, const struct config_auth *config, struct access **ret_access);

/* Nobody waits any more. Takes NULL. */
void access_free(struct access *access);

/* Somebody who waits for a decision. Embedded in memory of the exchange. */
struct access_waiter {
        /* CAUSE_NONE: it may. Otherwise why not, and exchange->retry_after is set where that is known. */
        void (*decided)(struct access_waiter *waiter, enum cause cause);
        struct http_exchange *exchange;
        struct access_question *question; /* NULL: none is under way */
};

/* Asks whether the exchange's client may do what `scope` (shared/scope.h) stands for: decided before this returns, or later. */
void access_ask(struct access *access, struct http_exchange *exchange, struct slice scope,
                struct access_waiter *waiter);

/* The exchange has ended. Does nothing when nothing is under way. */
void access_cancel(struct access_waiter *waiter);
