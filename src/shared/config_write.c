/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a bound object out as TOML. The TOML that comes out loads to an equal object: every key is there, and a key
 * without a value is a comment. In a section plain keys come first, as TOML wants it, then the tables within. */
#include "shared/config_value.h"

struct writer {
        struct text *text;
        bool origins; /* say where each value came from */
};

static void write_origin(const struct writer *writer, const struct config_tree *node) {
        if (!writer->origins)
                return;
        if (node)
                text_printf(writer->text, " # from %s:%u", node->origin.file, node->origin.line);
        else
                text_append_string(writer->text, " # default");
}

static void write_key(const struct writer *writer, const struct config_key *key, const void *value,
                      const struct config_tree *node) {
        if (config_value_is_absent(key, value)) {
                text_printf(writer->text, "# %s is not set\n", key->name);
                return;
        }
        text_printf(writer->text, "%s = ", key->name);
        config_value_append(key, value, false, writer->text);
        write_origin(writer, node);
        text_append_char(writer->text, '\n');
}

static void write_header(const struct writer *writer, const struct config_section *section) {
        if (writer->text->length > 0)
                text_append_char(writer->text, '\n');
        config_section_append(writer->text, section);
        text_append_char(writer->text, '\n');
}

static void write_section(const struct writer *writer, const struct config_table *table,
                          const struct config_section *section, const void *object, const struct config_tree *node);

/* The entries of a list stand in the same order as those of the tree that it was bound from. */
static void write_list(const struct writer *writer, const struct config_key *key, const struct config_section *section,
                       const struct config_list *list, const struct config_tree *array) {
        const struct config_tree *entry = array ? array->children : NULL;
        for (size_t i = 0; i < list->count; i++) {
                write_header(writer, section);
                write_section(writer, key->table, section, config_entry_at(list, key->table, i), entry);
                entry = entry ? entry->next : NULL;
        }
}

static void write_section(const struct writer *writer, const struct config_table *table,
                          const struct config_section *section, const void *object, const struct config_tree *node) {
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                if (!config_key_is_table(key))
                        write_key(writer, key, config_value_at(key, object), config_tree_get(node, key->name));
        }
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                if (!config_key_is_table(key))
                        continue;
                const struct config_section inner = { section, key->name, key->type == CONFIG_TABLE_LIST };
                const void *value = config_value_at(key, object);
                const struct config_tree *child = config_tree_get(node, key->name);
                if (inner.list)
                        write_list(writer, key, &inner, value, child);
                else {
                        write_header(writer, &inner);
                        write_section(writer, key->table, &inner, value, child);
                }
        }
}

void config_write_toml(const struct config_table *table, const void *object, const struct config_tree *tree,
                       struct text *text) {
        const struct writer writer = { text, tree != NULL };
        const struct config_section root = { 0 };
        write_section(&writer, table, &root, object, tree);
}
