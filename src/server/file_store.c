/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of files whose bodies are in memory. One mutex guards the index, the ring, the counts of references and
 * the watches. A state is stored with release order after its body, so that readers need no lock. The index has one
 * reference of each version in it; `bytes` counts what is allocated, `indexed_bytes` what has not yet given way.
 */
#include "server/file_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "shared/hash.h"
#include "shared/syscall.h"

#define OVERHEAD 512     /* bytes that a version costs besides its bodies */
#define PROTECTION 10000 /* ms */
#define PRIVATE_SHARE 4  /* one byte in so many may be private */
#define STEPS_MAX 64     /* versions that one new body looks at to make room */

struct file_store {
        pthread_mutex_t mutex;
        struct hash_table index;
        struct list ring; /* indexed versions; those at the front are looked at next */
        uint64_t indexed_bytes, protection;
        _Atomic uint64_t limit, bytes, evictions;
        _Atomic uint64_t private_bytes; /* among the bytes */
};

struct indexed_version {
        struct file_version version;
        struct hash_link link;
};

int file_store_new(uint64_t limit, struct file_store **ret_store) {
        struct file_store *store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        int r = hash_table_init(&store->index);
        if (r < 0) {
                free(store);
                return r;
        }
        pthread_mutex_init(&store->mutex, NULL); /* cannot fail with these attributes */
        list_init(&store->ring);
        store->protection = PROTECTION;
        atomic_init(&store->limit, limit);
        *ret_store = store;
        return 0;
}

static void lock(struct file_store *store) {
        (void) pthread_mutex_lock(&store->mutex);
}

static void unlock(struct file_store *store) {
        (void) pthread_mutex_unlock(&store->mutex);
}

/* For values that only change under the mutex but are read without it. */
static void add_relaxed(_Atomic uint64_t *value, uint64_t amount) {
        atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + amount, memory_order_relaxed);
}

static void count_bytes(const struct file_version *version, uint64_t bytes) {
        add_relaxed(&version->store->bytes, bytes);
        if (version->is_private)
                add_relaxed(&version->store->private_bytes, bytes);
}

static void free_version(struct file_version *version) {
        count_bytes(version, -version->bytes);
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                free((void *) version->bodies[i].data);
        free(container_of(version, struct indexed_version, version));
}

/* Takes the version out of the index, whose reference it then loses. */
static void remove_from_index(struct file_version *version) {
        struct file_store *store = version->store;
        hash_table_remove(&store->index, version->index);
        version->index = NULL;
        list_remove(&version->link);
        store->indexed_bytes -= version->bytes;
        if (--version->references == 0)
                free_version(version);
}

void file_store_free(struct file_store *store) {
        if (!store)
                return;
        list_for_each (link, &store->ring)
                remove_from_index(list_entry(link, struct file_version, link));
        hash_table_done(&store->index);
        (void) pthread_mutex_destroy(&store->mutex);
        free(store);
}

void file_store_set_limit(struct file_store *store, uint64_t limit) {
        atomic_store_explicit(&store->limit, limit, memory_order_relaxed);
}

static uint64_t limit_of(const struct file_store *store) {
        return atomic_load_explicit(&store->limit, memory_order_relaxed);
}

void file_store_set_protection(struct file_store *store, uint64_t protection) {
        store->protection = protection;
}

bool file_store_has_room(const struct file_store *store) {
        return atomic_load_explicit(&store->private_bytes, memory_order_relaxed) <= limit_of(store) / PRIVATE_SHARE;
}

void file_store_charge(struct file_store *store, int64_t bytes) {
        lock(store);
        add_relaxed(&store->bytes, (uint64_t) bytes);
        add_relaxed(&store->private_bytes, (uint64_t) bytes);
        unlock(store);
}

uint64_t file_store_bytes(const struct file_store *store) {
        return atomic_load_explicit(&store->bytes, memory_order_relaxed);
}

uint64_t file_store_evictions(const struct file_store *store) {
        return atomic_load_explicit(&store->evictions, memory_order_relaxed);
}

static double read_bytes(void *userdata) {
        return (double) file_store_bytes(userdata);
}

static double read_limit(void *userdata) {
        return (double) limit_of(userdata);
}

static double read_evictions(void *userdata) {
        return (double) file_store_evictions(userdata);
}

int file_store_add_metrics(struct file_store *store, struct metrics *metrics) {
        int r = metrics_add_callback(metrics, METRIC_GAUGE, "ccodes_file_cache_bytes", "bytes",
                                     "Memory that bodies of files take, as they are and compressed.", NULL, read_bytes,
                                     store);
        if (r >= 0)
                r = metrics_add_callback(metrics, METRIC_GAUGE, "ccodes_file_cache_limit_bytes", "bytes",
                                         "Memory that bodies of files may take.", NULL, read_limit, store);
        if (r >= 0)
                r = metrics_add_callback(metrics, METRIC_COUNTER, "ccodes_file_cache_evictions", NULL,
                                         "Files that gave way to others in memory.", NULL, read_evictions, store);
        return r;
}

static bool has_identity(const struct hash_link *link, const void *key) {
        return file_identity_equal(&container_of(link, const struct indexed_version, link)->version.identity, key);
}

static uint64_t now_msec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static struct file_version *make_version(struct file_store *store, const struct file_identity *identity,
                                         bool is_private) {
        struct indexed_version *made = calloc(1, sizeof(*made));
        if (!made)
                return NULL;
        struct file_version *version = &made->version;
        version->identity = *identity;
        version->store = store;
        version->is_private = is_private;
        version->references = 1;
        file_version_touch(version, now_msec());
        version->bytes = OVERHEAD;
        list_init(&version->link);
        list_init(&version->watches);
        count_bytes(version, OVERHEAD);
        return version;
}

static int add_to_index(struct file_version *version, uint64_t hash) {
        struct file_store *store = version->store;
        struct hash_link *link = &container_of(version, struct indexed_version, version)->link;
        int r = hash_table_insert(&store->index, link, hash);
        if (r < 0)
                return r;
        version->index = link;
        version->references++;
        list_append(&store->ring, &version->link);
        store->indexed_bytes += version->bytes;
        return 0;
}

static int get_locked(struct file_store *store, const struct file_identity *identity, bool is_private,
                      struct file_version **ret_version) {
        uint64_t hash = hash_table_hash(&store->index, identity, sizeof(*identity));
        struct hash_link *link = is_private ? NULL : hash_table_find(&store->index, hash, has_identity, identity);
        if (link) {
                *ret_version = &container_of(link, struct indexed_version, link)->version;
                (*ret_version)->references++;
                return 0;
        }
        struct file_version *version = make_version(store, identity, is_private);
        if (!version)
                return -ENOMEM;
        if (!is_private && add_to_index(version, hash) < 0) {
                free_version(version);
                return -ENOMEM;
        }
        *ret_version = version;
        return 0;
}

int file_store_get(struct file_store *store, const struct file_identity *identity, bool is_private,
                   struct file_version **ret_version) {
        lock(store);
        int r = get_locked(store, identity, is_private, ret_version);
        unlock(store);
        return r;
}

struct file_version *file_version_ref(struct file_version *version) {
        lock(version->store);
        version->references++;
        unlock(version->store);
        return version;
}

struct file_version *file_version_unref(struct file_version *version) {
        if (!version)
                return NULL;
        struct file_store *store = version->store;
        lock(store);
        if (--version->references == 0)
                free_version(version);
        else if (version->references == 1 && version->index && version->bytes == OVERHEAD)
                remove_from_index(version); /* nothing in it is worth keeping */
        unlock(store);
        return NULL;
}

static bool may_give_way(const struct file_version *version, uint64_t now) {
        uint64_t used = atomic_load_explicit(&version->used, memory_order_relaxed);
        return used + version->store->protection <= now;
}

/* Makes versions give way until `wanted` more bytes fit, with some room beyond, so that it does not happen for each
 * body. */
static void make_room(struct file_store *store, const struct file_version *for_version, uint64_t wanted) {
        uint64_t limit = limit_of(store), target = limit - limit / 8, now = now_msec();
        if (store->indexed_bytes + wanted <= limit)
                return;
        size_t steps = MIN_OF(store->index.count, (size_t) STEPS_MAX);
        for (; steps > 0 && store->indexed_bytes + wanted > target; steps--) {
                struct file_version *version = list_entry(store->ring.next, struct file_version, link);
                list_remove(&version->link);
                list_append(&store->ring, &version->link);
                if (version == for_version || !may_give_way(version, now))
                        continue;
                atomic_store_explicit(&version->is_evicted, true, memory_order_relaxed);
                add_relaxed(&store->evictions, 1);
                remove_from_index(version);
        }
}

static void set_state(struct file_version *version, enum http_coding coding, enum file_body_state state) {
        atomic_store_explicit(&version->states[http_coding_index(coding)], (unsigned char) state, memory_order_release);
}

static void tell_watches(struct file_version *version, enum http_coding coding) {
        list_for_each (link, &version->watches) {
                struct file_watch *watch = list_entry(link, struct file_watch, link);
                if (watch->coding != coding)
                        continue;
                list_remove(link);
                loop_post(watch->loop, &watch->message); /* from here on it is its owner's */
        }
}

/* The key is fixed, so that a content has the same digest on every machine and after every restart. */
static uint64_t digest_of(const void *data, size_t length) {
        static const uint64_t key[2] = { 0x636f6e7461696e65, 0x722d636f6465732e };
        return siphash13(data, length, key);
}

static int publish_locked(struct file_version *version, enum http_coding coding, void *data, size_t length,
                          uint64_t digest) {
        struct file_store *store = version->store;
        if (!data)
                return -ENOSPC;
        if (!version->is_private) {
                if (length > limit_of(store))
                        return -ENOSPC;
                make_room(store, version, length);
                if (file_store_bytes(store) + length > limit_of(store))
                        return -ENOSPC;
        }

        if (coding == HTTP_CODING_IDENTITY)
                version->digest = digest;
        version->bodies[http_coding_index(coding)] = (struct slice) { data, length };
        version->bytes += length;
        count_bytes(version, length);
        if (version->index)
                store->indexed_bytes += length;
        return 0;
}

int file_version_publish(struct file_version *version, enum http_coding coding, void *data, size_t length) {
        struct file_store *store = version->store;
        uint64_t digest = coding == HTTP_CODING_IDENTITY && data ? digest_of(data, length) : 0;
        lock(store);
        if (file_version_state(version, http_coding_index(coding)) == FILE_BODY_READY) {
                unlock(store);
                free(data);
                return 0;
        }
        int r = publish_locked(version, coding, data, length, digest);
        set_state(version, coding,
                  r == 0                           ? FILE_BODY_READY
                  : coding == HTTP_CODING_IDENTITY ? FILE_BODY_ABSENT
                                                   : FILE_BODY_USELESS);
        tell_watches(version, coding);
        unlock(store);
        return data ? r : 0;
}

enum file_body_state file_version_claim(struct file_version *version, enum http_coding coding,
                                        struct file_watch *watch) {
        lock(version->store);
        enum file_body_state state = file_version_state(version, http_coding_index(coding));
        if (state == FILE_BODY_ABSENT)
                set_state(version, coding, FILE_BODY_PENDING);
        if (state == FILE_BODY_ABSENT || state == FILE_BODY_PENDING) {
                watch->coding = coding;
                list_append(&version->watches, &watch->link);
        }
        unlock(version->store);
        return state;
}

void file_version_give_up(struct file_version *version, enum http_coding coding, struct file_watch *own) {
        lock(version->store);
        set_state(version, coding, FILE_BODY_ABSENT);
        if (own)
                list_remove(&own->link);
        tell_watches(version, coding);
        unlock(version->store);
}
