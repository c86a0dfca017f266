/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables under the same keys: entries, which are always resolved, and look-ups that are under way on the pool.
 * Two lists keep the entries in the order of their use, one for files and one for what stands in for things that do
 * not exist. An entry that was dropped lives on as long as requests use it.
 */
#include "server/file_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/worker.h"
#include "shared/syscall.h"

#define TOUCH_MSEC 1000       /* how exact the order of use is */
#define SWEEP_MSEC 5000       /* between two looks for what should be let go */
#define IDLE_MSEC 60000       /* after so long without being asked for a file is closed, and a listing's memory freed */
#define STAND_IN_SHARE 4      /* one entry in so many may stand in for something that does not exist */
#define STAND_IN_PATH_MAX 512 /* bytes; what stands in for longer paths is not remembered */

struct file_cache {
        struct http_worker *worker;
        struct file_store *store;
        struct listing_table *listings;
        struct file_cache_settings settings;
        struct hash_table entries, pending; /* file_entry.link, file_pending.link; one key for both */
        struct list files, stand_ins;       /* file_entry.recent, the latest in front */
        size_t stand_in_count, open_count;
        uint64_t evictions; /* of the store, when we last let go of what was evicted */
        struct timer sweep;
};

struct file_pending {
        struct thread_task task;
        struct hash_link link;
        struct list waiters;
        struct file_cache *cache;
        struct worker_generation *generation; /* a reference */
        char *path;
        struct file_query query;
        struct file_result result;
        int outcome;
        struct listing_parker parker;
        unsigned ends; /* of a look-up that was parked: the task's, and the parker's message */
};

static void on_sweep(struct timer *timer, void *userdata);

int file_cache_new(struct http_worker *worker, struct file_store *store, struct listing_table *listings,
                   const struct file_cache_settings *settings, struct file_cache **ret_cache) {
        struct file_cache *cache = calloc(1, sizeof(*cache));
        if (!cache)
                return -ENOMEM;
        int r = hash_table_init(&cache->entries);
        if (r >= 0)
                r = hash_table_init(&cache->pending);
        if (r < 0) {
                free(cache);
                return r;
        }
        memcpy(cache->pending.key, cache->entries.key, sizeof(cache->pending.key));
        cache->worker = worker;
        cache->store = store;
        cache->listings = listings;
        cache->settings = *settings;
        cache->evictions = file_store_evictions(store);
        list_init(&cache->files);
        list_init(&cache->stand_ins);
        timer_init(&cache->sweep, on_sweep, cache);
        *ret_cache = cache;
        return 0;
}

static void drop(struct file_cache *cache, struct file_entry *entry) {
        hash_table_remove(&cache->entries, &entry->link);
        list_remove(&entry->recent);
        cache->stand_in_count -= entry->result.is_stand_in;
        cache->open_count -= file_entry_is_open(entry);
        file_entry_unref(entry);
}

static void drop_all(struct file_cache *cache, struct list *entries) {
        list_for_each (link, entries)
                drop(cache, list_entry(link, struct file_entry, recent));
}

void file_cache_free(struct file_cache *cache) {
        if (!cache)
                return;
        loop_timer_stop(cache->worker->loop, &cache->sweep);
        drop_all(cache, &cache->files);
        drop_all(cache, &cache->stand_ins);
        hash_table_done(&cache->entries);
        hash_table_done(&cache->pending);
        free(cache);
}

void file_cache_count(const struct file_cache *cache, size_t *ret_entries, size_t *ret_pending) {
        *ret_entries = cache->entries.count;
        *ret_pending = cache->pending.count;
}

static uint64_t hash_of(const struct file_cache *cache, const struct file_key *key) {
        return hash_table_hash(&cache->entries, key->path.data, key->path.length) +
               ((uint64_t) (uintptr_t) key->site ^ key->view) * 0x9e3779b97f4a7c15;
}

static bool is_entry(const struct hash_link *link, const void *userdata) {
        const struct file_entry *entry = container_of(link, struct file_entry, link);
        const struct file_key *key = userdata;
        return entry->site == key->site && entry->view == key->view &&
               slice_equal((struct slice) { entry->path, entry->path_length }, key->path);
}

static bool is_pending(const struct hash_link *link, const void *userdata) {
        const struct file_pending *pending = container_of(link, struct file_pending, link);
        const struct file_key *key = userdata;
        return pending->query.site == key->site && pending->query.view == key->view &&
               pending->query.listing == key->listing &&
               slice_equal((struct slice) { pending->query.path, pending->query.path_length }, key->path);
}

static struct list *list_of(struct file_cache *cache, const struct file_entry *entry) {
        return entry->result.is_stand_in ? &cache->stand_ins : &cache->files;
}

/* Drops what the store has let go, so that the memory comes free. */
static void drop_evicted(struct file_cache *cache, struct list *entries) {
        list_for_each (link, entries) {
                struct file_entry *entry = list_entry(link, struct file_entry, recent);
                if (file_entry_is_evicted(entry))
                        drop(cache, entry);
        }
}

static void on_sweep(struct timer *timer, void *userdata) {
        struct file_cache *cache = userdata;
        uint64_t now = loop_now(cache->worker->loop), evictions = file_store_evictions(cache->store);
        if (evictions != cache->evictions) {
                cache->evictions = evictions;
                drop_evicted(cache, &cache->files);
                drop_evicted(cache, &cache->stand_ins);
        }
        for (struct list *link = cache->files.previous, *next; link != &cache->files; link = next) {
                next = link->previous;
                struct file_entry *entry = list_entry(link, struct file_entry, recent);
                if (now - entry->touched < IDLE_MSEC)
                        break;
                if (file_entry_is_open(entry) || entry->result.listing)
                        drop(cache, entry);
        }
        if (cache->entries.count > 0)
                loop_timer_start(cache->worker->loop, timer, now + SWEEP_MSEC);
}

static size_t close_idle_of(struct file_cache *cache, struct list *entries, size_t most) {
        size_t count = 0;
        for (struct list *link = entries->previous, *next; link != entries && count < most; link = next) {
                next = link->previous;
                struct file_entry *entry = list_entry(link, struct file_entry, recent);
                if (!file_entry_is_open(entry))
                        continue;
                drop(cache, entry);
                count++;
        }
        return count;
}

/* Closes the files that were least recently asked for. False when there was none. */
static bool close_idle(struct file_cache *cache, size_t most) {
        size_t count = close_idle_of(cache, &cache->stand_ins, most);
        if (count < most)
                count += close_idle_of(cache, &cache->files, most - count);
        return count > 0;
}

static void drop_oldest(struct file_cache *cache, struct list *entries) {
        if (!list_is_empty(entries))
                drop(cache, list_entry(entries->previous, struct file_entry, recent));
}

static void make_room(struct file_cache *cache, const struct file_entry *entry) {
        size_t most = cache->settings.max_entries;
        if (entry->result.is_stand_in && cache->stand_in_count >= MAX_OF(most / STAND_IN_SHARE, (size_t) 1))
                drop_oldest(cache, &cache->stand_ins);
        if (cache->entries.count >= most)
                drop_oldest(cache, list_is_empty(&cache->files) ? &cache->stand_ins : &cache->files);
        if (file_entry_is_open(entry) && cache->open_count >= cache->settings.max_open)
                (void) close_idle(cache, 1);
}

static bool is_worth_keeping(const struct file_cache *cache, const struct file_entry *entry) {
        const struct file_version *version = entry->result.sources[0].version;
        if (!entry->result.is_lasting || cache->settings.max_entries == 0)
                return false;
        if (entry->site->is_changing && file_entry_is_open(entry))
                return false; /* one that is replaced or removed shall take no room on the disk any more */
        bool is_private = entry->result.listing || (version && version->is_private);
        if (is_private && !file_store_has_room(cache->store))
                return false;
        return !entry->result.is_stand_in || entry->path_length <= STAND_IN_PATH_MAX;
}

static void touch(struct file_cache *cache, struct file_entry *entry, uint64_t now) {
        entry->touched = now;
        file_entry_touch(entry, now);
        list_remove(&entry->recent);
        list_prepend(list_of(cache, entry), &entry->recent);
}

/* What was put into an upload folder is there for whoever asks next. */
static uint64_t fresh_for(const struct file_cache *cache, const struct site *site) {
        return site->is_changing ? 0 : cache->settings.revalidate;
}

/* Remembers the entry in place of `old`. The caller keeps its reference. */
static void remember(struct file_cache *cache, struct file_entry *old, struct file_entry *entry, uint64_t hash) {
        uint64_t now = loop_now(cache->worker->loop);
        if (old)
                drop(cache, old);
        if (!is_worth_keeping(cache, entry))
                return;
        make_room(cache, entry);
        if (hash_table_insert(&cache->entries, &entry->link, hash) < 0)
                return;
        file_entry_ref(entry);
        cache->stand_in_count += entry->result.is_stand_in;
        cache->open_count += file_entry_is_open(entry);
        entry->fresh_until = now + fresh_for(cache, entry->site);
        touch(cache, entry, now);
        if (!timer_is_started(&cache->sweep))
                loop_timer_start(cache->worker->loop, &cache->sweep, now + SWEEP_MSEC);
}

static struct file_entry *find_entry(const struct file_cache *cache, const struct file_key *key, uint64_t hash) {
        struct hash_link *link = hash_table_find(&cache->entries, hash, is_entry, key);
        return link ? container_of(link, struct file_entry, link) : NULL;
}

/* Turns a result into an entry: the one that is there when nothing changed, which keeps all that was made of it, else a
 * new one. Takes the path and the result. One reference. */
static int settle(struct file_cache *cache, const struct file_key *key, uint64_t hash, char *path,
                  struct file_result *result, struct file_entry **ret_entry) {
        struct file_entry *old = find_entry(cache, key, hash);
        if (old && file_result_equal(&old->result, result)) {
                old->fresh_until = loop_now(cache->worker->loop) + fresh_for(cache, key->site);
                free(path);
                file_result_done(result);
                *ret_entry = file_entry_ref(old);
                return 0;
        }
        struct file_entry *entry;
        int r = file_entry_new(key->site, path, key->path.length, key->view, result, &entry);
        if (r < 0)
                return r;
        remember(cache, old, entry, hash);
        *ret_entry = entry;
        return 0;
}

static void run(struct thread_task *task) {
        struct file_pending *pending = container_of(task, struct file_pending, task);
        pending->outcome = file_lookup(&pending->query, true, &pending->result);
}

static void free_pending(struct file_pending *pending) {
        listing_version_unref(pending->query.listing);
        free(pending->path);
        free(pending);
}

static enum cause cause_of(int outcome) {
        switch (outcome) {
        case -EAGAIN:
                return CAUSE_OVERLOADED;
        case -ECANCELED:
                return CAUSE_DRAINING;
        default:
                return outcome < 0 ? CAUSE_OUT_OF_MEMORY : CAUSE_NONE;
        }
}

/* Tells all who wait what came of it: pending->outcome. */
static void finish(struct file_pending *pending) {
        struct file_cache *cache = pending->cache;
        struct worker_generation *generation = pending->generation;
        struct file_entry *entry = NULL;
        uint64_t hash = pending->link.hash;
        const struct file_key key = {
                .site = pending->query.site,
                .path = { pending->path, pending->query.path_length },
                .view = pending->query.view,
                .listing = pending->query.listing,
        };

        hash_table_remove(&cache->pending, &pending->link);
        int r = pending->outcome;
        if (r >= 0) {
                if (pending->result.cause == CAUSE_OUT_OF_DESCRIPTORS)
                        (void) close_idle(cache, cache->settings.max_open / 8 + 1);
                r = settle(cache, &key, hash, take_pointer(pending->path), &pending->result, &entry);
        }
        /* Each waiter may end any other's exchange, which then takes its waiter off the list. */
        while (!list_is_empty(&pending->waiters)) {
                struct file_waiter *waiter = list_entry(pending->waiters.next, struct file_waiter, link);
                list_remove(&waiter->link);
                waiter->ready(waiter, entry, cause_of(r));
        }
        file_entry_unref(entry);
        free_pending(pending);
        worker_generation_unref(generation); /* perhaps the last: the cache may be gone now */
}

/* A look-up that was parked begins again once both have come, in either order; unless nobody waits for it any more. */
static void go_on(struct file_pending *pending) {
        struct http_worker *worker = pending->cache->worker;
        if (++pending->ends < 2)
                return;
        pending->ends = 0;
        if (list_is_empty(&pending->waiters)) {
                finish(pending);
                return;
        }
        /* From here on the outcome is the task's to write. */
        int r = thread_pool_submit(worker->services->pool, worker->loop, &pending->task);
        if (r < 0) {
                pending->outcome = r;
                finish(pending);
        }
}

static void on_unparked(struct loop_message *message, void *userdata) {
        go_on(userdata);
}

static void done(struct thread_task *task) {
        struct file_pending *pending = container_of(task, struct file_pending, task);
        if (task->result < 0)
                pending->outcome = task->result;
        if (pending->outcome == -EINPROGRESS)
                go_on(pending);
        else
                finish(pending);
}

static int look_up_on_pool(struct file_cache *cache, const struct file_query *query, char *path, uint64_t hash,
                           struct worker_generation *generation, struct file_waiter *waiter) {
        struct file_pending *pending = calloc(1, sizeof(*pending));
        if (!pending) {
                free(path);
                return -ENOMEM;
        }
        pending->task = (struct thread_task) { .run = run, .done = done };
        list_init(&pending->waiters);
        pending->cache = cache;
        pending->generation = generation;
        pending->path = path;
        pending->query = *query;
        if (query->listing)
                (void) listing_version_ref(query->listing);
        pending->query.parker = &pending->parker;
        pending->parker.loop = cache->worker->loop;
        pending->parker.message = (struct loop_message) { .deliver = on_unparked, .userdata = pending };

        int r = hash_table_insert(&cache->pending, &pending->link, hash);
        if (r < 0) {
                free_pending(pending);
                return r;
        }
        r = thread_pool_submit(cache->worker->services->pool, cache->worker->loop, &pending->task);
        if (r < 0) {
                hash_table_remove(&cache->pending, &pending->link);
                free_pending(pending);
                return r;
        }
        worker_generation_ref(generation);
        list_append(&pending->waiters, &waiter->link);
        return 0;
}

static int look_up(struct file_cache *cache, const struct file_key *key, uint64_t hash,
                   struct worker_generation *generation, struct file_waiter *waiter, struct file_entry **ret_entry) {
        char *path = strndup(key->path.data, key->path.length);
        if (!path)
                return -ENOMEM;
        const struct file_query query = {
                .site = key->site,
                .store = cache->store,
                .max_file = cache->settings.max_file,
                .path = path,
                .path_length = key->path.length,
                .view = key->view == FILE_VIEW_ERROR_PAGE ? FILE_VIEW_PLAIN : key->view,
                .listing = key->listing,
                .listings = cache->listings,
                .without_rules = key->view == FILE_VIEW_ERROR_PAGE,
        };
        struct file_result result;
        int r = file_lookup(&query, false, &result);
        if (r >= 0 && result.cause == CAUSE_OUT_OF_DESCRIPTORS && close_idle(cache, cache->settings.max_open / 8 + 1)) {
                file_result_done(&result);
                r = file_lookup(&query, false, &result);
        }
        if (r == -EAGAIN)
                return look_up_on_pool(cache, &query, path, hash, generation, waiter);
        if (r < 0) {
                free(path);
                return r;
        }
        r = settle(cache, key, hash, path, &result, ret_entry);
        return r < 0 ? r : 1;
}

/* A body in memory is whole whatever becomes of the file; an open file is looked at each time, so that no length is
 * promised that it no longer has. */
static bool is_fresh(const struct file_entry *entry, const struct file_key *key, uint64_t now) {
        if (key->listing)
                return entry->result.listing == key->listing;
        return now < entry->fresh_until && !file_entry_has_changed(entry);
}

int file_cache_get(struct file_cache *cache, const struct file_key *key, struct worker_generation *generation,
                   struct file_waiter *waiter, struct file_entry **ret_entry) {
        uint64_t hash = hash_of(cache, key), now = loop_now(cache->worker->loop);
        struct file_entry *entry = find_entry(cache, key, hash);
        if (entry && is_fresh(entry, key, now)) {
                if (now - entry->touched >= TOUCH_MSEC)
                        touch(cache, entry, now);
                *ret_entry = file_entry_ref(entry);
                return 1;
        }
        struct hash_link *link = hash_table_find(&cache->pending, hash, is_pending, key);
        if (link && !key->site->is_changing) { /* it may have begun before the last upload */
                list_append(&container_of(link, struct file_pending, link)->waiters, &waiter->link);
                return 0;
        }
        return look_up(cache, key, hash, generation, waiter, ret_entry);
}
