/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/arguments.h"
#include "cli/key_file.h"
#include "config/config.h"

/* What the options --config and --credentials say, for the verbs of keys. */
struct key_place {
        const char *config_file;
        char *folder;          /* of the credentials */
        struct config *config; /* NULL until key_place_load_config */
        int lock_fd;
};

#define KEY_PLACE_INIT ((struct key_place) { .lock_fd = -1 })

int key_place_open(const struct cli_arguments *arguments, struct error *error, struct key_place *ret_place);
void key_place_done(struct key_place *place);
#define _cleanup_key_place_ _cleanup_(key_place_done)

int key_place_load_config(struct key_place *place, struct error *error);

/* -EINVAL for what is no name of a credential. */
int key_place_check_name(const char *name, struct error *error);

/* Finds and reads the keys NAME. */
int key_place_read(const struct key_place *place, const char *name, struct error *error, struct key_file *ret_file,
                   struct key_ring **ret_ring);

/* All of it for what changes keys, or files by them: waits until nobody else does. What was got is the caller's also when it fails. */
int key_place_take(const struct cli_arguments *arguments, const char *name, struct error *error,
                   struct key_place *place, struct key_file *file, struct key_ring **ring);
