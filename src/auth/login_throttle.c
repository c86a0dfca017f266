/* SPDX-License-Identifier: Apache-2.0 */
/* Owns an entry for each key that has failed lately, or tries. An entry without failures and tries is gone at once. */
#include "auth/login_throttle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "shared/syscall.h"

#define FORGET_MSEC (15 * 60 * 1000)
#define FIRST_WAIT_MSEC 1000
#define MAX_DOUBLINGS 20
#define ADDRESS_WAIT_MAX_MSEC (5 * 60 * 1000)
#define USER_WAIT_MAX_MSEC 8000
#define IPV6_PREFIX 8 /* bytes: a /64 */

struct entry {
        struct hash_link hash;
        struct list link;
        struct login_key key;
        unsigned failures, pending;
        uint64_t last; /* failure, ms */
};

int login_throttle_init(struct login_throttle *throttle) {
        list_init(&throttle->entries);
        return hash_table_init(&throttle->table);
}

void login_throttle_done(struct login_throttle *throttle) {
        list_for_each (link, &throttle->entries)
                free(list_entry(link, struct entry, link));
        hash_table_done(&throttle->table);
}

int login_key_of_address(const char *address, struct login_key *ret_key) {
        *ret_key = (struct login_key) { .type = LOGIN_ADDRESS, .length = sizeof(struct in_addr) };
        if (inet_pton(AF_INET, address, ret_key->bytes) == 1)
                return 0;
        struct in6_addr six;
        if (inet_pton(AF_INET6, address, &six) != 1)
                return -EINVAL;
        ret_key->length = IPV6_PREFIX;
        memcpy(ret_key->bytes, &six, IPV6_PREFIX);
        return 0;
}

void login_key_of_user(struct slice user, struct login_key *ret_key) {
        *ret_key = (struct login_key) { .type = LOGIN_USER, .length = MIN_OF(user.length, (size_t) LOGIN_KEY_MAX) };
        memcpy(ret_key->bytes, user.data, ret_key->length);
}

static bool equal(const struct hash_link *link, const void *key) {
        return memcmp(&container_of(link, struct entry, hash)->key, key, sizeof(struct login_key)) == 0;
}

static struct entry *find(struct login_throttle *throttle, const struct login_key *key) {
        uint64_t hash = hash_table_hash(&throttle->table, key, sizeof(*key));
        struct hash_link *link = hash_table_find(&throttle->table, hash, equal, key);
        return link ? container_of(link, struct entry, hash) : NULL;
}

static void forget(struct login_throttle *throttle, struct entry *entry) {
        hash_table_remove(&throttle->table, &entry->hash);
        list_remove(&entry->link);
        free(entry);
}

static struct entry *find_or_add(struct login_throttle *throttle, const struct login_key *key) {
        struct entry *entry = find(throttle, key);
        if (entry)
                return entry;
        if (throttle->table.count >= LOGIN_ENTRIES_MAX)
                forget(throttle, list_entry(throttle->entries.next, struct entry, link));
        entry = calloc(1, sizeof(*entry));
        if (!entry)
                return NULL;
        entry->key = *key;
        if (hash_table_insert(&throttle->table, &entry->hash, hash_table_hash(&throttle->table, key, sizeof(*key))) <
            0) {
                free(entry);
                return NULL;
        }
        list_append(&throttle->entries, &entry->link);
        return entry;
}

static uint64_t wait_after(const struct entry *entry) {
        if (entry->failures < LOGIN_FREE_FAILURES)
                return 0;
        unsigned doublings = MIN_OF(entry->failures - LOGIN_FREE_FAILURES, (unsigned) MAX_DOUBLINGS);
        uint64_t maximum = entry->key.type == LOGIN_USER ? USER_WAIT_MAX_MSEC : ADDRESS_WAIT_MAX_MSEC;
        return MIN_OF((uint64_t) FIRST_WAIT_MSEC << doublings, maximum);
}

uint64_t login_throttle_begin(struct login_throttle *throttle, const struct login_key *key, uint64_t now) {
        struct entry *entry = find_or_add(throttle, key);
        if (!entry)
                return 0; /* no memory: the password still has to be right */
        if (entry->failures > 0 && now - entry->last >= FORGET_MSEC)
                entry->failures = 0;
        uint64_t wait = wait_after(entry), next = entry->last + wait;
        if (wait > 0 && next > now)
                return next - now;
        if (wait > 0 && entry->pending > 0)
                return FIRST_WAIT_MSEC;
        entry->pending++;
        return 0;
}

static void count_failure(struct login_throttle *throttle, struct entry *entry, uint64_t now) {
        entry->failures++;
        entry->last = now;
        list_remove(&entry->link);
        list_append(&throttle->entries, &entry->link);
}

void login_throttle_end(struct login_throttle *throttle, const struct login_key *key, bool has_failed, uint64_t now) {
        /* It may have been forgotten in between, for others. */
        struct entry *entry = has_failed ? find_or_add(throttle, key) : find(throttle, key);
        if (!entry)
                return;
        if (entry->pending > 0)
                entry->pending--;
        if (has_failed)
                count_failure(throttle, entry, now);
        else if (key->type == LOGIN_USER)
                entry->failures = 0;
        if (entry->failures == 0 && entry->pending == 0)
                forget(throttle, entry);
}

void login_throttle_fail(struct login_throttle *throttle, const struct login_key *key, uint64_t now) {
        struct entry *entry = find_or_add(throttle, key);
        if (entry)
                count_failure(throttle, entry, now);
}
