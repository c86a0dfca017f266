/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of client addresses. The table is cut into shards, each with a lock of its own, so that workers that accept at
 * the same time seldom meet. An entry lives while it has a connection; all else that is charged to it is a connection's. */
#include "http/client_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/hash.h"
#include "shared/network.h"
#include "shared/syscall.h"

#define SHARDS 16
#define LOG_SLOTS 4096

#define PREFIX_SIZE 8 /* bytes of an IPv6 address without its interface identifier */

struct client_entry {
        struct hash_link link;
        struct ip_address key; /* IPv6 without its interface identifier */
        uint32_t connections;
        uint32_t shard;
        _Atomic uint64_t held[CLIENT_HOLDINGS];
};

struct client_shard {
        pthread_mutex_t lock;
        struct hash_table entries;
};

struct client_table {
        struct client_shard shards[SHARDS];
        size_t ready; /* shards that are initialised */
        uint64_t log_key[2];
        _Atomic int64_t logged[LOG_SLOTS];   /* the second in which a slot last logged */
        _Atomic uint64_t flooded[LOG_SLOTS]; /* ms: when it last flooded */
};

static bool key_from_address(const struct sockaddr *address, struct ip_address *ret_key) {
        static const uint8_t mapped_ipv4[] = { [10] = 0xff, [11] = 0xff };
        if (!ip_address_from_socket(address, ret_key))
                return false;
        if (memcmp(ret_key->bytes, mapped_ipv4, sizeof(mapped_ipv4)) != 0)
                memset(ret_key->bytes + PREFIX_SIZE, 0, IP_ADDRESS_SIZE - PREFIX_SIZE);
        return true;
}

static bool entry_has_key(const struct hash_link *link, const void *key) {
        const struct client_entry *entry = container_of(link, struct client_entry, link);
        return memcmp(&entry->key, key, sizeof(entry->key)) == 0;
}

int client_table_new(struct client_table **ret_table) {
        struct client_table *table = calloc(1, sizeof(*table));
        if (!table)
                return -ENOMEM;
        for (; table->ready < SHARDS; table->ready++) {
                struct client_shard *shard = &table->shards[table->ready];
                int r = hash_table_init(&shard->entries);
                if (r < 0) {
                        client_table_free(table);
                        return r;
                }
                pthread_mutex_init(&shard->lock, NULL);
        }
        memcpy(table->log_key, table->shards[0].entries.key, sizeof(table->log_key));
        *ret_table = table;
        return 0;
}

void client_table_free(struct client_table *table) {
        if (!table)
                return;
        for (size_t i = 0; i < table->ready; i++) {
                pthread_mutex_destroy(&table->shards[i].lock);
                hash_table_done(&table->shards[i].entries);
        }
        free(table);
}

int client_table_enter(struct client_table *table, const struct sockaddr *address, int64_t limit,
                       struct client_entry **ret_entry) {
        struct ip_address key;
        if (!key_from_address(address, &key)) {
                *ret_entry = NULL;
                return 0;
        }

        unsigned index = (unsigned) (siphash13(&key, sizeof(key), table->log_key) % SHARDS);
        struct client_shard *shard = &table->shards[index];
        uint64_t hash = hash_table_hash(&shard->entries, &key, sizeof(key));
        int result = 0;

        pthread_mutex_lock(&shard->lock);
        struct hash_link *link = hash_table_find(&shard->entries, hash, entry_has_key, &key);
        struct client_entry *entry = link ? container_of(link, struct client_entry, link) : NULL;
        if (entry) {
                if (limit > 0 && entry->connections >= limit)
                        result = -EUSERS;
                else
                        entry->connections++;
        } else {
                entry = calloc(1, sizeof(*entry));
                result = entry ? hash_table_insert(&shard->entries, &entry->link, hash) : -ENOMEM;
                if (result < 0) {
                        free(entry);
                } else {
                        entry->key = key;
                        entry->connections = 1;
                        entry->shard = index;
                }
        }
        pthread_mutex_unlock(&shard->lock);

        if (result < 0)
                return result;
        *ret_entry = entry;
        return 0;
}

void client_table_leave(struct client_table *table, struct client_entry *entry) {
        if (!entry)
                return;
        struct client_shard *shard = &table->shards[entry->shard];
        pthread_mutex_lock(&shard->lock);
        bool last = --entry->connections == 0;
        if (last)
                hash_table_remove(&shard->entries, &entry->link);
        pthread_mutex_unlock(&shard->lock);
        if (last)
                free(entry);
}

static size_t slot_of(const struct client_table *table, const struct ip_address *key) {
        return siphash13(key, sizeof(*key), table->log_key) % LOG_SLOTS;
}

void client_table_note_flood(struct client_table *table, const struct sockaddr *address, uint64_t now) {
        struct ip_address key;
        if (key_from_address(address, &key))
                atomic_store_explicit(&table->flooded[slot_of(table, &key)], now, memory_order_relaxed);
}

uint64_t client_table_flooded_at(struct client_table *table, const struct sockaddr *address) {
        struct ip_address key;
        if (!key_from_address(address, &key))
                return 0;
        return atomic_load_explicit(&table->flooded[slot_of(table, &key)], memory_order_relaxed);
}

int client_account_charge(struct client_entry *entry, enum client_holding holding, uint32_t amount, uint64_t limit) {
        if (!entry)
                return 0;
        uint64_t held = atomic_fetch_add_explicit(&entry->held[holding], amount, memory_order_relaxed);
        if (limit == 0 || held + amount <= limit)
                return 0;
        client_account_release(entry, holding, amount);
        return -EUSERS;
}

void client_account_release(struct client_entry *entry, enum client_holding holding, uint32_t amount) {
        if (entry)
                atomic_fetch_sub_explicit(&entry->held[holding], amount, memory_order_relaxed);
}

bool client_table_may_log(struct client_table *table, const struct sockaddr *address, int64_t second) {
        struct ip_address key = { 0 };
        (void) key_from_address(address, &key);
        _Atomic int64_t *slot = &table->logged[slot_of(table, &key)];
        int64_t logged = atomic_load_explicit(slot, memory_order_relaxed);
        /* A worker whose turn began in an earlier second may come later. */
        return logged < second && atomic_compare_exchange_strong_explicit(slot, &logged, second, memory_order_relaxed,
                                                                          memory_order_relaxed);
}

uint64_t client_table_count(struct client_table *table) {
        uint64_t count = 0;
        for (size_t i = 0; i < SHARDS; i++) {
                pthread_mutex_lock(&table->shards[i].lock);
                count += table->shards[i].entries.count;
                pthread_mutex_unlock(&table->shards[i].lock);
        }
        return count;
}
