/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth/grant_signer.h"
#include "auth/login_throttle.h"
#include "auth/password.h"
#include "daemon/daemon.h"
#include "http/exchange.h"

/* A new signing key under way: made beside the one in use, on the store's thread, and put in its place on the loop. */
struct key_change {
        struct thread_task task;
        struct grant_signer *fresh;
        struct error error;
        int64_t now;
        bool is_running;
};

/*
 * What ccodes-auth keeps over reloads: the users, the keys, and who failed lately. The store is used on its own thread
 * alone, passwords are hashed on another pool, everything else is the main loop's.
 */
struct authority {
        struct user_store *store;
        struct thread_pool *store_thread;
        struct thread_pool *compute; /* the daemon's */
        struct grant_signer *signer;
        char *secret_path, *public_path; /* of its keys */
        struct login_throttle throttle;
        struct loop *loop;
        struct log_producer *log;
        struct key_change key_change;
        bool is_stopping;                         /* the threads end, or have ended */
        unsigned hashing;                         /* passwords that are being hashed, or wait for it */
        char nobodys_hash[PASSWORD_HASH_MAX + 1]; /* checked for users that there are not: it takes as long */
};

int authority_new(const struct daemon_environment *environment, struct error *error, void **ret_authority);
void authority_stop(void *authority); /* steps of jobs that have not begun are cancelled */
void authority_free(void *authority);

/* Begins to replace the signing key when it is older than `rotation` us. */
void authority_rotate_key(struct authority *authority, uint64_t rotation);

static inline struct authority *authority_of(const struct http_exchange *exchange) {
        return exchange->generation->shared->snapshot;
}

/* The applications of the two roles: grants.c and accounts.c. */
extern const struct http_application auth_grants_application;
extern const struct http_application auth_accounts_application;
