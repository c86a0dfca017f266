/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/error.h"

/*
 * Configuration as it was written: the merged tree of one main file and the *.toml of a folder, in byte order of their
 * names. Tables merge by key, later scalars and plain arrays replace earlier ones, arrays of tables append; each node
 * knows its file, line and column.
 *
 * Strings and keys hold no control character but tab and newline: so they are C strings, and fit into a terminal, a
 * header field and a unit file without further thought.
 */
#define CONFIG_FILE_MAX ((size_t) 1024 * 1024)
#define CONFIG_NESTING_MAX 16 /* parts of a dotted key or header; arrays and inline tables within each other */

struct config_origin {
        const char *file;      /* NULL: not written anywhere, a default */
        unsigned line, column; /* from 1; columns count code points */

        /* Of an entry of a bound list: the table that it was bound from, which lives as long. Else NULL. */
        const struct config_tree *table;
};

enum config_node_type {
        CONFIG_NODE_TABLE,
        CONFIG_NODE_ARRAY,
        CONFIG_NODE_STRING,
        CONFIG_NODE_INTEGER,
        CONFIG_NODE_FLOAT,
        CONFIG_NODE_BOOLEAN,
        CONFIG_NODE_DATE, /* any of TOML's date and time types; the value is not kept */
};

struct config_tree {
        enum config_node_type type;
        const char *key;             /* within its table; NULL in an array */
        struct config_origin origin; /* of a key and its value: the key; of a table with a header: the header */
        union {
                const char *string; /* CONFIG_NODE_STRING */
                int64_t integer;
                double number;
                bool boolean;
        };
        struct config_tree *children, *last; /* of tables and arrays, in the order written */
        struct config_tree *next;            /* in the parent's list */
};

/*
 * Parses one TOML text, of at most CONFIG_FILE_MAX bytes of UTF-8. The tree, which is always a table, is in the arena;
 * so is the copy of `file` in its origins. -EINVAL with an error that names file:line:column; -EFBIG; -ENOMEM.
 */
int config_tree_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *error,
                      struct config_tree **ret_tree);

/*
 * Reads and merges `main_file` (NULL: none) and, unless NULL, every *.toml of `folder`, which need not exist. Names that
 * begin with a dot are passed over.
 */
int config_tree_load(const char *main_file, const char *folder, struct arena *arena, struct error *error,
                     struct config_tree **ret_tree);

/* The child of a table, or NULL: `table` may be NULL or of any type. */
struct config_tree *config_tree_get(const struct config_tree *table, const char *key);

/* Where the key of a bound entry was written, or item `index` of its array; the entry itself where it was not. */
struct config_origin config_origin_of_key(const struct config_origin *entry, const char *key);
struct config_origin config_origin_of_item(const struct config_origin *entry, const char *key, size_t index);

/* Puts FILE:LINE:COLUMN in front of the error, if it was written in a file. */
void config_origin_place(const struct config_origin *origin, struct error *error);

/* Whether it is an array that has entries, all of them tables: what [[name]] makes. */
bool config_tree_is_table_list(const struct config_tree *node);

/* "a string", "an array" … for messages. */
const char *config_node_type_name(enum config_node_type type);
