/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a table as reference documentation: a section for each table, its keys with their facts and their words. The
 * walk is one; mdoc and Markdown differ only in the small functions at the top. */
#include "shared/config_value.h"
#include "shared/mdoc.h"

#define LONG_VALUE 40 /* bytes, of a line of a manual page */

struct reference {
        struct text *text;
        bool mdoc;
};

/* Values in mdoc: long ones may be broken behind a colon. */
static void append_mdoc_code(struct text *text, const char *code) {
        text_append_string(text, "\\fB");
        for (; *code; code++) {
                mdoc_append_byte(text, *code);
                if (*code == ':')
                        text_append_string(text, "\\:");
        }
        text_append_string(text, "\\fR");
}

/* Markdown outside of code: what could begin markup or HTML is escaped. */
static void append_markdown(struct text *text, const char *words) {
        for (; *words; words++) {
                if (strchr("\\`*_<>[]|", *words))
                        text_append_char(text, '\\');
                text_append_char(text, *words);
        }
}

static void append_words(const struct reference *reference, const char *words) {
        if (reference->mdoc)
                mdoc_append(reference->text, words);
        else
                append_markdown(reference->text, words);
}

static void write_heading(const struct reference *reference, const struct config_section *section,
                          const struct config_table *table) {
        struct text *text = reference->text;
        text_append_string(text, reference->mdoc ? ".Ss " : "## ");
        if (section->key)
                config_section_append(text, section);
        else
                text_append_string(text, "Top level");
        text_append_string(text, reference->mdoc ? "\n" : "\n\n");
        append_words(reference, table->documentation);
        text_append_char(text, '\n');
}

static void append_code(const struct reference *reference, const char *code) {
        if (reference->mdoc)
                append_mdoc_code(reference->text, code);
        else
                text_printf(reference->text, "`%s`", code);
}

/* A long one of a single word stands alone: it cannot be adjusted to both margins. */
static void append_value(const struct reference *reference, const char *label, const char *value) {
        bool stands_alone = reference->mdoc && strlen(value) > LONG_VALUE && !strchr(value, ' ');
        text_append_string(reference->text, label);
        text_append_string(reference->text, stands_alone ? "\n.Bd -ragged -compact -offset indent\n" : " ");
        append_code(reference, value);
        text_append_string(reference->text, stands_alone ? "\n.Ed" : ".");
}

/* Between two sentences. */
static void append_gap(const struct reference *reference) {
        text_append_char(reference->text, reference->mdoc ? '\n' : ' ');
}

static void write_effect(const struct reference *reference, enum config_effect effect) {
        static const char *const words[] = {
                [CONFIG_LIVE] = "A change takes a reload",
                [CONFIG_PLACE] = "A change takes a reload, and where the sandbox forbids the new place a new instance "
                                 "(ccodesctl apply)",
                [CONFIG_RESTART] = "A change takes a new instance (ccodesctl apply)",
                [CONFIG_SOCKET] = "A change takes new sockets (ccodesctl apply)",
        };
        append_words(reference, words[effect]);
        text_append_char(reference->text, '.');
}

/* "A size, from 1K to 16K. Default: ..." */
static void write_facts(const struct reference *reference, const struct config_key *key) {
        _cleanup_text_ struct text words = TEXT_INIT;
        config_key_append_type(key, &words);
        if (config_key_has_telling_bounds(key)) {
                text_append_string(&words, ", ");
                config_key_append_bounds(key, &words);
        }
        if (key->required)
                text_append_string(&words, "; required");
        text_append_char(&words, '.');
        if (words.data && words.data[0] >= 'a' && words.data[0] <= 'z')
                words.data[0] -= 'a' - 'A';

        append_words(reference, words.data ? words.data : "");
        const char *value = key->fallback ? key->fallback : key->example;
        if (value) {
                append_gap(reference);
                append_value(reference, key->fallback ? "Default:" : "Example:", value);
        }
        append_gap(reference);
        write_effect(reference, key->effect);
}

static void write_key(const struct reference *reference, const struct config_key *key) {
        struct text *text = reference->text;
        text_printf(text, reference->mdoc ? ".It Ic %s\n" : "\n### %s\n\n", key->name);
        append_words(reference, key->documentation);
        text_append_string(text, reference->mdoc ? "\n.Pp\n" : "\n\n");
        write_facts(reference, key);
        text_append_char(text, '\n');
}

static void write_section(const struct reference *reference, const struct config_table *table,
                          const struct config_section *section) {
        size_t plain = 0;
        for (size_t i = 0; i < table->key_count; i++)
                plain += !config_key_is_table(&table->keys[i]);
        if (section->key)
                write_heading(reference, section, table);
        if (plain > 0 && reference->mdoc)
                text_append_string(reference->text, ".Bl -tag -width Ds\n");
        for (size_t i = 0; i < table->key_count; i++)
                if (!config_key_is_table(&table->keys[i]))
                        write_key(reference, &table->keys[i]);
        if (plain > 0 && reference->mdoc)
                text_append_string(reference->text, ".El\n");

        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                if (!config_key_is_table(key))
                        continue;
                if (!reference->mdoc && reference->text->length > 0)
                        text_append_char(reference->text, '\n');
                const struct config_section inner = { section, key->name, key->type == CONFIG_TABLE_LIST };
                write_section(reference, key->table, &inner);
        }
}

void config_write_reference(const struct config_table *table, bool mdoc, struct text *text) {
        const struct reference reference = { text, mdoc };
        const struct config_section root = { 0 };
        write_section(&reference, table, &root);
}
