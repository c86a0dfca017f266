/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/error.h"

/*
 * Configuration as it was written: the merged tree of one main file and the *.toml of a folder, in order of their
 * names. Tables merge by key, later scalars win, arrays of tables append; each node knows its file, line and column.
 */
enum config_node_type {
        CONFIG_NODE_TABLE,
        CONFIG_NODE_ARRAY,
        CONFIG_NODE_STRING,
        CONFIG_NODE_INTEGER,
        CONFIG_NODE_FLOAT,
        CONFIG_NODE_BOOLEAN,
        CONFIG_NODE_DATE, /* any of TOML's date and time types, as text */
};

struct config_tree {
        enum config_node_type type;
        const char *key; /* within its table; NULL in an array */
        const char *file;
        unsigned line, column; /* from 1 */
        union {
                const char *string; /* CONFIG_NODE_STRING, CONFIG_NODE_DATE */
                int64_t integer;
                double number;
                bool boolean;
        };
        struct config_tree *children, *next; /* of tables and arrays, in the order written */
        bool used;                           /* set by config_bind, for finding unknown keys */
};

/* Parses one TOML text. The tree is in the arena. The error names file:line:column. The text must be UTF-8. */
int config_tree_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *error,
                      struct config_tree **ret_tree);

/* Reads and merges `main_file` and, unless NULL, every *.toml of `folder` (which need not exist). A file above 1 MiB is refused. */
int config_tree_load(const char *main_file, const char *folder, struct arena *arena, struct error *error,
                     struct config_tree **ret_tree);

/* The child of a table, or NULL. */
struct config_tree *config_tree_get(const struct config_tree *table, const char *key);
