/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_entry.h"
#include "shared/thread_pool.h"

/*
 * Compression on the fly: once for each version of a file and coding, on the pool for such work, whichever worker asked first;
 * the result is kept in the store and all who wait for it are told.
 */
struct worker_generation;

/* Someone who waits for a body of an entry; embedded in its owner, who may take it back at any time by
 * list_remove(&waiter->link). */
struct compression_waiter {
        struct list link;
        void (*ready)(struct compression_waiter *waiter);
};

/*
 * Sees to it that a variant that is not ready gets its bytes. 0: `waiter`, unless NULL, is told once they are there,
 * or turn out not to come (then the entry's `codings` have the coding no more, or it may be tried again); 1: it is
 * settled already; -EAGAIN when the pool is full; -ENOMEM. The entry and the generation are kept meanwhile.
 */
int compression_await(struct file_entry *entry, enum http_coding coding, struct worker_generation *generation,
                      struct compression_waiter *waiter);
