/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/error.h"

/*
 * The opened roots of sites, a descriptor for each folder: sites that share one, and the same site in the generation
 * before and after a reload, share the descriptor. So ten thousand sites take as many descriptors at most, always.
 */
struct site_roots;

struct site_root {
        int fd;         /* O_PATH; a later rename of the folder or of one above it does not matter */
        bool is_remote; /* on a network or user-space file system: nothing about it is asked without waiting */
        bool is_memory; /* on a file system without a disk: names are found without waiting */
        /* The rest is the table's. */
        struct site_roots *table;
        unsigned references;
        unsigned long long device, inode;
};

int site_roots_new(struct site_roots **ret_roots);

/* No root is referenced any more. Takes NULL. */
void site_roots_free(struct site_roots *roots);

/* Opens the folder, with a reference. The error says what failed and what to do. Any thread that may block. */
int site_root_open(struct site_roots *roots, const char *path, struct error *error, struct site_root **ret_root);

/* Takes NULL, returns NULL. Any thread. */
struct site_root *site_root_unref(struct site_root *root);
