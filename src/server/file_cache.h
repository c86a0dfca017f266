/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_entry.h"
#include "shared/loop.h"

/*
 * What one worker remembers of paths, for one generation of the configuration.
 *
 * An entry is looked up anew once it is older than `revalidate`; a page of a listing, which is made of what was looked
 * up, serves as long as that does. One look-up runs for each path at a time, however
 * many requests wait for it. The number of entries is bounded; what stands in for things that do not exist can never
 * drive out what does.
 */
struct file_cache;
struct http_worker;
struct worker_generation;

struct file_cache_settings {
        uint64_t max_file;   /* bytes */
        uint64_t revalidate; /* ms */
        size_t max_entries;
        size_t max_open; /* entries that hold a file open */
};

/* A request that waits for a look-up; embedded in it. It takes itself back by list_remove(&waiter->link). */
struct file_waiter {
        struct list link;
        /* The entry is lent for the call; NULL with a cause when there is none. */
        void (*ready)(struct file_waiter *waiter, struct file_entry *entry, enum cause cause);
};

/* Borrows the worker, the store and the table. */
int file_cache_new(struct http_worker *worker, struct file_store *store, struct listing_table *listings,
                   const struct file_cache_settings *settings, struct file_cache **ret_cache);

/* No look-up is under way: each keeps the generation, and so the cache. */
void file_cache_free(struct file_cache *cache);

struct file_key {
        const struct site *site;
        struct slice path;               /* canonical */
        unsigned view;                   /* listing_view_number, FILE_VIEW_PLAIN, or FILE_VIEW_ERROR_PAGE */
        struct listing_version *listing; /* of which a listing's view is wanted; lent; else NULL */
};

/*
 * 1 with a reference to the entry; 0 when the waiter will be called; -EAGAIN when too much waits for the disk
 * already; -ENOMEM. `generation` is the one that the cache belongs to.
 */
int file_cache_get(struct file_cache *cache, const struct file_key *key, struct worker_generation *generation,
                   struct file_waiter *waiter, struct file_entry **ret_entry);

/* Entries, and look-ups under way; for tests. */
void file_cache_count(const struct file_cache *cache, size_t *ret_entries, size_t *ret_pending);
