/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/config_tree.h"
#include "shared/error.h"
#include "shared/text.h"

/*
 * The description of a configuration section in one table of C: each key's name, type, default, bounds, effect and
 * documentation. From the same table come the parser, the validator, `ccodesctl config show|diff|schema`, the man
 * page and the JSON Schema: nothing about a key is written twice.
 */
enum config_type {
        CONFIG_BOOLEAN,     /* bool */
        CONFIG_INTEGER,     /* int64_t, within minimum..maximum */
        CONFIG_SPAN,        /* uint64_t us; QUANTITY_INFINITY for "infinity" */
        CONFIG_SIZE,        /* uint64_t bytes; QUANTITY_INFINITY for "infinity" */
        CONFIG_STRING,      /* const char *; NULL when absent and without default */
        CONFIG_PATH,        /* const char *, absolute once bound: a relative one starts at the folder of its file */
        CONFIG_ENUM,        /* int: index into `choices` */
        CONFIG_STRING_LIST, /* struct config_strings */
        CONFIG_ENUM_LIST,   /* struct config_integers: indices into `choices`, in the order written, no repeats */
        CONFIG_MAP,         /* struct config_map: any key to a string, in the order written */
        CONFIG_TABLE,       /* a nested struct of `table` */
        CONFIG_TABLE_LIST,  /* struct config_list of `table`, which begins with a struct config_origin; entries with a
                             * key `name` must differ in it */
};

/* What it takes for a changed value to be in force. */
enum config_effect {
        CONFIG_LIVE, /* a reload */
        CONFIG_PLACE, /* a reload where the sandbox of the process admits to the place; else it fails, and takes a new instance */
        CONFIG_RESTART, /* a new instance: `ccodesctl apply` */
        CONFIG_SOCKET,  /* daemon-reload and a new instance */
};

struct config_strings {
        const char **items;
        size_t count;
};

struct config_integers {
        int *items;
        size_t count;
};

struct config_map {
        struct config_pair {
                const char *key, *value;
        } * items;
        size_t count;
};

struct config_list {
        void *items; /* array of the table's struct */
        size_t count;
};

struct config_key {
        const char *name;
        enum config_type type;
        enum config_effect effect;
        size_t offset;        /* into the section's struct */
        const char *fallback; /* the default, written as the TOML value would be ("\"30s\"", "true", "[\"br\"]"); NULL: none */
        const char *example; /* for messages and the reference, written in the same way, where there is no fallback */
        bool required;
        /* Of CONFIG_INTEGER, CONFIG_SPAN (us), CONFIG_SIZE, and of the number of entries of CONFIG_TABLE_LIST; both 0: no
         * bounds. A maximum of INT64_MAX is none, and lets "infinity" in. */
        int64_t minimum, maximum;
        const char *const *choices;       /* CONFIG_ENUM, CONFIG_ENUM_LIST; NULL-terminated */
        const struct config_table *table; /* CONFIG_TABLE, CONFIG_TABLE_LIST */
        const char *documentation;        /* one line or a few; no markup; NULL for tables: theirs is taken */
        /* A check of this value alone, not called for an absent one. Says in `error` what follows the key's name, without
         * place: "must be an address, found 'x'". */
        int (*check)(const void *value, struct error *error);
};

struct config_table {
        const char *name; /* of the struct in messages: "site" */
        size_t size;
        const struct config_key *keys;
        size_t key_count;
        const char *documentation;
        /* A check of the bound struct as a whole, when each of its values is right; not called for mere defaults. It may
         * complete the struct. May set *ret_key to the key that is to blame. Says a whole sentence in `error`, without place. */
        int (*check)(void *object, struct error *error, const char **ret_key);
};

/*
 * Fills `object`, which is table->size bytes, from the tree (NULL: all defaults). Strings and lists are in the arena.
 * The error names file, line, column, what was expected and, for an unknown key, the nearest valid one.
 * Every fault is found in one go: the text has a line for each, up to ten.
 */
int config_bind(const struct config_table *table, const struct config_tree *tree, struct arena *arena,
                struct error *error, void *object);

/*
 * Where a value was written: `path` as in "site[blog].root", "http.limits", "site[blog].rule[1].path" (entries that have
 * no name are counted from 1). The origin has a NULL file when it was not written: the default holds. -EINVAL when
 * `path` is no such path.
 */
int config_origin_of(const struct config_tree *tree, const char *path, struct config_origin *ret_origin);

/*
 * Appends one value of a bound object, by a path as above, as TOML or JSON (tables always as JSON; what is absent as null).
 * -EINVAL for a malformed path, -ENOENT for a key or entry that there is not: the error names the nearest one.
 */
int config_write_value(const struct config_table *table, const void *object, const char *path, bool json,
                       struct error *error, struct text *text);

/* Writes the bound object as TOML with every key, each with "# from FILE:LINE" or "# default" when `tree` is given. */
void config_write_toml(const struct config_table *table, const void *object, const struct config_tree *tree,
                       struct text *text);
void config_write_json(const struct config_table *table, const void *object, struct text *text);

/* JSON Schema (draft 2020-12) of the table, for editors. */
void config_write_schema(const struct config_table *table, const char *title, struct text *text);

/* The reference as mdoc (for ccodes.toml(5)) and as Markdown. */
void config_write_reference(const struct config_table *table, bool mdoc, struct text *text);

/* Calls back for each value that differs, with its path, both forms (NULL: absent) and the effect that it needs. */
typedef void config_on_difference(const char *path, const char *before, const char *after, enum config_effect effect,
                                  void *userdata);
void config_compare(const struct config_table *table, const void *before, const void *after,
                    config_on_difference *on_difference, void *userdata);

/*
 * What is in force in a process that started with `started` and has loaded `loaded` since: values that a reload does not
 * change, and entries of lists that it does not change, are those of the start, all else is as it was loaded. Fills
 * `ret_object`, whose strings are those of the two, which have to last as long; lists are in the arena. -ENOMEM.
 */
int config_in_force(const struct config_table *table, const void *started, const void *loaded, struct arena *arena,
                    void *ret_object);
