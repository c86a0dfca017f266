/* SPDX-License-Identifier: Apache-2.0 */
/* Reads configuration files and merges their trees. Nodes are never copied: merging moves them into the first tree, so
 * that each keeps the file and the line that it came from. */
#include "shared/config_tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/config_syntax.h"
#include "shared/config_toml.h"
#include "shared/syscall.h"

int config_tree_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *error,
                      struct config_tree **ret_tree) {
        if (length > CONFIG_FILE_MAX)
                return error_set(error, -EFBIG, "%s: larger than 1 MiB, which no configuration file should be", file);
        const char *copied = arena_copy(arena, slice_of(file));
        if (!copied)
                return error_set_errno(error, -ENOMEM, "reading %s", file);
        int r = config_syntax_check((struct slice) { text, length }, copied, error);
        if (r < 0)
                return r;
        return config_toml_parse(text, length, copied, arena, error, ret_tree);
}

struct config_tree *config_tree_get(const struct config_tree *table, const char *key) {
        if (!table || table->type != CONFIG_NODE_TABLE)
                return NULL;
        for (struct config_tree *child = table->children; child; child = child->next)
                if (strcmp(child->key, key) == 0)
                        return child;
        return NULL;
}

struct config_origin config_origin_of_key(const struct config_origin *entry, const char *key) {
        const struct config_tree *node = config_tree_get(entry->table, key);
        return node ? node->origin : *entry;
}

struct config_origin config_origin_of_item(const struct config_origin *entry, const char *key, size_t index) {
        const struct config_tree *node = config_tree_get(entry->table, key);
        const struct config_tree *item = node && node->type == CONFIG_NODE_ARRAY ? node->children : NULL;
        while (item && index-- > 0)
                item = item->next;
        return item ? item->origin : config_origin_of_key(entry, key);
}

void config_origin_place(const struct config_origin *origin, struct error *error) {
        if (origin->file)
                error_place(error, "%s:%u:%u", origin->file, origin->line, origin->column);
}

bool config_tree_is_table_list(const struct config_tree *node) {
        if (node->type != CONFIG_NODE_ARRAY || !node->children)
                return false;
        for (const struct config_tree *entry = node->children; entry; entry = entry->next)
                if (entry->type != CONFIG_NODE_TABLE)
                        return false;
        return true;
}

const char *config_node_type_name(enum config_node_type type) {
        switch (type) {
        case CONFIG_NODE_TABLE:
                return "a table";
        case CONFIG_NODE_ARRAY:
                return "an array";
        case CONFIG_NODE_STRING:
                return "a string";
        case CONFIG_NODE_INTEGER:
                return "a whole number";
        case CONFIG_NODE_FLOAT:
                return "a fraction";
        case CONFIG_NODE_BOOLEAN:
                return "a boolean";
        case CONFIG_NODE_DATE:
                return "a date or time";
        }
        return "nothing";
}

static void append_children(struct config_tree *parent, struct config_tree *first, struct config_tree *last) {
        if (!first)
                return;
        if (parent->last)
                parent->last->next = first;
        else
                parent->children = first;
        parent->last = last;
}

/* Takes the later value's place in the earlier one's list. */
static void replace_node(struct config_tree *earlier, struct config_tree *later) {
        struct config_tree *next = earlier->next;
        *earlier = *later;
        earlier->next = next;
}

static void merge_tables(struct config_tree *earlier, struct config_tree *later);

static void merge_nodes(struct config_tree *earlier, struct config_tree *later) {
        bool both_lists = config_tree_is_table_list(later) &&
                          (config_tree_is_table_list(earlier) ||
                           (earlier->type == CONFIG_NODE_ARRAY && !earlier->children));
        if (earlier->type == CONFIG_NODE_TABLE && later->type == CONFIG_NODE_TABLE)
                merge_tables(earlier, later);
        else if (both_lists)
                append_children(earlier, later->children, later->last);
        else
                replace_node(earlier, later);
}

static void merge_tables(struct config_tree *earlier, struct config_tree *later) {
        if (!earlier->children) { /* the usual case: not a look-up for each key */
                append_children(earlier, later->children, later->last);
                return;
        }
        for (struct config_tree *child = later->children, *next; child; child = next) {
                next = child->next;
                struct config_tree *existing = config_tree_get(earlier, child->key);
                child->next = NULL;
                if (existing)
                        merge_nodes(existing, child);
                else
                        append_children(earlier, child, child);
        }
}

static int load_file(const char *path, struct arena *arena, struct error *error, struct config_tree *tree) {
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, path, CONFIG_FILE_MAX, &text, &length);
        if (r == -EFBIG)
                return error_set(error, r, "%s: larger than 1 MiB, which no configuration file should be", path);
        if (r < 0) {
                (void) error_set_errno(error, r, "cannot be read");
                error_place(error, "%s", path);
                return r;
        }

        struct config_tree *later = NULL;
        r = config_tree_parse(text, length, path, arena, error, &later);
        if (r < 0)
                return r;
        assert(later);
        merge_tables(tree, later);
        return 0;
}

struct names {
        char **items;
        size_t count, capacity;
};

static void names_done(struct names *names) {
        for (size_t i = 0; i < names->count; i++)
                free(names->items[i]);
        free(names->items);
}

static int names_add(struct names *names, const char *name) {
        if (names->count == names->capacity) {
                size_t capacity = names->capacity ? 2 * names->capacity : 16;
                char **larger = reallocarray(names->items, capacity, sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                names->items = larger;
                names->capacity = capacity;
        }
        char *copied = strdup(name);
        if (!copied)
                return -ENOMEM;
        names->items[names->count++] = copied;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void close_folder(DIR **folder) {
        if (*folder)
                (void) closedir(*folder);
}

static int list_folder(const char *folder, struct names *names) {
        _cleanup_(close_folder) DIR *directory = opendir(folder);
        if (!directory)
                return errno == ENOENT ? 0 : -errno;
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        break;
                struct slice name = slice_of(entry->d_name);
                if (entry->d_name[0] == '.' || !slice_ends_with(name, SLICE_LITERAL(".toml")))
                        continue;
                int r = names_add(names, entry->d_name);
                if (r < 0)
                        return r;
        }
        if (errno)
                return -errno;
        if (names->count > 1)
                qsort(names->items, names->count, sizeof(*names->items), compare_names);
        return 0;
}

static int load_folder(const char *folder, struct arena *arena, struct error *error, struct config_tree *tree) {
        _cleanup_(names_done) struct names names = { 0 };
        int r = list_folder(folder, &names);
        if (r < 0)
                return error_set_errno(error, r, "reading the folder %s", folder);
        for (size_t i = 0; i < names.count; i++) {
                const char *path = arena_format(arena, "%s/%s", folder, names.items[i]);
                if (!path)
                        return error_set_errno(error, -ENOMEM, "reading the folder %s", folder);
                r = load_file(path, arena, error, tree);
                if (r < 0)
                        return r;
        }
        return 0;
}

int config_tree_load(const char *main_file, const char *folder, struct arena *arena, struct error *error,
                     struct config_tree **ret_tree) {
        struct config_tree *tree = arena_alloc_zero(arena, sizeof(*tree));
        if (!tree)
                return error_set_errno(error, -ENOMEM, "reading the configuration");
        tree->type = CONFIG_NODE_TABLE;

        int r = main_file ? load_file(main_file, arena, error, tree) : 0;
        if (r == 0 && folder)
                r = load_folder(folder, arena, error, tree);
        if (r < 0)
                return r;
        *ret_tree = tree;
        return 0;
}
