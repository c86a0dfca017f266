/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/negotiate.h"
#include "server/file_open.h"
#include "shared/list.h"
#include "shared/loop.h"
#include "shared/metrics.h"

/*
 * Bodies of files in memory, shared by all workers and by every generation of the configuration.
 *
 * A version is one content of one file (see file_identity): a changed file is another version, so that a body never
 * mixes two. Bodies are there by content coding; each is made once. What is published never changes and stays as long
 * as anyone has a reference. All functions take a lock and are meant for the slow path, but for those said to take
 * none.
 *
 * All bodies together stay within the limit. What was not used for a while gives way to what is new; what is in use
 * does not, so that more files than fit do not drive each other out all the time. A version that gave way is freed
 * when the last reference to it is gone; the workers give theirs back soon, see file_store_evictions.
 */
struct file_store;

#define FILE_CODINGS (1 + HTTP_CODING_COUNT)

enum file_body_state {
        FILE_BODY_ABSENT,
        FILE_BODY_PENDING, /* being made */
        FILE_BODY_READY,
        FILE_BODY_USELESS, /* not smaller than the file, or there was no room: do not ask again */
};

struct file_version {
        struct file_identity identity;
        _Atomic(unsigned char) states[FILE_CODINGS]; /* enum file_body_state, by http_coding_index */
        struct slice bodies[FILE_CODINGS];           /* valid once the state was seen to be READY */
        uint64_t digest;       /* of the file itself, once its body is READY: the same everywhere */
        _Atomic uint64_t used; /* ms, CLOCK_MONOTONIC */
        atomic_bool is_evicted;
        /* The rest is the store's. */
        struct file_store *store;
        struct hash_link *index; /* where it is found; NULL: it is private, or evicted */
        struct list link;        /* in the ring */
        struct list watches;     /* struct file_watch */
        bool is_private;
        unsigned references;
        uint64_t bytes;
};

/* Whoever waits for a body. The message is delivered exactly once; then the watch is its owner's again. */
struct file_watch {
        struct list link;
        enum http_coding coding;
        struct loop *loop;
        struct loop_message message; /* deliver and userdata are set by the owner */
};

/* `limit` in bytes. */
int file_store_new(uint64_t limit, struct file_store **ret_store);

/* Registers what the store holds with the metrics, which it must outlive. */
int file_store_add_metrics(struct file_store *store, struct metrics *metrics);

/* Nobody has a reference to a version any more. Takes NULL. */
void file_store_free(struct file_store *store);

/* Takes effect with the next body; what is above a lower limit goes then. */
void file_store_set_limit(struct file_store *store, uint64_t limit);

/* For how long what was used does not give way, in ms; 10 s unless told. */
void file_store_set_protection(struct file_store *store, uint64_t protection);

/* Bytes in use, the books included. Any thread, no lock. */
uint64_t file_store_bytes(const struct file_store *store);

/* How many versions gave way so far: a holder looks for versions with is_evicted when it has grown. Any thread, no
 * lock. */
uint64_t file_store_evictions(const struct file_store *store);

/* Whether what nobody but its holder has leaves room for more of it: such may take a quarter of the limit, so that
 * folders that are listed do not drive out files. Any thread, no lock. */
bool file_store_has_room(const struct file_store *store);

/* Counts bytes that something else holds among the store's private ones; less than 0 takes them back. */
void file_store_charge(struct file_store *store, int64_t bytes);

/*
 * The version with this identity, with a reference; made when there is none. -ENOMEM.
 *
 * A private one is never found by anyone else, and the limit does not hold for its bodies: whoever has it keeps it
 * beyond one answer only while file_store_has_room.
 */
int file_store_get(struct file_store *store, const struct file_identity *identity, bool is_private,
                   struct file_version **ret_version);
struct file_version *file_version_ref(struct file_version *version);
struct file_version *file_version_unref(struct file_version *version); /* NULL */

/* No lock. */
static inline enum file_body_state file_version_state(const struct file_version *version, unsigned index) {
        return (enum file_body_state) atomic_load_explicit(&version->states[index], memory_order_acquire);
}

/* Tells that the version is in use at `now` (ms, CLOCK_MONOTONIC), so that it does not give way soon. No lock. */
static inline void file_version_touch(struct file_version *version, uint64_t now) {
        atomic_store_explicit(&version->used, now, memory_order_relaxed);
}

/*
 * Publishes a body, which is from malloc and belongs to the store from then on, and tells the watches. 0, also when
 * there is one already (the new one is freed); -ENOSPC when there is no room: the data is still the caller's, the
 * state is USELESS for a coding and ABSENT for the file itself. `data` NULL: there is no use in it (USELESS).
 */
int file_version_publish(struct file_version *version, enum http_coding coding, void *data, size_t length);

/*
 * Asks for a body in a coding. ABSENT: the caller is the one who must make it, and publish it or give up; the state
 * is PENDING from now on. PENDING: somebody else makes it. In both cases the watch is registered. READY and USELESS:
 * the watch was not touched.
 */
enum file_body_state file_version_claim(struct file_version *version, enum http_coding coding,
                                        struct file_watch *watch);

/* Who claimed cannot make it now: others may try again. Tells the watches, but not `own`, which is taken back. */
void file_version_give_up(struct file_version *version, enum http_coding coding, struct file_watch *own);
