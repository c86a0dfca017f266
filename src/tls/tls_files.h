/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include "shared/error.h"

/* The files that a TLS context was made of, as they were when they were read. All zero is empty. */
struct tls_file {
        char *path;
        int failure; /* negative errno of stat(2): it was not there, or could not be seen */
        mode_t mode;
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified;
};

struct tls_files {
        struct tls_file *items;
        size_t count;
};

/*
 * Remembers how the file is now, then reads it: a change in between is seen as one later. Errors say what is done about
 * them; the text begins with `what` ("reading key"). The caller frees the NUL-terminated block.
 */
int tls_files_read(struct tls_files *files, const char *path, const char *what, struct error *error, char **ret_data,
                   size_t *ret_length);

/* The file that was added last. */
static inline const struct tls_file *tls_files_last(const struct tls_files *files) {
        return &files->items[files->count - 1];
}

/* Whether any differs now in device, inode, size, time of change, or in being there. Blocks on the disk. */
bool tls_files_changed(const struct tls_files *files);

void tls_files_done(struct tls_files *files);
