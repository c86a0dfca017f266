/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "auth/user_store.h"

/*
 * Passwords as crypt(5) keeps them, by yescrypt: made slow and hungry for memory on purpose, so that they are hashed on
 * a pool of threads, never on a loop.
 */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 511 /* bytes: crypt(3) takes no more */

/* PASSWORD_MIN to PASSWORD_MAX bytes without a NUL. */
bool password_is_acceptable(struct slice password);

/* Under a new salt. -ENOMEM, -EIO. */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX + 1]);

/* 1 when it is the password, 0 when not; -ENOMEM. An empty hash is nobody's. */
int password_check(const char *password, const char *hash);
