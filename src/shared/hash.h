/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/slice.h"

/*
 * An intrusive hash table whose buckets a stranger cannot choose: SipHash-1-3 under a random key for each table.
 * The entry embeds a `struct hash_link`; the table neither allocates entries nor frees them.
 */
struct hash_link {
        struct hash_link *next;
        uint64_t hash;
};

struct hash_table {
        struct hash_link **buckets;
        size_t bucket_count; /* a power of two */
        size_t count;
        uint64_t key[2];
};

typedef bool hash_equal(const struct hash_link *link, const void *key);

/* An empty table under a new key. Negative errno of getrandom(2). */
int hash_table_init(struct hash_table *table);

/* Frees the buckets. The entries stay their owners', who need not remove them before. */
void hash_table_done(struct hash_table *table);

uint64_t hash_table_hash(const struct hash_table *table, const void *bytes, size_t length);

/* The first link with this hash for which `equal` says yes; NULL when there is none. */
struct hash_link *hash_table_find(const struct hash_table *table, uint64_t hash, hash_equal *equal, const void *key);

/* Adds a link under a hash from hash_table_hash. -ENOMEM only when the first bucket array cannot be had. */
int hash_table_insert(struct hash_table *table, struct hash_link *link, uint64_t hash);

/* The link must be in the table. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);

/* SipHash-1-3 (Aumasson, Bernstein 2012, with 1 compression and 3 finalisation rounds). */
uint64_t siphash13(const void *bytes, size_t length, const uint64_t key[2]);
