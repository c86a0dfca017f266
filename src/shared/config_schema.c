/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a table as JSON Schema, draft 2020-12. What a schema cannot say (the bounds of "30s") is left to the program:
 * the schema accepts every file that the program accepts. */
#include <errno.h>
#include <inttypes.h>

#include "shared/config_value.h"

static void write_object(const struct config_table *table, const void *defaults, struct text *text);

static void write_string_field(struct text *text, const char *name, const char *value) {
        text_printf(text, "\"%s\": ", name);
        text_append_json(text, slice_of(value));
}

static void write_choices(const struct config_key *key, struct text *text) {
        text_append_string(text, "\"enum\": [");
        for (size_t i = 0; key->choices[i]; i++) {
                text_append_string(text, i ? ", " : "");
                text_append_json(text, slice_of(key->choices[i]));
        }
        text_append_char(text, ']');
}

static void write_bounds(const struct config_key *key, const char *least, const char *most, struct text *text) {
        if (!config_key_has_bounds(key))
                return;
        text_printf(text, ", \"%s\": %" PRId64, least, key->minimum);
        if (key->maximum != INT64_MAX)
                text_printf(text, ", \"%s\": %" PRId64, most, key->maximum);
}

/* Without the braces of the value's schema. `defaults` is the object of all defaults, NULL within arrays of tables. */
static void write_type(const struct config_key *key, const void *defaults, struct text *text) {
        switch (key->type) {
        case CONFIG_BOOLEAN:
                text_append_string(text, "\"type\": \"boolean\"");
                break;
        case CONFIG_INTEGER:
                text_append_string(text, "\"type\": \"integer\"");
                write_bounds(key, "minimum", "maximum", text);
                break;
        case CONFIG_SPAN:
        case CONFIG_SIZE:
                text_append_string(text, "\"type\": [\"string\", \"integer\"], \"minimum\": 0");
                break;
        case CONFIG_STRING:
                text_append_string(text, "\"type\": \"string\"");
                break;
        case CONFIG_PATH:
                text_append_string(text, "\"type\": \"string\", \"minLength\": 1");
                break;
        case CONFIG_ENUM:
                write_choices(key, text);
                break;
        case CONFIG_STRING_LIST:
                text_append_string(text, "\"type\": \"array\", \"items\": {\"type\": \"string\"}");
                break;
        case CONFIG_ENUM_LIST:
                text_append_string(text, "\"type\": \"array\", \"uniqueItems\": true, \"items\": {");
                write_choices(key, text);
                text_append_char(text, '}');
                break;
        case CONFIG_MAP:
                text_append_string(text, "\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}");
                break;
        case CONFIG_TABLE:
                write_object(key->table, defaults ? config_value_at(key, defaults) : NULL, text);
                break;
        case CONFIG_TABLE_LIST:
                text_append_string(text, "\"type\": \"array\"");
                write_bounds(key, "minItems", "maxItems", text);
                text_append_string(text, ", \"items\": {");
                write_object(key->table, NULL, text);
                text_append_char(text, '}');
                break;
        }
}

static void write_description(const struct config_key *key, struct text *text) {
        _cleanup_text_ struct text words = TEXT_INIT;
        text_append_string(&words, config_key_is_table(key) ? key->table->documentation : key->documentation);
        if (config_key_has_telling_bounds(key) && (key->type == CONFIG_SPAN || key->type == CONFIG_SIZE)) {
                text_append_string(&words, " Must be ");
                config_key_append_bounds(key, &words);
                text_append_char(&words, '.');
        }
        text_append_string(text, ", ");
        write_string_field(text, "description", words.data ? words.data : "");
}

/* The fallback is TOML; the bound default, where there is one, says the same as JSON. */
static void write_default(const struct config_key *key, const void *defaults, struct text *text) {
        if (!key->fallback || !defaults)
                return;
        text_append_string(text, ", \"default\": ");
        config_value_append(key, config_value_at(key, defaults), true, text);
}

/* What it takes for a change to be in force, for tools of ours: others pass it over. */
static void write_effect(const struct config_key *key, struct text *text) {
        static const char *const words[] = {
                [CONFIG_LIVE] = "reload",
                [CONFIG_PLACE] = "place",
                [CONFIG_RESTART] = "restart",
                [CONFIG_SOCKET] = "socket",
        };
        if (key->type == CONFIG_TABLE)
                return;
        text_append_string(text, ", ");
        write_string_field(text, "x-effect", words[key->effect]);
}

static void write_required(const struct config_table *table, struct text *text) {
        unsigned count = 0;
        for (size_t i = 0; i < table->key_count; i++) {
                if (!table->keys[i].required)
                        continue;
                text_append_string(text, count++ ? ", " : ", \"required\": [");
                text_append_json(text, slice_of(table->keys[i].name));
        }
        if (count > 0)
                text_append_char(text, ']');
}

static void write_properties(const struct config_table *table, const void *defaults, struct text *text) {
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                text_append_string(text, i ? ", " : "");
                text_append_json(text, slice_of(key->name));
                text_append_string(text, ": {");
                write_type(key, defaults, text);
                write_description(key, text);
                write_default(key, defaults, text);
                write_effect(key, text);
                text_append_char(text, '}');
        }
}

static void write_object(const struct config_table *table, const void *defaults, struct text *text) {
        struct arena arena;
        arena_init(&arena, 0);
        void *own = defaults ? NULL : arena_alloc_zero(&arena, table->size);
        if (own && config_bind(table, NULL, &arena, NULL, own) >= 0)
                defaults = own;

        text_append_string(text, "\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
        write_properties(table, defaults, text);
        text_append_char(text, '}');
        write_required(table, text);
        arena_done(&arena);
}

void config_write_schema(const struct config_table *table, const char *title, struct text *text) {
        text_append_string(text, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", ");
        write_string_field(text, "title", title);
        text_append_string(text, ", ");
        write_object(table, NULL, text);
        text_append_string(text, "}\n");
}
