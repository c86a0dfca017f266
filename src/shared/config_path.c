/* SPDX-License-Identifier: Apache-2.0 */
/* Finds values by their path, "site[blog].rule[1].path": in the tree as it was written, and in a bound object. */
#include <errno.h>
#include <stdio.h>

#include "shared/config_fault.h"
#include "shared/config_table.h"
#include "shared/config_value.h"

/* One part of a path: a key and, of an entry of an array of tables, what stands in the brackets. */
struct step {
        struct slice key, selector;
};

/* 1 for a step, 0 at the end. A selector may hold dots. */
static int next_step(struct slice *path, struct step *ret_step) {
        if (path->length == 0)
                return 0;
        struct step step = { { path->data, 0 }, SLICE_NULL };
        while (step.key.length < path->length && !strchr(".[]", path->data[step.key.length]))
                step.key.length++;
        struct slice rest = slice_from(*path, step.key.length);
        if (step.key.length == 0)
                return -EINVAL;
        if (rest.length > 0 && rest.data[0] == '[') {
                const char *end = memchr(rest.data, ']', rest.length);
                if (!end || end == rest.data + 1)
                        return -EINVAL;
                step.selector = (struct slice) { rest.data + 1, (size_t) (end - rest.data - 1) };
                rest = slice_from(rest, (size_t) (end + 1 - rest.data));
        }
        if (rest.length > 0) {
                if (rest.data[0] != '.' || rest.length == 1)
                        return -EINVAL;
                rest = slice_from(rest, 1);
        }
        *path = rest;
        *ret_step = step;
        return 1;
}

static bool is_path(struct slice path) {
        struct step step;
        int r = path.length > 0 ? 1 : -EINVAL;
        while (r > 0)
                r = next_step(&path, &step);
        return r == 0;
}

/* The index that a selector of digits stands for, counted from 1; -1 when it is none. */
static ssize_t selector_index(struct slice selector) {
        ssize_t index = 0;
        for (size_t i = 0; i < selector.length; i++) {
                if (selector.data[i] < '0' || selector.data[i] > '9' || index > INT32_MAX / 10 - 1)
                        return -1;
                index = 10 * index + (selector.data[i] - '0');
        }
        return index - 1;
}

static const struct config_tree *find_child(const struct config_tree *table, struct slice key) {
        if (table->type != CONFIG_NODE_TABLE)
                return NULL;
        for (const struct config_tree *child = table->children; child; child = child->next)
                if (slice_equal_text(key, child->key))
                        return child;
        return NULL;
}

static const struct config_tree *find_entry(const struct config_tree *array, struct slice selector) {
        ssize_t index = selector_index(selector);
        if (array->type != CONFIG_NODE_ARRAY)
                return NULL;
        for (const struct config_tree *entry = array->children; entry; entry = entry->next, index--) {
                const struct config_tree *name = config_tree_get(entry, "name");
                bool named = name && name->type == CONFIG_NODE_STRING;
                if (named ? slice_equal_text(selector, name->string) : index == 0)
                        return entry;
        }
        return NULL;
}

int config_origin_of(const struct config_tree *tree, const char *path, struct config_origin *ret_origin) {
        struct slice rest = slice_of(path);
        struct step step;
        if (!is_path(rest))
                return -EINVAL;
        while (next_step(&rest, &step) > 0) {
                if (tree)
                        tree = find_child(tree, step.key);
                if (tree && step.selector.data)
                        tree = find_entry(tree, step.selector);
        }
        *ret_origin = tree ? tree->origin : (struct config_origin) { 0 };
        return 0;
}

static int no_such_key(const struct config_table *table, struct slice name, struct error *error) {
        char typed[CONFIG_EXCERPT_SIZE];
        (void) snprintf(typed, sizeof(typed), "%.*s", SLICE_PRINTF(name));
        const struct config_key *nearest = config_table_nearest(table, typed, NULL);
        if (nearest)
                return error_set(error, -ENOENT, "no key '%s'; did you mean '%s'?", typed, nearest->name);
        return error_set(error, -ENOENT, "no key '%s'", typed);
}

static const void *select_entry(const struct config_key *key, const struct config_list *list, struct slice selector) {
        ssize_t index = selector_index(selector);
        for (size_t i = 0; i < list->count; i++) {
                const void *entry = config_entry_at(list, key->table, i);
                const char *name = config_entry_name(key->table, entry);
                if (name ? slice_equal_text(selector, name) : (ssize_t) i == index)
                        return entry;
        }
        return NULL;
}

static int write_map_value(const struct config_map *map, struct slice rest, struct error *error, struct text *text) {
        for (size_t i = 0; i < map->count; i++)
                if (slice_equal_text(rest, map->items[i].key)) {
                        text_append_json(text, slice_of(map->items[i].value));
                        return 0;
                }
        return error_set(error, -ENOENT, "no key '%.*s'", (int) MIN_OF(rest.length, (size_t) 48), rest.data);
}

int config_write_value(const struct config_table *table, const void *object, const char *path, bool json,
                       struct error *error, struct text *text) {
        struct slice rest = slice_of(path);
        struct step step;
        if (!is_path(rest))
                return error_set(error, -EINVAL, "'%s' is no path of a key, such as site[blog].root", path);
        for (;;) {
                (void) next_step(&rest, &step);
                char name[64];
                (void) snprintf(name, sizeof(name), "%.*s", SLICE_PRINTF(step.key));
                const struct config_key *key = config_table_find(table, name);
                if (!key)
                        return no_such_key(table, step.key, error);
                const void *value = config_value_at(key, object);
                if (step.selector.data) {
                        value = key->type == CONFIG_TABLE_LIST ? select_entry(key, value, step.selector) : NULL;
                        if (!value)
                                return error_set(error, -ENOENT, "no '%s' is called '%.*s'", key->name,
                                                 SLICE_PRINTF(step.selector));
                }
                bool is_table = key->type == CONFIG_TABLE || (key->type == CONFIG_TABLE_LIST && step.selector.data);
                if (rest.length == 0) {
                        if (is_table)
                                config_write_json(key->table, value, text);
                        else
                                config_value_append(key, value, json, text);
                        return 0;
                }
                if (key->type == CONFIG_MAP)
                        return write_map_value(value, rest, error, text);
                if (!is_table)
                        return error_set(error, -ENOENT, "'%s' has no keys%s", key->name,
                                         key->type == CONFIG_TABLE_LIST ? " of its own: name an entry in brackets"
                                                                        : "");
                table = key->table;
                object = value;
        }
}
