/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what is in force after a reload: a copy of what was loaded, in which what a reload cannot change is taken
 * from the start. */
#include <errno.h>
#include <string.h>

#include "shared/config_value.h"

static bool is_kept(const struct config_key *key) {
        return key->effect == CONFIG_RESTART || key->effect == CONFIG_SOCKET;
}

static size_t size_of(const struct config_key *key) {
        switch (key->type) {
        case CONFIG_BOOLEAN:
                return sizeof(bool);
        case CONFIG_INTEGER:
                return sizeof(int64_t);
        case CONFIG_SPAN:
        case CONFIG_SIZE:
                return sizeof(uint64_t);
        case CONFIG_STRING:
        case CONFIG_PATH:
                return sizeof(const char *);
        case CONFIG_ENUM:
                return sizeof(int);
        case CONFIG_STRING_LIST:
                return sizeof(struct config_strings);
        case CONFIG_ENUM_LIST:
                return sizeof(struct config_integers);
        case CONFIG_MAP:
                return sizeof(struct config_map);
        case CONFIG_TABLE_LIST:
                return sizeof(struct config_list);
        case CONFIG_TABLE:
                break;
        }
        return 0;
}

/* `object` is a copy of `loaded`. */
static int keep_started(const struct config_table *table, const void *started, const void *loaded, struct arena *arena,
                        void *object);

/* The entries are those of the list that is in force; where both have one, its values are put together. */
static int merge_lists(const struct config_key *key, const struct config_list *started,
                       const struct config_list *loaded, struct arena *arena, struct config_list *ret_list) {
        const struct config_table *table = key->table;
        const struct config_list *base = is_kept(key) ? started : loaded, *other = is_kept(key) ? loaded : started;
        size_t size = base->count * table->size, next = 0;
        void *items = size > 0 ? arena_alloc(arena, size) : NULL;
        if (size > 0 && !items)
                return -ENOMEM;
        *ret_list = (struct config_list) { .items = items, .count = base->count };
        for (size_t i = 0; i < base->count; i++) {
                const void *entry = config_entry_at(base, table, i);
                void *merged = config_entry_at(ret_list, table, i);
                ssize_t found = config_entry_counterpart(table, other, config_entry_name(table, entry), i, next);
                if (found < 0) {
                        memcpy(merged, entry, table->size);
                        continue;
                }
                const void *match = config_entry_at(other, table, (size_t) found);
                const void *first = is_kept(key) ? entry : match, *last = is_kept(key) ? match : entry;
                memcpy(merged, last, table->size);
                int r = keep_started(table, first, last, arena, merged);
                if (r < 0)
                        return r;
                next = (size_t) found + 1;
        }
        return 0;
}

static int keep_started(const struct config_table *table, const void *started, const void *loaded, struct arena *arena,
                        void *object) {
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                const void *first = config_value_at(key, started), *last = config_value_at(key, loaded);
                void *value = (char *) object + key->offset;
                int r = 0;
                if (key->type == CONFIG_TABLE)
                        r = keep_started(key->table, first, last, arena, value);
                else if (key->type == CONFIG_TABLE_LIST)
                        r = merge_lists(key, first, last, arena, value);
                else if (is_kept(key))
                        memcpy(value, first, size_of(key));
                if (r < 0)
                        return r;
        }
        return 0;
}

int config_in_force(const struct config_table *table, const void *started, const void *loaded, struct arena *arena,
                    void *ret_object) {
        memcpy(ret_object, loaded, table->size);
        return keep_started(table, started, loaded, arena, ret_object);
}
