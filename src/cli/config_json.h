/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "config/config.h"

/*
 * The configuration that a daemon has in force, which it gives as JSON (config_write_json), as structs again: it goes
 * back the way that TOML takes, through a tree and the tables.
 */

/* Tables, arrays, strings, numbers and booleans become nodes, null is left out. The tree is in the arena. `label` stands
 * for the file, and must live as long. -EINVAL for what is no object at the top, -ENOMEM. */
int config_json_tree(struct json_object *object, const char *label, struct arena *arena, struct error *error,
                     struct config_tree **ret_tree);

struct running_config {
        struct arena arena;
        struct config_tree *tree;
        struct config_root root;
};

/* Asks the daemon behind the socket. */
int running_config_load(const char *socket, struct error *error, struct running_config **ret_config);
void running_config_free(struct running_config *config);

static inline void running_config_cleanup(struct running_config **config) {
        running_config_free(*config);
}
