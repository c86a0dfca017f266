/* SPDX-License-Identifier: Apache-2.0 */
/* Words a complaint so that its reader can mend the file without opening the manual. No words are made for faults that
 * will not be shown: a file of nothing but mistakes costs no more than its first ten. */
#include "shared/config_complaint.h"

#include <inttypes.h>

#include "shared/nearest.h"

#define PLACES_MAX 4
#define NAMES_MAX 12

static bool will_be_shown(const struct config_complainant *complainant) {
        return complainant->faults->count < CONFIG_FAULTS_SHOWN;
}

static void add_fault(const struct config_complainant *complainant, const struct config_origin *origin,
                      struct text *text) {
        if (text->failed)
                complainant->faults->text.failed = true;
        config_faults_add(complainant->faults, origin, "%s", text->data ? text->data : "");
}

static void append_place(struct text *text, const struct config_section *section) {
        if (section->key) {
                text_append_string(text, " in ");
                config_section_append(text, section);
        } else
                text_append_string(text, " at the top level");
}

static void append_excerpt(struct text *text, const char *string) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        text_append_string(text, config_excerpt(excerpt, string));
}

/* A table by its header, any other key by its name. */
static void append_key(struct text *text, const struct config_section *section, const char *name, bool table,
                       bool list) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        (void) config_excerpt(excerpt, name);
        struct config_section child = { section, excerpt, list };
        if (table)
                config_section_append(text, &child);
        else
                text_printf(text, "'%s'", excerpt);
}

static void append_known_key(struct text *text, const struct config_section *section, const struct config_key *key) {
        append_key(text, section, key->name, config_key_is_table(key), key->type == CONFIG_TABLE_LIST);
}

static void append_found(struct text *text, const struct config_tree *node) {
        text_append_string(text, ", found ");
        switch (node->type) {
        case CONFIG_NODE_STRING:
                text_append_string(text, "the string \"");
                append_excerpt(text, node->string);
                text_append_char(text, '"');
                break;
        case CONFIG_NODE_INTEGER:
                text_printf(text, "the number %" PRId64, node->integer);
                break;
        case CONFIG_NODE_FLOAT:
                text_printf(text, "the number %g", node->number);
                break;
        case CONFIG_NODE_BOOLEAN:
                text_append_string(text, node->boolean ? "true" : "false");
                break;
        default:
                text_append_string(text, config_node_type_name(node->type));
                break;
        }
}

static void append_example(struct text *text, const struct config_key *key) {
        const char *example = key->example ? key->example : key->fallback;
        if (example)
                text_printf(text, "; for example: %s = %s", key->name, example);
}

/* Where else a name is known: sections for a plain key, headers for a table. */
struct search {
        struct text text; /* "[a], [b]" */
        const char *name;
        bool is_table;
        unsigned count;
};

static void search_section(struct search *search, const struct config_table *table,
                           const struct config_section *section) {
        const struct config_key *known = config_table_find(table, search->name);
        bool is_table = known && (config_key_is_table(known) || known->type == CONFIG_MAP);
        if (known && is_table == search->is_table && (is_table || section->key) && search->count < PLACES_MAX) {
                text_append_string(&search->text, search->count++ ? ", " : "");
                if (is_table)
                        append_key(&search->text, section, known->name, true, known->type == CONFIG_TABLE_LIST);
                else
                        config_section_append(&search->text, section);
        }
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                const struct config_section child = { section, key->name, key->type == CONFIG_TABLE_LIST };
                if (config_key_is_table(key))
                        search_section(search, key->table, &child);
        }
}

static void append_known_names(struct text *text, const struct config_table *table) {
        text_append_string(text, "; known here: ");
        for (size_t i = 0; i < table->key_count && i < NAMES_MAX; i++)
                text_printf(text, "%s'%s'", i ? ", " : "", table->keys[i].name);
        if (table->key_count > NAMES_MAX)
                text_append_string(text, " ...");
}

static void append_advice(struct text *text, const struct config_complainant *complainant,
                          const struct config_table *table, const struct config_section *section, const char *name,
                          bool is_table) {
        unsigned distance;
        const struct config_key *nearest = config_table_nearest(table, name, &distance);
        const struct config_section top = { 0 };
        struct search search = { .name = name, .is_table = is_table };
        if (!nearest || distance > 1)
                search_section(&search, complainant->root, &top);
        if (search.count > 0)
                text_printf(text, is_table ? "; it is written %s" : "; it belongs in %s", search.text.data);
        else if (nearest) {
                text_append_string(text, "; did you mean ");
                append_known_key(text, section, nearest);
                text_append_char(text, '?');
        } else
                append_known_names(text, table);
        text_done(&search.text);
}

void config_complain_unknown(const struct config_complainant *complainant, const struct config_table *table,
                             const struct config_section *section, const struct config_tree *node) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (will_be_shown(complainant)) {
                bool list = config_tree_is_table_list(node), is_table = list || node->type == CONFIG_NODE_TABLE;
                text_append_string(&text, is_table ? "unknown section " : "unknown key ");
                append_key(&text, section, node->key, is_table, list);
                if (!is_table)
                        append_place(&text, section);
                append_advice(&text, complainant, table, section, node->key, is_table);
        }
        add_fault(complainant, &node->origin, &text);
}

/* [site] where [[site]] is meant, and the other way round. */
static bool append_wrong_brackets(struct text *text, const struct config_key *key, const struct config_section *section,
                                  const struct config_tree *node) {
        bool single = key->type == CONFIG_TABLE_LIST && node->type == CONFIG_NODE_TABLE;
        bool several = key->type == CONFIG_TABLE && config_tree_is_table_list(node);
        if (!single && !several)
                return false;
        append_key(text, section, key->name, true, several);
        text_append_string(text, " must be written ");
        append_key(text, section, key->name, true, single);
        text_append_string(text, single ? ": there can be several" : ": there is only one");
        return true;
}

static void append_subject(struct text *text, const struct config_key *key, const struct config_section *section) {
        text_printf(text, "'%s'", key->name);
        append_place(text, section);
}

void config_complain_type(const struct config_complainant *complainant, const struct config_key *key,
                          const struct config_section *section, const struct config_tree *node) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (will_be_shown(complainant) && !append_wrong_brackets(&text, key, section, node)) {
                append_subject(&text, key, section);
                text_append_string(&text, " must be ");
                config_key_append_type(key, &text);
                append_found(&text, node);
                bool may_be_choice = node->type == CONFIG_NODE_STRING && (key->type == CONFIG_ENUM || !node->key);
                const char *choice = key->choices && may_be_choice ? nearest_of(node->string, key->choices) : NULL;
                if (choice)
                        text_printf(&text, "; did you mean \"%s\"?", choice);
                else if (config_key_is_table(key)) {
                        text_append_string(&text, "; write ");
                        append_known_key(&text, section, key);
                } else
                        append_example(&text, key);
        }
        add_fault(complainant, &node->origin, &text);
}

void config_complain_bounds(const struct config_complainant *complainant, const struct config_key *key,
                            const struct config_section *section, const struct config_tree *node) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (will_be_shown(complainant)) {
                append_subject(&text, key, section);
                text_append_string(&text, " must be ");
                config_key_append_bounds(key, &text);
                append_found(&text, node);
        }
        add_fault(complainant, &node->origin, &text);
}

void config_complain_missing(const struct config_complainant *complainant, const struct config_key *key,
                             const struct config_section *section, const struct config_origin *origin) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (will_be_shown(complainant)) {
                config_section_append(&text, section);
                text_printf(&text, " needs the key '%s'", key->name);
                append_example(&text, key);
        }
        add_fault(complainant, origin, &text);
}

void config_complain(const struct config_complainant *complainant, const struct config_key *key,
                     const struct config_section *section, const struct config_tree *node, const char *words) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (will_be_shown(complainant)) {
                append_subject(&text, key, section);
                text_printf(&text, " %s", words);
        }
        add_fault(complainant, &node->origin, &text);
}
