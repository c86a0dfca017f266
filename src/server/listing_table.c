/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record for each folder that is being read or whose listing somebody has. One mutex guards the records, the counts of
 * references and the parked; no folder is read under it. A record is only removed when nobody reads for it, and then
 * nobody is parked at it.
 */
#include "server/listing_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/hash.h"
#include "shared/syscall.h"

#define NSEC_PER_MSEC 1000000
#define CHEAP_NSEC (20 * NSEC_PER_MSEC) /* what took less is read anew each time */
#define REST 10           /* how many times as long as it took a listing is good, even if the folder changed */
#define REST_UNCHANGED 50 /* and while the folder has not: sizes and times of its files may have */
#define REST_MAX_NSEC (30000LL * NSEC_PER_MSEC)

struct listing_table {
        pthread_mutex_t mutex;
        struct hash_table records;
        struct file_store *store;
        int64_t cheap, rest; /* CHEAP_NSEC, REST */
};

struct listing_record {
        struct hash_link link;
        struct listing_table *table;
        const struct site *site;
        char *path;
        struct listing_version *latest; /* not a reference; NULL: none that anybody has */
        struct file_identity identity;  /* of the folder when the latest was read */
        bool is_sure;                   /* a change since then would show in the identity */
        int64_t read_at, cost;          /* ns, CLOCK_MONOTONIC */
        bool is_busy;
        struct list parked; /* struct listing_parker */
};

struct folder_key {
        const struct site *site;
        const char *path;
};

int listing_table_new(struct file_store *store, struct listing_table **ret_table) {
        struct listing_table *table = calloc(1, sizeof(*table));
        if (!table)
                return -ENOMEM;
        int r = hash_table_init(&table->records);
        if (r < 0) {
                free(table);
                return r;
        }
        pthread_mutex_init(&table->mutex, NULL); /* cannot fail with these attributes */
        table->store = store;
        table->cheap = CHEAP_NSEC;
        table->rest = REST;
        *ret_table = table;
        return 0;
}

void listing_table_set_rest(struct listing_table *table, int64_t cheap_nsec, int64_t rest) {
        table->cheap = cheap_nsec;
        table->rest = rest;
}

void listing_table_free(struct listing_table *table) {
        if (!table)
                return;
        hash_table_done(&table->records);
        (void) pthread_mutex_destroy(&table->mutex);
        free(table);
}

static void lock(struct listing_table *table) {
        (void) pthread_mutex_lock(&table->mutex);
}

static void unlock(struct listing_table *table) {
        (void) pthread_mutex_unlock(&table->mutex);
}

static int64_t now_of(clockid_t clock) {
        struct timespec now;
        (void) clock_gettime(clock, &now);
        return (int64_t) now.tv_sec * 1000 * NSEC_PER_MSEC + now.tv_nsec;
}

static bool is_record(const struct hash_link *link, const void *userdata) {
        const struct listing_record *record = container_of(link, const struct listing_record, link);
        const struct folder_key *key = userdata;
        return record->site == key->site && strcmp(record->path, key->path) == 0;
}

static int make_record(struct listing_table *table, const struct folder_key *key, uint64_t hash,
                       struct listing_record **ret_record) {
        struct listing_record *record = calloc(1, sizeof(*record));
        if (!record)
                return -ENOMEM;
        *record = (struct listing_record) { .table = table, .site = key->site, .path = strdup(key->path) };
        list_init(&record->parked);
        if (!record->path || hash_table_insert(&table->records, &record->link, hash) < 0) {
                free(record->path);
                free(record);
                return -ENOMEM;
        }
        *ret_record = record;
        return 0;
}

static int find_record(struct listing_table *table, const struct folder_key *key, struct listing_record **ret_record) {
        uint64_t hash = hash_table_hash(&table->records, key->path, strlen(key->path));
        struct hash_link *link = hash_table_find(&table->records, hash, is_record, key);
        if (!link)
                return make_record(table, key, hash, ret_record);
        *ret_record = container_of(link, struct listing_record, link);
        return 0;
}

static void remove_if_idle(struct listing_record *record) {
        if (record->is_busy || record->latest)
                return;
        hash_table_remove(&record->table->records, &record->link);
        free(record->path);
        free(record);
}

static bool is_current(const struct listing_record *record, const struct file_identity *identity) {
        const struct listing_table *table = record->table;
        int64_t age = now_of(CLOCK_MONOTONIC) - record->read_at;
        if (!record->latest || record->cost < table->cheap)
                return false;
        bool is_unchanged = record->is_sure && file_identity_equal(&record->identity, identity);
        return age < MIN_OF((is_unchanged ? REST_UNCHANGED : table->rest) * record->cost, REST_MAX_NSEC);
}

static void free_version(struct listing_version *version) {
        listing_done(&version->listing);
        free(version);
}

static int read_version(const struct folder_key *key, struct listing_version **ret_version) {
        struct listing_version *version = calloc(1, sizeof(*version));
        if (!version)
                return -ENOMEM;
        int r = listing_read(key->site, key->path, &version->listing);
        if (r < 0) {
                free_version(version);
                return r;
        }
        version->references = 1;
        version->bytes = sizeof(*version) + listing_bytes(&version->listing);
        *ret_version = version;
        return 0;
}

/* What was read becomes the latest, unless it says nothing new: then all that was made of the one before serves on. */
static struct listing_version *settle(struct listing_record *record, struct listing_version *version) {
        if (record->latest && listing_equal(&record->latest->listing, &version->listing)) {
                free_version(version);
                record->latest->references++;
                return record->latest;
        }
        version->table = record->table;
        version->record = record;
        if (record->latest)
                record->latest->record = NULL;
        record->latest = version;
        file_store_charge(record->table->store, (int64_t) version->bytes);
        return version;
}

static void wake_parked(struct listing_record *record) {
        list_for_each (link, &record->parked) {
                struct listing_parker *parker = list_entry(link, struct listing_parker, link);
                list_remove(link);
                loop_post(parker->loop, &parker->message); /* from here on it is its owner's */
        }
}

/* Reads the folder with the record kept busy. The caller has the lock, before and after. */
static int read_for(struct listing_record *record, const struct folder_key *key, const struct file_identity *identity,
                    struct listing_version **ret_version) {
        struct listing_version *version = NULL;
        record->is_busy = true;
        unlock(record->table);
        bool is_sure = !file_identity_is_fresh(identity, now_of(CLOCK_REALTIME));
        int64_t begin = now_of(CLOCK_MONOTONIC);
        int r = read_version(key, &version);
        int64_t end = now_of(CLOCK_MONOTONIC);
        lock(record->table);
        record->is_busy = false;
        if (r >= 0) {
                *ret_version = settle(record, version);
                record->identity = *identity;
                record->is_sure = is_sure;
                record->read_at = begin;
                record->cost = end - begin;
        }
        wake_parked(record);
        return r;
}

int listing_table_get(struct listing_table *table, const struct site *site, const char *path, int fd,
                      struct listing_parker *parker, struct listing_version **ret_version) {
        const struct folder_key key = { site, path };
        struct file_identity identity;
        int r = file_identify(fd, &identity);
        if (r < 0)
                return r;
        lock(table);
        struct listing_record *record;
        r = find_record(table, &key, &record);
        if (r >= 0 && record->is_busy) {
                list_append(&record->parked, &parker->link);
                r = -EINPROGRESS;
        } else if (r >= 0 && is_current(record, &identity)) {
                record->latest->references++;
                *ret_version = record->latest;
        } else if (r >= 0) {
                r = read_for(record, &key, &identity, ret_version);
                remove_if_idle(record);
        }
        unlock(table);
        return r;
}

struct listing_version *listing_version_ref(struct listing_version *version) {
        lock(version->table);
        version->references++;
        unlock(version->table);
        return version;
}

struct listing_version *listing_version_unref(struct listing_version *version) {
        if (!version)
                return NULL;
        struct listing_table *table = version->table;
        lock(table);
        bool is_last = --version->references == 0;
        if (is_last && version->record) {
                version->record->latest = NULL;
                remove_if_idle(version->record);
        }
        unlock(table);
        if (is_last) {
                file_store_charge(table->store, -(int64_t) version->bytes);
                free_version(version);
        }
        return NULL;
}
