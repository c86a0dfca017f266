/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"
#include "shared/key_ring.h"

/*
 * The files of the sealed folders that a configuration keeps under one credential, unfinished ones included. Links are not
 * followed, and what is no sealed file of these keys is never written to: the folders belong to a service that may have been
 * taken over.
 */
struct sealed_folders {
        uint64_t files;     /* sealed ones that were seen */
        uint64_t rewrapped; /* of these, with another key now */
        uint64_t faults;    /* files that cannot be opened by the keys */

        /* Told of each of those; may be NULL. */
        void (*on_fault)(const char *path, const char *why, void *userdata);
        void *userdata;
};

/* Wraps them all by the newest key. The error is of a folder that cannot be read. */
int sealed_folders_rewrap(const struct config_root *root, const char *credential, const struct key_ring *ring,
                          struct sealed_folders *folders, struct error *error);

/* How many files name the key, counted in `folders->files`. */
int sealed_folders_count(const struct config_root *root, const char *credential, struct slice id,
                         struct sealed_folders *folders, struct error *error);
