/* SPDX-License-Identifier: Apache-2.0 */
/* Tells two bound objects apart, value by value. Two values are equal when they are written alike. Entries of arrays of
 * tables are matched by their name, or by their place where they have none. */
#include "shared/config_value.h"

struct comparison {
        config_on_difference *on_difference;
        void *userdata;
        struct text path;
};

static void shorten_path(struct comparison *comparison, size_t length) {
        comparison->path.length = length;
        if (comparison->path.data)
                comparison->path.data[length] = '\0';
}

static void tell(struct comparison *comparison, const char *before, const char *after, enum config_effect effect) {
        comparison->on_difference(comparison->path.data ? comparison->path.data : "", before, after, effect,
                                  comparison->userdata);
}

static void compare_tables(struct comparison *comparison, const struct config_table *table, const void *before,
                           const void *after);

static void compare_values(struct comparison *comparison, const struct config_key *key, const void *before,
                           const void *after) {
        _cleanup_text_ struct text old = TEXT_INIT;
        _cleanup_text_ struct text new = TEXT_INIT;
        config_value_append(key, before, false, &old);
        config_value_append(key, after, false, &new);
        if (old.length == new.length && memcmp(old.data, new.data, old.length) == 0)
                return;
        tell(comparison, config_value_is_absent(key, before) ? NULL : old.data,
             config_value_is_absent(key, after) ? NULL : new.data, key->effect);
}

static void push_entry(struct comparison *comparison, const char *name, size_t index) {
        if (name)
                text_printf(&comparison->path, "[%s]", name);
        else
                text_printf(&comparison->path, "[%zu]", index + 1);
}

static void tell_entry(struct comparison *comparison, const struct config_key *key, const void *entry, bool added) {
        _cleanup_text_ struct text json = TEXT_INIT;
        config_write_json(key->table, entry, &json);
        tell(comparison, added ? NULL : json.data, added ? json.data : NULL, key->effect);
}

static void append_names(const struct config_table *table, const struct config_list *list, struct text *text) {
        text_append_char(text, '[');
        for (size_t i = 0; i < list->count; i++) {
                const char *name = config_entry_name(table, config_entry_at(list, table, i));
                text_append_string(text, i ? ", " : "");
                text_append_json(text, slice_of(name ? name : ""));
        }
        text_append_char(text, ']');
}

static void compare_lists(struct comparison *comparison, const struct config_key *key, const struct config_list *before,
                          const struct config_list *after) {
        size_t length = comparison->path.length, next = 0, matched = 0;
        bool in_order = true;
        for (size_t i = 0; i < before->count; i++) {
                const void *entry = config_entry_at(before, key->table, i);
                const char *name = config_entry_name(key->table, entry);
                ssize_t other = config_entry_counterpart(key->table, after, name, i, next);
                push_entry(comparison, name, i);
                if (other < 0)
                        tell_entry(comparison, key, entry, false);
                else {
                        compare_tables(comparison, key->table, entry,
                                       config_entry_at(after, key->table, (size_t) other));
                        in_order = in_order && (size_t) other >= next;
                        next = (size_t) other + 1;
                        matched++;
                }
                shorten_path(comparison, length);
        }
        next = 0;
        for (size_t i = 0; i < after->count && matched < after->count; i++) {
                const void *entry = config_entry_at(after, key->table, i);
                const char *name = config_entry_name(key->table, entry);
                ssize_t other = config_entry_counterpart(key->table, before, name, i, next);
                if (other >= 0) {
                        next = (size_t) other + 1;
                        continue;
                }
                push_entry(comparison, name, i);
                tell_entry(comparison, key, entry, true);
                shorten_path(comparison, length);
        }
        if (in_order)
                return;
        _cleanup_text_ struct text old = TEXT_INIT;
        _cleanup_text_ struct text new = TEXT_INIT;
        append_names(key->table, before, &old);
        append_names(key->table, after, &new);
        tell(comparison, old.data, new.data, key->effect);
}

static void compare_tables(struct comparison *comparison, const struct config_table *table, const void *before,
                           const void *after) {
        size_t length = comparison->path.length;
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                const void *old = config_value_at(key, before), *new = config_value_at(key, after);
                text_append_string(&comparison->path, length ? "." : "");
                text_append_string(&comparison->path, key->name);
                if (key->type == CONFIG_TABLE)
                        compare_tables(comparison, key->table, old, new);
                else if (key->type == CONFIG_TABLE_LIST)
                        compare_lists(comparison, key, old, new);
                else
                        compare_values(comparison, key, old, new);
                shorten_path(comparison, length);
        }
}

void config_compare(const struct config_table *table, const void *before, const void *after,
                    config_on_difference *on_difference, void *userdata) {
        struct comparison comparison = { on_difference, userdata, TEXT_INIT };
        compare_tables(&comparison, table, before, after);
        text_done(&comparison.path);
}
