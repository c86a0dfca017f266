/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/error.h"
#include "shared/text.h"

/* Folders and files that ccodesctl makes. */

/* Makes the folder and those above it that are missing; what it makes is the owner's alone. */
int state_folder_make(const char *path, struct error *error);

/* What `ccodesctl run` keeps while it runs. */
struct state_folder {
        char *path, *config; /* the folder, and the place of a file in it */
        bool is_temporary;   /* goes at the end */
        bool has_config;     /* the file was written */
        int lock_fd;         /* of the folder, which is one process's at a time */
};

#define STATE_FOLDER_INIT ((struct state_folder) { .lock_fd = -1 })

/* `path` NULL: a new folder beneath $XDG_RUNTIME_DIR or /tmp. -EBUSY when another process keeps its state there. */
int state_folder_open(const char *path, struct error *error, struct state_folder *ret_folder);

/* The path of a file in it; the caller frees. NULL when there is no memory. */
char *state_folder_file(const struct state_folder *folder, const char *name, const char *suffix);

/* Writes the configuration's file. */
int state_folder_write_config(struct state_folder *folder, struct slice text, struct error *error);

/* Removes the configuration and the daemons' sockets; a temporary folder with all that the daemons keep. */
void state_folder_close(struct state_folder *folder);
