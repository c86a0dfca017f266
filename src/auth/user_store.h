/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/error.h"
#include "shared/grant.h"

/*
 * Where users and tokens are kept, as a table of functions. A change that returned 0 is on the disk. All calls may
 * block, and are made on one thread; names and scopes are checked by the caller. Errors of each: -EIO, -ENOSPC, -ENOMEM
 * and the like, when the store itself fails.
 */
#define PASSWORD_HASH_MAX 255
#define TOKEN_ID_LENGTH 12 /* hexadecimal digits: the first ones of the digest */
#define TOKEN_DIGEST_SIZE 32
#define TOKEN_LABEL_MAX 100

struct user {
        char name[GRANT_USER_MAX + 1];
        enum role role;
        bool is_disabled;                          /* keeps everything, and is let in by none of it */
        char password_hash[PASSWORD_HASH_MAX + 1]; /* "": no password */
        int64_t created;                           /* seconds since the epoch, as all times here */
};

struct token {
        char id[TOKEN_ID_LENGTH + 1];
        char user[GRANT_USER_MAX + 1];
        char scopes[SCOPE_LIST_MAX + 1];
        char label[TOKEN_LABEL_MAX + 1];
        int64_t created, expires, last_used; /* 0: never */
};

struct user_store;

struct user_store_operations {
        /* -EEXIST. */
        int (*add_user)(struct user_store *store, const struct user *user);
        /* -ENOENT, as for the following. */
        int (*find_user)(struct user_store *store, const char *name, struct user *ret_user);
        int (*set_password)(struct user_store *store, const char *name, const char *password_hash);
        int (*set_role)(struct user_store *store, const char *name, enum role role);
        int (*set_disabled)(struct user_store *store, const char *name, bool is_disabled);
        /* And the user's tokens. */
        int (*remove_user)(struct user_store *store, const char *name);
        /* By name. An error of the callback ends it and is returned. */
        int (*list_users)(struct user_store *store, int (*each)(const struct user *user, void *userdata),
                          void *userdata);

        /* -EEXIST; -ENOENT when there is no such user. */
        int (*add_token)(struct user_store *store, const struct token *token,
                         const unsigned char digest[TOKEN_DIGEST_SIZE]);
        /* The token, expired or not, and its user. -ENOENT. */
        int (*find_token)(struct user_store *store, const unsigned char digest[TOKEN_DIGEST_SIZE],
                          struct token *ret_token, struct user *ret_user);
        int (*note_token_use)(struct user_store *store, const char *id, int64_t now);
        int (*revoke_token)(struct user_store *store, const char *id);
        /* By user, then time. */
        int (*list_tokens)(struct user_store *store, int (*each)(const struct token *token, void *userdata),
                           void *userdata);

        void (*free)(struct user_store *store);
};

struct user_store {
        const struct user_store_operations *operations;
};

/* A SQLite file, which is made, and brought up to date, when it is opened. Errors as sqlite_database_open. */
int user_store_sqlite_new(const char *path, struct error *error, struct user_store **ret_store);

/* Takes NULL. */
static inline void user_store_free(struct user_store *store) {
        if (store)
                store->operations->free(store);
}
