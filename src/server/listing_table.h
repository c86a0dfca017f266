/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_store.h"
#include "server/listing.h"

/*
 * Listings of folders, shared by the workers of one generation: each folder is read by one thread at a time, whoever
 * asks for it meanwhile gets what that one read.
 *
 * A listing that was cheap is read anew whenever it is asked for. One that took long is good for some times as long, so
 * that reading it takes a small share of a thread at most, however often the folder changes and however many ask.
 * Nothing is kept beyond the last reference; what there is counts among the store's bytes.
 */
struct listing_table;

/* What a folder held at one time. Immutable; it has references of its own, on any thread. */
struct listing_version {
        struct listing listing;
        /* The rest is the table's. */
        struct listing_table *table;
        struct listing_record *record; /* of which it is the latest; NULL: there is a newer one */
        unsigned references;
        size_t bytes;
};

/* Whoever waits for another thread to read a folder. The message is delivered exactly once; then it asks again. */
struct listing_parker {
        struct list link;
        struct loop *loop;
        struct loop_message message; /* deliver and userdata are set by the owner */
};

/* Borrows the store. */
int listing_table_new(struct file_store *store, struct listing_table **ret_table);

/* Nobody has a reference to a version any more, or is parked. Takes NULL. */
void listing_table_free(struct listing_table *table);

/* From how long a reading on, in ns, it is not done again for `rest` times as long though the folder changed (at most
 * 30 s); 20 ms and 10 times unless told. */
void listing_table_set_rest(struct listing_table *table, int64_t cheap_nsec, int64_t rest);

/*
 * The listing of the folder at the canonical path, which is the directory `fd`, with a reference. -EINPROGRESS: another
 * thread is reading it, and the parker will be told. Blocks on the disk; not for a worker.
 */
int listing_table_get(struct listing_table *table, const struct site *site, const char *path, int fd,
                      struct listing_parker *parker, struct listing_version **ret_version);
struct listing_version *listing_version_ref(struct listing_version *version);
struct listing_version *listing_version_unref(struct listing_version *version); /* takes NULL, returns NULL */
