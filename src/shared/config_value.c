/* SPDX-License-Identifier: Apache-2.0 */
/* Puts values into words, whole tables as JSON. Configuration strings hold no control character but tab and newline, and for those a
 * JSON string is a TOML string too: one form serves both. */
#include "shared/config_value.h"

#include <inttypes.h>

#include "shared/nearest.h"
#include "shared/quantity.h"

const struct config_key *config_table_find(const struct config_table *table, const char *name) {
        for (size_t i = 0; i < table->key_count; i++)
                if (strcmp(table->keys[i].name, name) == 0)
                        return &table->keys[i];
        return NULL;
}

const struct config_key *config_table_nearest(const struct config_table *table, const char *name,
                                              unsigned *ret_distance) {
        const struct config_key *best = NULL;
        unsigned best_distance = NEAREST_NONE;
        for (size_t i = 0; i < table->key_count; i++) {
                unsigned distance = nearest_distance(name, table->keys[i].name);
                if (distance < best_distance) {
                        best_distance = distance;
                        best = &table->keys[i];
                }
        }
        if (ret_distance)
                *ret_distance = best_distance;
        return best;
}

const char *config_entry_name(const struct config_table *table, const void *entry) {
        const struct config_key *key = config_table_find(table, "name");
        return key && key->type == CONFIG_STRING ? *(const char *const *) config_value_at(key, entry) : NULL;
}

static ssize_t find_entry(const struct config_table *table, const struct config_list *list, const char *name,
                          size_t start) {
        for (size_t i = 0; i < list->count; i++) {
                size_t index = (start + i) % list->count;
                const char *other = config_entry_name(table, config_entry_at(list, table, index));
                if (other && strcmp(other, name) == 0)
                        return (ssize_t) index;
        }
        return -1;
}

ssize_t config_entry_counterpart(const struct config_table *table, const struct config_list *other, const char *name,
                                 size_t index, size_t start) {
        if (name)
                return find_entry(table, other, name, start);
        return index < other->count ? (ssize_t) index : -1;
}

bool config_value_is_absent(const struct config_key *key, const void *value) {
        return (key->type == CONFIG_STRING || key->type == CONFIG_PATH) && !*(const char *const *) value;
}

static void append_quoted(struct text *text, const char *string) {
        text_append_json(text, slice_of(string));
}

static void append_strings(const struct config_strings *strings, struct text *text) {
        text_append_char(text, '[');
        for (size_t i = 0; i < strings->count; i++) {
                text_append_string(text, i ? ", " : "");
                append_quoted(text, strings->items[i]);
        }
        text_append_char(text, ']');
}

static void append_choices(const struct config_key *key, const struct config_integers *integers, struct text *text) {
        text_append_char(text, '[');
        for (size_t i = 0; i < integers->count; i++) {
                text_append_string(text, i ? ", " : "");
                append_quoted(text, key->choices[integers->items[i]]);
        }
        text_append_char(text, ']');
}

static void append_map(const struct config_map *map, bool json, struct text *text) {
        text_append_string(text, map->count && !json ? "{ " : "{");
        for (size_t i = 0; i < map->count; i++) {
                text_append_string(text, i ? ", " : "");
                append_quoted(text, map->items[i].key);
                text_append_string(text, json ? ": " : " = ");
                append_quoted(text, map->items[i].value);
        }
        text_append_string(text, map->count && !json ? " }" : "}");
}

static void append_table_list(const struct config_key *key, const struct config_list *list, struct text *text) {
        text_append_char(text, '[');
        for (size_t i = 0; i < list->count; i++) {
                text_append_string(text, i ? ", " : "");
                config_write_json(key->table, config_entry_at(list, key->table, i), text);
        }
        text_append_char(text, ']');
}

static void append_quantity(enum config_type type, uint64_t quantity, struct text *text) {
        if (type == CONFIG_SPAN)
                quantity_append_span(text, quantity);
        else
                quantity_append_size(text, quantity);
}

void config_value_append(const struct config_key *key, const void *value, bool json, struct text *text) {
        if (config_value_is_absent(key, value)) {
                text_append_string(text, "null");
                return;
        }
        switch (key->type) {
        case CONFIG_BOOLEAN:
                text_append_string(text, *(const bool *) value ? "true" : "false");
                break;
        case CONFIG_INTEGER:
                text_printf(text, "%" PRId64, *(const int64_t *) value);
                break;
        case CONFIG_SPAN:
        case CONFIG_SIZE:
                text_append_char(text, '"');
                append_quantity(key->type, *(const uint64_t *) value, text);
                text_append_char(text, '"');
                break;
        case CONFIG_STRING:
        case CONFIG_PATH:
                append_quoted(text, *(const char *const *) value);
                break;
        case CONFIG_ENUM:
                append_quoted(text, key->choices[*(const int *) value]);
                break;
        case CONFIG_STRING_LIST:
                append_strings(value, text);
                break;
        case CONFIG_ENUM_LIST:
                append_choices(key, value, text);
                break;
        case CONFIG_MAP:
                append_map(value, json, text);
                break;
        case CONFIG_TABLE:
                config_write_json(key->table, value, text);
                break;
        case CONFIG_TABLE_LIST:
                append_table_list(key, value, text);
                break;
        }
}

void config_write_json(const struct config_table *table, const void *object, struct text *text) {
        text_append_char(text, '{');
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                text_append_string(text, i ? ", " : "");
                text_append_json(text, slice_of(key->name));
                text_append_string(text, ": ");
                config_value_append(key, config_value_at(key, object), true, text);
        }
        text_append_char(text, '}');
}

void config_key_append_type(const struct config_key *key, struct text *text) {
        static const char *const words[] = {
                [CONFIG_BOOLEAN] = "true or false",  [CONFIG_INTEGER] = "a whole number",
                [CONFIG_SPAN] = "a span of time",    [CONFIG_SIZE] = "a size",
                [CONFIG_STRING] = "a string",        [CONFIG_PATH] = "a path",
                [CONFIG_ENUM] = "one of ",           [CONFIG_STRING_LIST] = "an array of strings",
                [CONFIG_ENUM_LIST] = "an array of ", [CONFIG_MAP] = "a table of strings",
                [CONFIG_TABLE] = "a table",          [CONFIG_TABLE_LIST] = "an array of tables",
        };
        text_append_string(text, words[key->type]);
        if (key->type != CONFIG_ENUM && key->type != CONFIG_ENUM_LIST)
                return;
        for (const char *const *choice = key->choices; *choice; choice++) {
                text_append_string(text, choice == key->choices ? "" : ", ");
                append_quoted(text, *choice);
        }
}

bool config_key_has_bounds(const struct config_key *key) {
        return key->minimum != 0 || key->maximum != 0;
}

bool config_key_has_telling_bounds(const struct config_key *key) {
        return config_key_has_bounds(key) && (key->minimum != 0 || key->maximum != INT64_MAX);
}

static void append_bound(const struct config_key *key, int64_t bound, struct text *text) {
        if (key->type == CONFIG_SPAN || key->type == CONFIG_SIZE)
                append_quantity(key->type, (uint64_t) bound, text);
        else
                text_printf(text, "%" PRId64, bound);
}

void config_key_append_bounds(const struct config_key *key, struct text *text) {
        if (!config_key_has_bounds(key))
                return;
        if (key->maximum == INT64_MAX) {
                text_append_string(text, "at least ");
                append_bound(key, key->minimum, text);
                return;
        }
        text_append_string(text, "from ");
        append_bound(key, key->minimum, text);
        text_append_string(text, " to ");
        append_bound(key, key->maximum, text);
}

void config_section_append_path(struct text *text, const struct config_section *section) {
        if (!section->key)
                return;
        if (section->parent && section->parent->key) {
                config_section_append_path(text, section->parent);
                text_append_char(text, '.');
        }
        text_append_string(text, section->key);
}

void config_section_append(struct text *text, const struct config_section *section) {
        text_append_string(text, section->list ? "[[" : "[");
        config_section_append_path(text, section);
        text_append_string(text, section->list ? "]]" : "]");
}
