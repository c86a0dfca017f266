/* SPDX-License-Identifier: Apache-2.0 */
/* Fills structs from a tree by their tables. Each table's defaults are bound once, from their TOML form and by the same
 * code as what was written, and copied into every entry: a default that its own table would refuse cannot be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/config_complaint.h"
#include "shared/config_table.h"
#include "shared/quantity.h"

struct defaults {
        struct defaults *next;
        const struct config_table *table;
        void *object;
};

struct binder {
        struct arena *arena;
        struct config_complainant complainant;
        struct defaults *defaults;
        int failure; /* -ENOMEM: nothing more can be said */
};

static void bind_table(struct binder *binder, const struct config_table *table, const struct config_section *section,
                       const struct config_tree *node, void *object);
static void bind_value(struct binder *binder, const struct config_key *key, const struct config_section *section,
                       const struct config_tree *node, void *value);

static void *allocate(struct binder *binder, size_t count, size_t size) {
        size_t bytes;
        void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL
                                                                   : arena_alloc_zero(binder->arena, bytes ? bytes : 1);
        if (!memory)
                binder->failure = -ENOMEM;
        return memory;
}

static unsigned fault_count(const struct binder *binder) {
        return binder->complainant.faults->count;
}

static struct config_tree *parse_defaults(struct binder *binder, const struct config_table *table) {
        _cleanup_text_ struct text text = TEXT_INIT;
        _cleanup_text_ struct text label = TEXT_INIT;
        for (size_t i = 0; i < table->key_count; i++)
                if (table->keys[i].fallback)
                        text_printf(&text, "%s = %s\n", table->keys[i].name, table->keys[i].fallback);
        text_printf(&label, "the defaults of '%s'", table->name);
        if (text.failed || label.failed) {
                binder->failure = -ENOMEM;
                return NULL;
        }

        struct error error = ERROR_INIT;
        struct config_tree *tree = NULL;
        int r = config_tree_parse(text.data ? text.data : "", text.length, label.data, binder->arena, &error, &tree);
        if (r == -ENOMEM)
                binder->failure = r;
        else if (r < 0)
                config_faults_add(binder->complainant.faults, NULL, "%s", error.text);
        return tree;
}

/* The table's struct with every default, those of tables within it too. NULL after a failure. */
static const void *defaults_of(struct binder *binder, const struct config_table *table) {
        for (const struct defaults *known = binder->defaults; known; known = known->next)
                if (known->table == table)
                        return known->object;

        struct defaults *defaults = allocate(binder, 1, sizeof(*defaults));
        void *object = allocate(binder, 1, table->size);
        if (!defaults || !object)
                return NULL;
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                const void *inner = key->type == CONFIG_TABLE ? defaults_of(binder, key->table) : NULL;
                if (inner)
                        memcpy((char *) object + key->offset, inner, key->table->size);
        }
        const struct config_section section = { .key = table->name };
        const struct config_tree *tree = parse_defaults(binder, table);
        for (const struct config_tree *node = tree ? tree->children : NULL; node; node = node->next) {
                const struct config_key *key = config_table_find(table, node->key);
                bind_value(binder, key, &section, node, (char *) object + key->offset);
        }
        if (binder->failure)
                return NULL;
        *defaults = (struct defaults) { binder->defaults, table, object };
        binder->defaults = defaults;
        return object;
}

/* A quantity is written as a string with its unit, or as a whole number of seconds or bytes. */
static int parse_quantity(const struct config_key *key, const struct config_tree *node, uint64_t *ret_quantity) {
        int (*parse)(struct slice, uint64_t *) = key->type == CONFIG_SPAN ? quantity_parse_span : quantity_parse_size;
        if (node->type == CONFIG_NODE_STRING)
                return parse(slice_of(node->string), ret_quantity);
        if (node->type != CONFIG_NODE_INTEGER)
                return -EINVAL;
        if (node->integer < 0)
                return -ERANGE;
        char digits[24];
        (void) snprintf(digits, sizeof(digits), "%lld", (long long) node->integer);
        return parse(slice_of(digits), ret_quantity);
}

static bool quantity_in_bounds(const struct config_key *key, uint64_t quantity) {
        if (!config_key_has_bounds(key))
                return true;
        return quantity >= (uint64_t) key->minimum &&
               (key->maximum == INT64_MAX || quantity <= (uint64_t) key->maximum);
}

static void bind_quantity(struct binder *binder, const struct config_key *key, const struct config_section *section,
                          const struct config_tree *node, uint64_t *ret_value) {
        uint64_t quantity;
        int r = parse_quantity(key, node, &quantity);
        if (r == -ERANGE && !config_key_has_bounds(key))
                config_complain(&binder->complainant, key, section, node, "is out of range");
        else if (r == -ERANGE || (r >= 0 && !quantity_in_bounds(key, quantity)))
                config_complain_bounds(&binder->complainant, key, section, node);
        else if (r < 0)
                config_complain_type(&binder->complainant, key, section, node);
        else
                *ret_value = quantity;
}

static void bind_integer(struct binder *binder, const struct config_key *key, const struct config_section *section,
                         const struct config_tree *node, int64_t *ret_value) {
        if (node->type != CONFIG_NODE_INTEGER)
                config_complain_type(&binder->complainant, key, section, node);
        else if (config_key_has_bounds(key) && (node->integer < key->minimum || node->integer > key->maximum))
                config_complain_bounds(&binder->complainant, key, section, node);
        else
                *ret_value = node->integer;
}

/* A relative path starts at the folder of the file that it stands in, wherever the program was started. */
static char *absolute_path(struct binder *binder, const struct config_tree *node) {
        const char *path = node->string, *file = node->origin.file, *slash = strrchr(file, '/');
        _cleanup_free_ char *current = NULL;
        char *absolute = NULL;
        while (path[0] == '.' && path[1] == '/')
                path += 2;
        if (path[0] == '/')
                absolute = arena_copy(binder->arena, slice_of(path));
        else if (slash && file[0] == '/')
                absolute = arena_format(binder->arena, "%.*s/%s", (int) (slash - file), file, path);
        else if ((current = get_current_dir_name()))
                absolute = arena_format(binder->arena, "%s/%.*s%s", strcmp(current, "/") == 0 ? "" : current,
                                        slash ? (int) (slash + 1 - file) : 0, file, path);
        if (!absolute)
                binder->failure = -ENOMEM;
        return absolute;
}

static void bind_string(struct binder *binder, const struct config_key *key, const struct config_section *section,
                        const struct config_tree *node, const char **ret_value) {
        if (node->type != CONFIG_NODE_STRING)
                config_complain_type(&binder->complainant, key, section, node);
        else if (key->type == CONFIG_STRING)
                *ret_value = node->string;
        else if (node->string[0] == '\0')
                config_complain(&binder->complainant, key, section, node, "must be a path, found an empty string");
        else if (strpbrk(node->string, "\n\t"))
                config_complain(&binder->complainant, key, section, node,
                                "must be a path without line breaks and tabs");
        else if (node->string[0] == '~')
                config_complain(&binder->complainant, key, section, node,
                                "must be a whole path: '~' stands for no folder here");
        else {
                char *path = absolute_path(binder, node);
                if (path)
                        *ret_value = path;
        }
}

static int find_choice(const struct config_key *key, const struct config_tree *node) {
        if (node->type != CONFIG_NODE_STRING)
                return -EINVAL;
        for (int i = 0; key->choices[i]; i++)
                if (strcmp(key->choices[i], node->string) == 0)
                        return i;
        return -EINVAL;
}

static void bind_choice(struct binder *binder, const struct config_key *key, const struct config_section *section,
                        const struct config_tree *node, int *ret_value) {
        int choice = find_choice(key, node);
        if (choice < 0)
                config_complain_type(&binder->complainant, key, section, node);
        else
                *ret_value = choice;
}

static size_t child_count(const struct config_tree *node) {
        size_t count = 0;
        for (const struct config_tree *child = node->children; child; child = child->next)
                count++;
        return count;
}

static void bind_strings(struct binder *binder, const struct config_key *key, const struct config_section *section,
                         const struct config_tree *node, struct config_strings *ret_value) {
        if (node->type != CONFIG_NODE_ARRAY) {
                config_complain_type(&binder->complainant, key, section, node);
                return;
        }
        struct config_strings strings = { .items = allocate(binder, child_count(node), sizeof(char *)) };
        if (!strings.items)
                return;
        for (const struct config_tree *item = node->children; item; item = item->next) {
                if (item->type == CONFIG_NODE_STRING)
                        strings.items[strings.count++] = item->string;
                else
                        config_complain_type(&binder->complainant, key, section, item);
        }
        *ret_value = strings;
}

static bool has_choice(const struct config_integers *integers, int choice) {
        for (size_t i = 0; i < integers->count; i++)
                if (integers->items[i] == choice)
                        return true;
        return false;
}

static void bind_choices(struct binder *binder, const struct config_key *key, const struct config_section *section,
                         const struct config_tree *node, struct config_integers *ret_value) {
        if (node->type != CONFIG_NODE_ARRAY) {
                config_complain_type(&binder->complainant, key, section, node);
                return;
        }
        struct config_integers integers = { .items = allocate(binder, child_count(node), sizeof(int)) };
        if (!integers.items)
                return;
        for (const struct config_tree *item = node->children; item; item = item->next) {
                int choice = find_choice(key, item);
                if (choice < 0)
                        config_complain_type(&binder->complainant, key, section, item);
                else if (has_choice(&integers, choice)) /* bounds the list, and the search, by the choices */
                        config_complain(&binder->complainant, key, section, item, "has an entry twice");
                else
                        integers.items[integers.count++] = choice;
        }
        *ret_value = integers;
}

static void bind_map(struct binder *binder, const struct config_key *key, const struct config_section *section,
                     const struct config_tree *node, struct config_map *ret_value) {
        if (node->type != CONFIG_NODE_TABLE) {
                config_complain_type(&binder->complainant, key, section, node);
                return;
        }
        struct config_map map = { .items = allocate(binder, child_count(node), sizeof(struct config_pair)) };
        if (!map.items)
                return;
        for (const struct config_tree *item = node->children; item; item = item->next) {
                if (item->type == CONFIG_NODE_STRING)
                        map.items[map.count++] = (struct config_pair) { item->key, item->string };
                else
                        config_complain_type(&binder->complainant, key, section, item);
        }
        *ret_value = map;
}

struct named_entry {
        const char *name;
        struct config_origin origin;
        size_t index;
};

static int compare_entries(const void *a, const void *b) {
        const struct named_entry *left = a, *right = b;
        int order = strcmp(left->name, right->name);
        return order ? order : (left->index > right->index) - (left->index < right->index);
}

static void check_names_differ(struct binder *binder, const struct config_key *key,
                               const struct config_section *section, const struct config_list *list) {
        if (list->count < 2)
                return;
        _cleanup_free_ struct named_entry *entries = reallocarray(NULL, list->count, sizeof(*entries));
        if (!entries) {
                binder->failure = -ENOMEM;
                return;
        }
        size_t count = 0;
        for (size_t i = 0; i < list->count; i++) {
                const void *entry = config_entry_at(list, key->table, i);
                const char *name = config_entry_name(key->table, entry);
                if (name)
                        entries[count++] = (struct named_entry) { name, config_origin_of_key(entry, "name"), i };
        }
        qsort(entries, count, sizeof(*entries), compare_entries);

        for (size_t i = 1; i < count; i++) {
                if (strcmp(entries[i - 1].name, entries[i].name) != 0)
                        continue;
                _cleanup_text_ struct text text = TEXT_INIT;
                char excerpt[CONFIG_EXCERPT_SIZE];
                const struct config_section entry = { section, key->name, true };
                config_section_append(&text, &entry);
                text_printf(&text, " '%s': the name is taken, see %s:%u; names must differ",
                            config_excerpt(excerpt, entries[i].name), entries[i - 1].origin.file,
                            entries[i - 1].origin.line);
                config_faults_add(binder->complainant.faults, &entries[i].origin, "%s", text.data ? text.data : "");
        }
}

static void complain_count(struct binder *binder, const struct config_key *key, const struct config_section *section,
                           const struct config_tree *node, size_t count) {
        char words[128];
        if (key->minimum == 0)
                (void) snprintf(words, sizeof(words), "may have at most %lld entries, found %zu",
                                (long long) key->maximum, count);
        else
                (void) snprintf(words, sizeof(words), "must have %lld to %lld entries, found %zu",
                                (long long) key->minimum, (long long) key->maximum, count);
        config_complain(&binder->complainant, key, section, node, words);
}

static void bind_list(struct binder *binder, const struct config_key *key, const struct config_section *section,
                      const struct config_tree *node, struct config_list *ret_value) {
        if (!config_tree_is_table_list(node) && (node->type != CONFIG_NODE_ARRAY || node->children)) {
                config_complain_type(&binder->complainant, key, section, node);
                return;
        }
        size_t count = child_count(node);
        if (config_key_has_bounds(key) && (count < (size_t) key->minimum || count > (size_t) key->maximum)) {
                complain_count(binder, key, section, node, count);
                return;
        }
        struct config_list list = { .items = allocate(binder, count, key->table->size), .count = count };
        if (!list.items)
                return;
        const struct config_section entry_section = { section, key->name, true };
        char *object = list.items;
        for (const struct config_tree *entry = node->children; entry; entry = entry->next) {
                bind_table(binder, key->table, &entry_section, entry, object);
                struct config_origin *origin = (struct config_origin *) object;
                *origin = entry->origin;
                origin->table = entry;
                object += key->table->size;
        }
        if (!binder->failure)
                check_names_differ(binder, key, section, &list);
        *ret_value = list;
}

static void bind_value(struct binder *binder, const struct config_key *key, const struct config_section *section,
                       const struct config_tree *node, void *value) {
        const struct config_section inner = { section, key->name, false };
        unsigned before = fault_count(binder);
        switch (key->type) {
        case CONFIG_BOOLEAN:
                if (node->type == CONFIG_NODE_BOOLEAN)
                        *(bool *) value = node->boolean;
                else
                        config_complain_type(&binder->complainant, key, section, node);
                break;
        case CONFIG_INTEGER:
                bind_integer(binder, key, section, node, value);
                break;
        case CONFIG_SPAN:
        case CONFIG_SIZE:
                bind_quantity(binder, key, section, node, value);
                break;
        case CONFIG_STRING:
        case CONFIG_PATH:
                bind_string(binder, key, section, node, value);
                break;
        case CONFIG_ENUM:
                bind_choice(binder, key, section, node, value);
                break;
        case CONFIG_STRING_LIST:
                bind_strings(binder, key, section, node, value);
                break;
        case CONFIG_ENUM_LIST:
                bind_choices(binder, key, section, node, value);
                break;
        case CONFIG_MAP:
                bind_map(binder, key, section, node, value);
                break;
        case CONFIG_TABLE:
                if (node->type == CONFIG_NODE_TABLE)
                        bind_table(binder, key->table, &inner, node, value);
                else
                        config_complain_type(&binder->complainant, key, section, node);
                break;
        case CONFIG_TABLE_LIST:
                bind_list(binder, key, section, node, value);
                break;
        }

        if (!key->check || binder->failure || fault_count(binder) != before)
                return;
        struct error error = ERROR_INIT;
        if (key->check(value, &error) < 0)
                config_complain(&binder->complainant, key, section, node, error.text);
}

static void check_table(struct binder *binder, const struct config_table *table, const struct config_tree *node,
                        void *object) {
        struct error error = ERROR_INIT;
        const char *blamed = NULL;
        if (table->check(object, &error, &blamed) >= 0)
                return;
        const struct config_tree *culprit = blamed ? config_tree_get(node, blamed) : NULL;
        config_faults_add(binder->complainant.faults, culprit ? &culprit->origin : &node->origin, "%s", error.text);
}

static void bind_table(struct binder *binder, const struct config_table *table, const struct config_section *section,
                       const struct config_tree *node, void *object) {
        const void *defaults = defaults_of(binder, table);
        if (!defaults)
                return;
        memcpy(object, defaults, table->size);
        if (!node)
                return;

        unsigned before = fault_count(binder);
        for (const struct config_tree *child = node->children; child && !binder->failure; child = child->next) {
                const struct config_key *key = config_table_find(table, child->key);
                if (key)
                        bind_value(binder, key, section, child, (char *) object + key->offset);
                else
                        config_complain_unknown(&binder->complainant, table, section, child);
        }
        for (size_t i = 0; i < table->key_count; i++)
                if (table->keys[i].required && !config_tree_get(node, table->keys[i].name))
                        config_complain_missing(&binder->complainant, &table->keys[i], section, &node->origin);
        if (table->check && !binder->failure && fault_count(binder) == before)
                check_table(binder, table, node, object);
}

int config_bind(const struct config_table *table, const struct config_tree *tree, struct arena *arena,
                struct error *error, void *object) {
        _cleanup_config_faults_ struct config_faults faults = CONFIG_FAULTS_INIT;
        struct binder binder = { .arena = arena, .complainant = { &faults, table } };
        const struct config_section root = { 0 };
        bind_table(&binder, table, &root, tree, object);
        if (binder.failure)
                return error_set_errno(error, binder.failure, "reading the configuration");
        return config_faults_report(&faults, error);
}
