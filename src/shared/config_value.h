/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "shared/config_table.h"

/* Single values of a bound object in words: for messages, for the written configuration and for the reference. */

static inline const void *config_value_at(const struct config_key *key, const void *object) {
        return (const char *) object + key->offset;
}

static inline void *config_entry_at(const struct config_list *list, const struct config_table *table, size_t index) {
        return (char *) list->items + index * table->size;
}

static inline bool config_key_is_table(const struct config_key *key) {
        return key->type == CONFIG_TABLE || key->type == CONFIG_TABLE_LIST;
}

/* The key of a table by its name, or NULL. */
const struct config_key *config_table_find(const struct config_table *table, const char *name);

/* The key whose name is nearest to what was typed, or NULL; its distance, unless `ret_distance` is NULL, as nearest.h says. */
const struct config_key *config_table_nearest(const struct config_table *table, const char *name,
                                              unsigned *ret_distance);

/* The entry's value of the key `name`, or NULL when the table has none or the entry does not say. */
const char *config_entry_name(const struct config_table *table, const void *entry);

/* The index in the other list of the entry that is the same by its name, or by its place where entries have none; -1 when there is
 * none. Looks on from `start`, where it usually is: lists of many entries that hardly changed cost no search. */
ssize_t config_entry_counterpart(const struct config_table *table, const struct config_list *other, const char *name,
                                 size_t index, size_t start);

/* A string, path or list entry that was not written and has no default. */
bool config_value_is_absent(const struct config_key *key, const void *value);

/* The value as TOML; or as JSON, where an absent one is null. Tables and arrays of tables are always JSON, with every key. */
void config_value_append(const struct config_key *key, const void *value, bool json, struct text *text);

/* "a whole number", "one of \"a\", \"b\"": what follows "must be". */
void config_key_append_type(const struct config_key *key, struct text *text);

/* "from 1s to 5min", "at least 1"; nothing when there are no bounds. */
bool config_key_has_bounds(const struct config_key *key);
bool config_key_has_telling_bounds(const struct config_key *key); /* others than "not negative" */
void config_key_append_bounds(const struct config_key *key, struct text *text);

/* Where a table stands: the keys that lead to it. The root has no key. Lives on the stack of whoever descends. */
struct config_section {
        const struct config_section *parent;
        const char *key;
        bool list; /* there can be several: its header has double brackets */
};

/* "server.listener"; nothing for the root. */
void config_section_append_path(struct text *text, const struct config_section *section);

/* "[[server.listener]]". */
void config_section_append(struct text *text, const struct config_section *section);
