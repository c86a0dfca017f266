/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/hash.h"
#include "shared/list.h"

/*
 * Slows failed log-ins down, by address and by user, in a table with a bound: when it is full, what failed longest ago is
 * forgotten. Of one thread.
 *
 * The first LOGIN_FREE_FAILURES cost nothing; from then on each doubles the time until the next try, up to a bound that is
 * small for a user, whom a stranger must not be able to lock out, and larger for an address. While there is something to wait
 * for, one try at a time is let through, so that trying in parallel gains nothing. An address is an IPv4 one or the /64 of an
 * IPv6 one, since whoever has one of those has all of it.
 */
#define LOGIN_FREE_FAILURES 5
#define LOGIN_ENTRIES_MAX 10000
#define LOGIN_KEY_MAX 64

enum login_key_type {
        LOGIN_ADDRESS,
        LOGIN_USER,
};

struct login_key {
        unsigned char type, length;
        unsigned char bytes[LOGIN_KEY_MAX];
};

struct login_throttle {
        struct hash_table table;
        struct list entries; /* what failed last is at the end */
};

int login_throttle_init(struct login_throttle *throttle);
void login_throttle_done(struct login_throttle *throttle);

/* -EINVAL for what is no address. */
int login_key_of_address(const char *address, struct login_key *ret_key);
void login_key_of_user(struct slice user, struct login_key *ret_key);

/* How long, in ms, until this key may try again: 0 for now, and then the try counts as under way until login_throttle_end. */
uint64_t login_throttle_begin(struct login_throttle *throttle, const struct login_key *key, uint64_t now);

/* A try that was under way has failed, or has not. A user's success forgets his failures; that of an address does not,
 * since its next try may be in another's name. */
void login_throttle_end(struct login_throttle *throttle, const struct login_key *key, bool has_failed, uint64_t now);

/* The same for what was let through without a begin: one failure more. */
void login_throttle_fail(struct login_throttle *throttle, const struct login_key *key, uint64_t now);
