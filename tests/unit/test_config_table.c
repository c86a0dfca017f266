/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of configuration, on one that has a key of every type: binding, defaults, writing, paths, comparison, schema and
 * reference. */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/config_table.h"
#include "shared/quantity.h"

struct pet {
        struct config_origin origin;
        const char *name;
        int64_t legs;
};

struct note {
        struct config_origin origin;
        const char *text;
};

struct inner {
        uint64_t span, size;
        struct config_list notes;
};

struct all {
        bool boolean;
        int64_t integer;
        uint64_t span, size;
        const char *string, *nothing, *path;
        int choice;
        struct config_strings strings;
        struct config_integers choices;
        struct config_map map;
        struct inner inner;
        struct config_list pets;
};

static int check_even(const void *value, struct error *error) {
        int64_t number = *(const int64_t *) value;
        return number % 2 == 0 ? 0 : error_set(error, -EINVAL, "must be even, found %lld", (long long) number);
}

static int check_pet(void *object, struct error *error, const char **ret_key) {
        const struct pet *pet = object;
        if (strcmp(pet->name, "snake") != 0 || pet->legs == 0)
                return 0;
        *ret_key = "legs";
        return error_set(error, -EINVAL, "a snake has no legs");
}

static const char *const colours[] = { "red", "green", "blue", NULL };

static const struct config_key note_keys[] = {
        { .name = "text",
          .type = CONFIG_STRING,
          .offset = offsetof(struct note, text),
          .documentation = "What it says." },
};
static const struct config_table note_table = { "note", sizeof(struct note),      note_keys,
                                                1,      "A note without a name.", NULL };

static const struct config_key pet_keys[] = {
        { .name = "name",
          .type = CONFIG_STRING,
          .effect = CONFIG_SOCKET,
          .offset = offsetof(struct pet, name),
          .required = true,
          .example = "\"rex\"",
          .documentation = "Its name." },
        { .name = "legs",
          .type = CONFIG_INTEGER,
          .effect = CONFIG_RESTART,
          .offset = offsetof(struct pet, legs),
          .fallback = "4",
          .maximum = 8,
          .check = check_even,
          .documentation = "How many it has." },
};
static const struct config_table pet_table = { "pet", sizeof(struct pet), pet_keys, 2, "A pet.", check_pet };

static const struct config_key inner_keys[] = {
        { .name = "span",
          .type = CONFIG_SPAN,
          .offset = offsetof(struct inner, span),
          .fallback = "\"1min\"",
          .minimum = 1000000,
          .maximum = INT64_MAX,
          .documentation = "A span with a least value." },
        { .name = "size",
          .type = CONFIG_SIZE,
          .offset = offsetof(struct inner, size),
          .fallback = "\"4K\"",
          .minimum = 1024,
          .maximum = 65536,
          .documentation = "A size with bounds." },
        { .name = "note",
          .type = CONFIG_TABLE_LIST,
          .offset = offsetof(struct inner, notes),
          .maximum = 2,
          .table = &note_table },
};
static const struct config_table inner_table = {
        "inner", sizeof(struct inner), inner_keys, 3, "What is inside.", NULL
};

static const struct config_key all_keys[] = {
        { .name = "boolean",
          .type = CONFIG_BOOLEAN,
          .offset = offsetof(struct all, boolean),
          .fallback = "true",
          .documentation = "Yes or no." },
        { .name = "integer",
          .type = CONFIG_INTEGER,
          .effect = CONFIG_RESTART,
          .offset = offsetof(struct all, integer),
          .fallback = "-5",
          .documentation = "Any number. It's <b>*so*</b> \\simple." },
        { .name = "span",
          .type = CONFIG_SPAN,
          .offset = offsetof(struct all, span),
          .fallback = "\"infinity\"",
          .documentation = "A span." },
        { .name = "size",
          .type = CONFIG_SIZE,
          .offset = offsetof(struct all, size),
          .fallback = "1000",
          .documentation = "A size." },
        { .name = "string",
          .type = CONFIG_STRING,
          .offset = offsetof(struct all, string),
          .fallback = "\"a \\\"b\\\"\\n\\\\c\"",
          .documentation = ".hidden request" },
        { .name = "nothing",
          .type = CONFIG_STRING,
          .offset = offsetof(struct all, nothing),
          .documentation = "Has no default." },
        { .name = "path",
          .type = CONFIG_PATH,
          .offset = offsetof(struct all, path),
          .fallback = "\"/etc\"",
          .documentation = "A path." },
        { .name = "choice",
          .type = CONFIG_ENUM,
          .effect = CONFIG_SOCKET,
          .offset = offsetof(struct all, choice),
          .fallback = "\"green\"",
          .choices = colours,
          .documentation = "A colour." },
        { .name = "strings",
          .type = CONFIG_STRING_LIST,
          .offset = offsetof(struct all, strings),
          .fallback = "[\"x\", \"y\"]",
          .documentation = "Strings." },
        { .name = "choices",
          .type = CONFIG_ENUM_LIST,
          .offset = offsetof(struct all, choices),
          .fallback = "[\"blue\", \"red\"]",
          .choices = colours,
          .documentation = "Colours." },
        { .name = "map",
          .type = CONFIG_MAP,
          .offset = offsetof(struct all, map),
          .fallback = "{ b = \"1\", \"a c\" = \"2\" }",
          .documentation = "A map." },
        { .name = "inner", .type = CONFIG_TABLE, .offset = offsetof(struct all, inner), .table = &inner_table },
        { .name = "pet",
          .type = CONFIG_TABLE_LIST,
          .effect = CONFIG_SOCKET,
          .offset = offsetof(struct all, pets),
          .table = &pet_table },
};
static const struct config_table all_table = {
        "all", sizeof(struct all), all_keys, ELEMENTS_OF(all_keys), "Everything.", NULL,
};

static int bind_text(const char *text, struct arena *arena, struct error *error, struct config_tree **ret_tree,
                     struct all *ret_all) {
        int r = config_tree_parse(text, strlen(text), "/etc/f.toml", arena, error, ret_tree);
        return r < 0 ? r : config_bind(&all_table, *ret_tree, arena, error, ret_all);
}

static void bind_well(const char *text, struct arena *arena, struct config_tree **ret_tree, struct all *ret_all) {
        struct error error = ERROR_INIT;
        if (bind_text(text, arena, &error, ret_tree, ret_all) < 0)
                fail_msg("%s", error.text);
}

static const struct pet *pet_at(const struct all *all, size_t index) {
        return (const struct pet *) all->pets.items + index;
}

static void defaults_hold_without_a_tree(void **state) {
        (void) state;
        struct arena arena;
        struct error error = ERROR_INIT;
        struct all all;
        memset(&all, 0xAA, sizeof(all));
        arena_init(&arena, 0);
        assert_int_equal(config_bind(&all_table, NULL, &arena, &error, &all), 0);
        assert_true(all.boolean);
        assert_int_equal(all.integer, -5);
        assert_true(all.span == QUANTITY_INFINITY);
        assert_int_equal(all.size, 1000);
        assert_string_equal(all.string, "a \"b\"\n\\c");
        assert_null(all.nothing);
        assert_string_equal(all.path, "/etc");
        assert_int_equal(all.choice, 1);
        assert_int_equal(all.strings.count, 2);
        assert_string_equal(all.strings.items[1], "y");
        assert_int_equal(all.choices.count, 2);
        assert_int_equal(all.choices.items[0], 2);
        assert_int_equal(all.choices.items[1], 0);
        assert_int_equal(all.map.count, 2);
        assert_string_equal(all.map.items[1].key, "a c");
        assert_int_equal(all.inner.span, 60000000);
        assert_int_equal(all.inner.size, 4096);
        assert_int_equal(all.pets.count, 0);
        arena_done(&arena);
}

static const char everything[] = "boolean = false\n"
                                 "integer = 7\n"
                                 "span = \"1h 30min\"\n"
                                 "size = \"3M\"\n"
                                 "string = \"\"\n"
                                 "nothing = \"some\"\n"
                                 "path = \"../www\"\n"
                                 "choice = \"blue\"\n"
                                 "strings = []\n"
                                 "choices = [\"red\", \"green\", \"blue\"]\n"
                                 "map = {}\n"
                                 "[inner]\n"
                                 "span = 30\n"
                                 "size = 2048\n"
                                 "[[inner.note]]\n"
                                 "text = \"first\"\n"
                                 "[[inner.note]]\n"
                                 "[[pet]]\n"
                                 "name = \"rex\"\n"
                                 "[[pet]]\n"
                                 "name = \"bird\"\n"
                                 "legs = 2\n";

static void written_values_are_bound(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        struct all all;
        arena_init(&arena, 0);
        bind_well(everything, &arena, &tree, &all);
        assert_false(all.boolean);
        assert_int_equal(all.integer, 7);
        assert_true(all.span == UINT64_C(5400000000));
        assert_int_equal(all.size, 3145728);
        assert_string_equal(all.string, "");
        assert_string_equal(all.nothing, "some");
        assert_string_equal(all.path, "/etc/../www");
        assert_int_equal(all.choice, 2);
        assert_int_equal(all.strings.count, 0);
        assert_int_equal(all.choices.count, 3);
        assert_int_equal(all.choices.items[2], 2);
        assert_int_equal(all.map.count, 0);
        assert_int_equal(all.inner.span, 30000000); /* a bare number is seconds */
        assert_int_equal(all.inner.size, 2048);
        assert_int_equal(all.inner.notes.count, 2);
        assert_string_equal(((const struct note *) all.inner.notes.items)->text, "first");
        assert_int_equal(all.pets.count, 2);
        assert_string_equal(pet_at(&all, 0)->name, "rex");
        assert_int_equal(pet_at(&all, 0)->legs, 4);
        assert_int_equal(pet_at(&all, 1)->legs, 2);
        assert_int_equal(pet_at(&all, 1)->origin.line, 20);
        assert_string_equal(pet_at(&all, 1)->origin.file, "/etc/f.toml");
        arena_done(&arena);
}

static void relative_paths_start_at_their_file(void **state) {
        (void) state;
        _cleanup_free_ char *current = get_current_dir_name();
        char expected[3][4096];
        (void) snprintf(expected[0], sizeof(expected[0]), "%s/www", current);
        (void) snprintf(expected[1], sizeof(expected[1]), "%s/conf.d/www", current);
        (void) snprintf(expected[2], sizeof(expected[2]), "%s/../www", current);
        const struct {
                const char *file, *path, *expected;
        } cases[] = {
                { "/etc/ccodes/a.toml", "www", "/etc/ccodes/www" },
                { "/etc/ccodes/a.toml", "./././www/", "/etc/ccodes/www/" },
                { "/etc/ccodes/a.toml", "/srv/www", "/srv/www" },
                { "/a.toml", "www", "/www" },
                { "a.toml", "www", expected[0] },
                { "conf.d/a.toml", "./www", expected[1] },
                { "command line", "../www", expected[2] },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct arena arena;
                arena_init(&arena, 0);
                struct config_tree *tree;
                struct all all;
                char text[128];
                (void) snprintf(text, sizeof(text), "path = \"%s\"", cases[i].path);
                assert_int_equal(config_tree_parse(text, strlen(text), cases[i].file, &arena, NULL, &tree), 0);
                assert_int_equal(config_bind(&all_table, tree, &arena, NULL, &all), 0);
                assert_string_equal(all.path, cases[i].expected);
                arena_done(&arena);
        }
}

static const struct {
        const char *text, *message;
} faults[] = {
        { "boolean = 1",
          "/etc/f.toml:1:1: 'boolean' at the top level must be true or false, found the number 1; for example: "
          "boolean = true" },
        { "integer = 1.5",
          "/etc/f.toml:1:1: 'integer' at the top level must be a whole number, found the number 1.5; for "
          "example: integer = -5" },
        { "span = \"1 lightyear\"",
          "/etc/f.toml:1:1: 'span' at the top level must be a span of time, found the string \"1 "
          "lightyear\"; for example: span = \"infinity\"" },
        { "span = -1", "/etc/f.toml:1:1: 'span' at the top level is out of range" },
        { "span = \"999999999999999999999w\"", "/etc/f.toml:1:1: 'span' at the top level is out of range" },
        { "size = []",
          "/etc/f.toml:1:1: 'size' at the top level must be a size, found an array; for example: size = 1000" },
        { "nothing = 2024-01-01",
          "/etc/f.toml:1:1: 'nothing' at the top level must be a string, found a date or time" },
        { "path = \"\"", "/etc/f.toml:1:1: 'path' at the top level must be a path, found an empty string" },
        { "path = \"~/www\"",
          "/etc/f.toml:1:1: 'path' at the top level must be a whole path: '~' stands for no folder here" },
        { "path = \"a\\nb\"", "/etc/f.toml:1:1: 'path' at the top level must be a path without line breaks and tabs" },
        { "choice = \"geren\"",
          "/etc/f.toml:1:1: 'choice' at the top level must be one of \"red\", \"green\", \"blue\", found the "
          "string \"geren\"; did you mean \"green\"?" },
        { "choice = true", "/etc/f.toml:1:1: 'choice' at the top level must be one of \"red\", \"green\", "
                           "\"blue\", found true; for "
                           "example: choice = \"green\"" },
        { "strings = \"x\"", "/etc/f.toml:1:1: 'strings' at the top level must be an array of strings, found "
                             "the string \"x\"; for "
                             "example: strings = [\"x\", \"y\"]" },
        { "strings = [\n  \"x\",\n  2]",
          "/etc/f.toml:3:3: 'strings' at the top level must be an array of strings, found the number "
          "2; for example: strings = [\"x\", \"y\"]" },
        { "choices = \"red\"",
          "/etc/f.toml:1:1: 'choices' at the top level must be an array of \"red\", \"green\", \"blue\", found "
          "the string \"red\"; for example: choices = [\"blue\", \"red\"]" },
        { "choices = [\"red\", \"pink\"]",
          "/etc/f.toml:1:19: 'choices' at the top level must be an array of \"red\", \"green\", "
          "\"blue\", found the string \"pink\"; for example: choices = [\"blue\", \"red\"]" },
        { "choices = [\"red\", \"red\"]", "/etc/f.toml:1:19: 'choices' at the top level has an entry twice" },
        { "map = [\"a\"]", "/etc/f.toml:1:1: 'map' at the top level must be a table of strings, found an "
                           "array; for example: map = "
                           "{ b = \"1\", \"a c\" = \"2\" }" },
        { "map.x = 1", "/etc/f.toml:1:5: 'map' at the top level must be a table of strings, found the number "
                       "1; for example: map = "
                       "{ b = \"1\", \"a c\" = \"2\" }" },
        { "inner = 3", "/etc/f.toml:1:1: 'inner' at the top level must be a table, found the number 3; write [inner]" },
        { "[[inner]]", "/etc/f.toml:1:1: [[inner]] must be written [inner]: there is only one" },
        { "[pet]", "/etc/f.toml:1:1: [pet] must be written [[pet]]: there can be several" },
        { "[inner.note]", "/etc/f.toml:1:1: [inner.note] must be written [[inner.note]]: there can be several" },
        { "pet = [1]",
          "/etc/f.toml:1:1: 'pet' at the top level must be an array of tables, found an array; write [[pet]]" },
        { "[inner]\nspan = \"10ms\"",
          "/etc/f.toml:2:1: 'span' in [inner] must be at least 1s, found the string \"10ms\"" },
        { "[inner]\nsize = -1", "/etc/f.toml:2:1: 'size' in [inner] must be from 1K to 64K, found the number -1" },
        { "[inner]\nsize = \"infinity\"",
          "/etc/f.toml:2:1: 'size' in [inner] must be from 1K to 64K, found the string \"infinity\"" },
        { "inner.note = [{}, {}, {}]", "/etc/f.toml:1:7: 'note' in [inner] may have at most 2 entries, found 3" },
        { "[[pet]]\nlegs = 2", "/etc/f.toml:1:1: [[pet]] needs the key 'name'; for example: name = \"rex\"" },
        { "[[pet]]\nname = \"a\"\nlegs = 10",
          "/etc/f.toml:3:1: 'legs' in [[pet]] must be from 0 to 8, found the number 10" },
        { "[[pet]]\nname = \"a\"\nlegs = 3", "/etc/f.toml:3:1: 'legs' in [[pet]] must be even, found 3" },
        { "[[pet]]\nname = \"snake\"\nlegs = 2", "/etc/f.toml:3:1: a snake has no legs" },
        { "[[pet]]\nname = \"snake\"", "/etc/f.toml:1:1: a snake has no legs" },
        { "[[pet]]\nname = \"a\"\n[[pet]]\nname = \"b\"\n[[pet]]\nname = \"a\"",
          "/etc/f.toml:6:1: [[pet]] 'a': the name is taken, see /etc/f.toml:2; names must differ" },
        { "boolen = true", "/etc/f.toml:1:1: unknown key 'boolen' at the top level; did you mean 'boolean'?" },
        { "[iner]", "/etc/f.toml:1:1: unknown section [iner]; did you mean [inner]?" },
        { "[[pets]]", "/etc/f.toml:1:1: unknown section [[pets]]; did you mean [[pet]]?" },
        { "[inner.not]", "/etc/f.toml:1:1: unknown section [inner.not]; did you mean [[inner.note]]?" },
        { "legs = 2", "/etc/f.toml:1:1: unknown key 'legs' at the top level; it belongs in [[pet]]" },
        { "[inner]\nlegs = 2\n", "/etc/f.toml:2:1: unknown key 'legs' in [inner]; it belongs in [[pet]]" },
        { "[inner]\n  xyz = 2\n", "/etc/f.toml:2:3: unknown key 'xyz' in [inner]; known here: 'span', 'size', 'note'" },
        { "inner = { \"a\\nb\" = 1 }",
          "/etc/f.toml:1:11: unknown key 'a b' in [inner]; known here: 'span', 'size', 'note'" },
        { "string = 1\n[inner]\nspan = true\n[[pet]]\nname = 1\n",
          "/etc/f.toml:1:1: 'string' at the top level must be a string, found the number 1; for example: "
          "string = \"a "
          "\\\"b\\\"\\n\\\\c\"\n"
          "/etc/f.toml:3:1: 'span' in [inner] must be a span of time, found true; for example: span = "
          "\"1min\"\n"
          "/etc/f.toml:5:1: 'name' in [[pet]] must be a string, found the number 1; for example: name = "
          "\"rex\"" },
};

static void faults_say_what_to_write(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(faults); i++) {
                struct arena arena;
                arena_init(&arena, 0);
                struct error error = ERROR_INIT;
                struct config_tree *tree;
                struct all all;
                assert_int_equal(bind_text(faults[i].text, &arena, &error, &tree, &all), -EINVAL);
                assert_string_equal(error.text, faults[i].message);
                arena_done(&arena);
        }
}

static void ten_faults_are_shown_and_the_others_counted(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        for (int i = 0; i < 100000; i++) {
                char value[201];
                memset(value, 'v', sizeof(value) - 1);
                value[sizeof(value) - 1] = '\0';
                if (i < 12)
                        text_printf(&text, "[[pet]]\nname = \"%d\"\nlegs = \"%s\xE2\x82\xAC\"\n", i, value);
                else if (text.length < CONFIG_FILE_MAX - 16)
                        text_printf(&text, "k%d = 1\n", i);
        }
        struct arena arena;
        arena_init(&arena, 0);
        struct error error = ERROR_INIT;
        struct config_tree *tree;
        struct all all;
        assert_int_equal(bind_text(text.data, &arena, &error, &tree, &all), -EINVAL);
        unsigned lines = 1;
        for (const char *byte = error.text; *byte; byte++)
                lines += *byte == '\n';
        assert_int_equal(lines, 11);
        assert_non_null(strstr(error.text,
                               "/etc/f.toml:3:1: 'legs' in [[pet]] must be a whole number, found the string "
                               "\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...\"; for example: legs = 4\n"));
        assert_non_null(strstr(error.text, "\nand "));
        arena_done(&arena);
}

/* Whatever the arena can give, binding succeeds or says that there is no memory. */
static void a_short_arena_is_an_error(void **state) {
        (void) state;
        bool succeeded = false;
        for (size_t limit = 256; limit < 1 << 20 && !succeeded; limit += 4096) {
                struct arena tree_arena, arena;
                arena_init(&tree_arena, 0);
                arena_init(&arena, limit);
                struct config_tree *tree;
                struct all all;
                struct error error = ERROR_INIT;
                assert_int_equal(config_tree_parse(everything, strlen(everything), "f", &tree_arena, &error, &tree), 0);
                int r = config_bind(&all_table, tree, &arena, &error, &all);
                assert_true(r == 0 || (r == -ENOMEM && error.text[0] != '\0'));
                succeeded = r == 0;
                arena_done(&arena);
                arena_done(&tree_arena);
        }
        assert_true(succeeded);
}

struct told {
        struct text text;
};

static void tell(const char *path, const char *before, const char *after, enum config_effect effect, void *userdata) {
        struct told *told = userdata;
        text_printf(&told->text, "%s: %s > %s (%d)\n", path, before ? before : "-", after ? after : "-", (int) effect);
}

static void assert_differences(const struct all *before, const struct all *after, const char *expected) {
        struct told told = { TEXT_INIT };
        config_compare(&all_table, before, after, tell, &told);
        assert_string_equal(told.text.data ? told.text.data : "", expected);
        text_done(&told.text);
}

static void what_is_written_loads_again(void **state) {
        (void) state;
        static const char *const texts[] = {
                "", everything, "string = \"\\\"\\\\ \\t\\n \xC3\xA9\"\nmap = { \"\" = \"x\", \"é.ü\" = \"\" }"
        };
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
                struct arena arena;
                struct config_tree *tree;
                struct all first, second;
                arena_init(&arena, 0);
                bind_well(texts[i], &arena, &tree, &first);
                for (int with_origins = 0; with_origins < 2; with_origins++) {
                        _cleanup_text_ struct text text = TEXT_INIT;
                        struct config_tree *again;
                        config_write_toml(&all_table, &first, with_origins ? tree : NULL, &text);
                        bind_well(text.data, &arena, &again, &second);
                        assert_differences(&first, &second, "");
                }
                arena_done(&arena);
        }
}

static void origins_stand_behind_the_values(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        struct all all;
        arena_init(&arena, 0);
        bind_well("integer = 1\n\n[inner]\nsize = 2048\n[[pet]]\nname = \"a\"\n[[pet]]\nname = \"b\"\nlegs = 6\n",
                  &arena, &tree, &all);
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_toml(&all_table, &all, tree, &text);
        assert_string_equal(text.data, "boolean = true # default\n"
                                       "integer = 1 # from /etc/f.toml:1\n"
                                       "span = \"infinity\" # default\n"
                                       "size = \"1000\" # default\n"
                                       "string = \"a \\\"b\\\"\\n\\\\c\" # default\n"
                                       "# nothing is not set\n"
                                       "path = \"/etc\" # default\n"
                                       "choice = \"green\" # default\n"
                                       "strings = [\"x\", \"y\"] # default\n"
                                       "choices = [\"blue\", \"red\"] # default\n"
                                       "map = { \"b\" = \"1\", \"a c\" = \"2\" } # default\n"
                                       "\n"
                                       "[inner]\n"
                                       "span = \"1min\" # default\n"
                                       "size = \"2K\" # from /etc/f.toml:4\n"
                                       "\n"
                                       "[[pet]]\n"
                                       "name = \"a\" # from /etc/f.toml:6\n"
                                       "legs = 4 # default\n"
                                       "\n"
                                       "[[pet]]\n"
                                       "name = \"b\" # from /etc/f.toml:8\n"
                                       "legs = 6 # from /etc/f.toml:9\n");
        arena_done(&arena);
}

static void json_has_every_key(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        struct all all;
        arena_init(&arena, 0);
        bind_well("[[pet]]\nname = \"a\"", &arena, &tree, &all);
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_json(&all_table, &all, &text);
        assert_string_equal(
                        text.data,
                        "{\"boolean\": true, \"integer\": -5, \"span\": \"infinity\", \"size\": \"1000\", \"string\": "
                        "\"a \\\"b\\\"\\n\\\\c\", \"nothing\": null, \"path\": \"/etc\", \"choice\": \"green\", "
                        "\"strings\": "
                        "[\"x\", \"y\"], \"choices\": [\"blue\", \"red\"], \"map\": {\"b\": \"1\", \"a c\": \"2\"}, "
                        "\"inner\": "
                        "{\"span\": \"1min\", \"size\": \"4K\", \"note\": []}, \"pet\": [{\"name\": \"a\", \"legs\": "
                        "4}]}");
        struct json_object *parsed = json_tokener_parse(text.data);
        assert_non_null(parsed);
        (void) json_object_put(parsed);
        arena_done(&arena);
}

static void values_are_found_by_their_path(void **state) {
        (void) state;
        static const struct {
                const char *path;
                unsigned line;     /* 0: default; -1: no such path */
                const char *value; /* NULL: an error */
                const char *message;
        } cases[] = {
                { "integer", 2, "7", NULL },
                { "nothing", 6, "\"some\"", NULL },
                { "inner", 12,
                  "{\"span\": \"30s\", \"size\": \"2K\", \"note\": [{\"text\": \"first\"}, {\"text\": null}]}", NULL },
                { "inner.note[1].text", 16, "\"first\"", NULL },
                { "inner.note[2]", 17, "{\"text\": null}", NULL },
                { "inner.note[3]", 0, NULL, "no 'note' is called '3'" },
                { "inner.note[0]", 0, NULL, "no 'note' is called '0'" },
                { "inner.note[99999999999999999999]", 0, NULL, "no 'note' is called '99999999999999999999'" },
                { "pet[bird].legs", 22, "2", NULL },
                { "pet[rex].legs", 0, "4", NULL },
                { "pet[1].legs", 0, NULL, "no 'pet' is called '1'" },
                { "pet[bird].leg", 0, NULL, "no key 'leg'; did you mean 'legs'?" },
                { "pet", 18, "[{\"name\": \"rex\", \"legs\": 4}, {\"name\": \"bird\", \"legs\": 2}]", NULL },
                { "pet.legs", 0, NULL, "'pet' has no keys of its own: name an entry in brackets" },
                { "integer.x", 0, NULL, "'integer' has no keys" },
                { "inner[x]", 0, NULL, "no 'inner' is called 'x'" },
                { "map.b", 0, NULL, "no key 'b'" },
                { "zzz", 0, NULL, "no key 'zzz'" },
                { "", -1U, NULL, "'' is no path of a key, such as site[blog].root" },
                { "inner.", -1U, NULL, "'inner.' is no path of a key, such as site[blog].root" },
                { ".inner", -1U, NULL, "'.inner' is no path of a key, such as site[blog].root" },
                { "pet[", -1U, NULL, "'pet[' is no path of a key, such as site[blog].root" },
                { "pet[]", -1U, NULL, "'pet[]' is no path of a key, such as site[blog].root" },
                { "pet[a]b", -1U, NULL, "'pet[a]b' is no path of a key, such as site[blog].root" },
                { "pet]", -1U, NULL, "'pet]' is no path of a key, such as site[blog].root" },
        };
        struct arena arena;
        struct config_tree *tree;
        struct all all;
        arena_init(&arena, 0);
        bind_well(everything, &arena, &tree, &all);
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct config_origin origin = { "", 99, 99 };
                int r = config_origin_of(tree, cases[i].path, &origin);
                if (cases[i].line == -1U)
                        assert_int_equal(r, -EINVAL);
                else {
                        assert_int_equal(r, 0);
                        assert_int_equal(origin.line, cases[i].line);
                        assert_true((origin.file != NULL) == (cases[i].line > 0));
                }

                _cleanup_text_ struct text text = TEXT_INIT;
                struct error error = ERROR_INIT;
                r = config_write_value(&all_table, &all, cases[i].path, false, &error, &text);
                if (cases[i].value) {
                        assert_int_equal(r, 0);
                        assert_string_equal(text.data, cases[i].value);
                } else {
                        assert_int_equal(r, cases[i].line == -1U ? -EINVAL : -ENOENT);
                        assert_string_equal(error.text, cases[i].message);
                }
        }
        bind_well("map = { \"X-Y\" = \"z\" }", &arena, &tree, &all);
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(config_write_value(&all_table, &all, "map.X-Y", true, NULL, &text), 0);
        assert_string_equal(text.data, "\"z\"");
        arena_done(&arena);
}

static void differences_are_told_with_their_effect(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        struct all before, after;
        arena_init(&arena, 0);
        bind_well("[[pet]]\nname = \"a\"\n[[pet]]\nname = \"b\"\n[[pet]]\nname = \"c\"\n[[inner.note]]\ntext = \"x\"\n",
                  &arena, &tree, &before);
        assert_differences(&before, &before, "");

        /* "b" is gone, "d" is new, "c" has changed: entries are told apart by their name, not by their place. */
        bind_well("integer = 1\nnothing = \"n\"\nchoice = \"red\"\nmap = {}\n[inner]\nspan = "
                  "\"2min\"\n[[inner.note]]\ntext = \"y\"\n"
                  "[[inner.note]]\n[[pet]]\nname = \"a\"\n[[pet]]\nname = \"c\"\nlegs = 0\n[[pet]]\nname = \"d\"\n",
                  &arena, &tree, &after);
        assert_differences(&before, &after,
                           "integer: -5 > 1 (2)\n"
                           "nothing: - > \"n\" (0)\n"
                           "choice: \"green\" > \"red\" (3)\n"
                           "map: { \"b\" = \"1\", \"a c\" = \"2\" } > {} (0)\n"
                           "inner.span: \"1min\" > \"2min\" (0)\n"
                           "inner.note[1].text: \"x\" > \"y\" (0)\n"
                           "inner.note[2]: - > {\"text\": null} (0)\n"
                           "pet[b]: {\"name\": \"b\", \"legs\": 4} > - (3)\n"
                           "pet[c].legs: 4 > 0 (2)\n"
                           "pet[d]: - > {\"name\": \"d\", \"legs\": 4} (3)\n");

        bind_well("[[pet]]\nname = \"b\"\n[[pet]]\nname = \"a\"\n[[pet]]\nname = \"c\"\n[[inner.note]]\ntext = \"x\"\n",
                  &arena, &tree, &after);
        assert_differences(&before, &after, "pet: [\"a\", \"b\", \"c\"] > [\"b\", \"a\", \"c\"] (3)\n");
        arena_done(&arena);
}

static struct json_object *member(struct json_object *object, const char *name) {
        struct json_object *value = NULL;
        if (!json_object_object_get_ex(object, name, &value))
                fail_msg("no '%s' in %s", name, json_object_to_json_string(object));
        return value;
}

static void the_schema_is_json(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_schema(&all_table, "A \"title\"", &text);
        struct json_object *schema = json_tokener_parse(text.data);
        assert_non_null(schema);
        assert_string_equal(json_object_get_string(member(schema, "$schema")),
                            "https://json-schema.org/draft/2020-12/schema");
        assert_string_equal(json_object_get_string(member(schema, "title")), "A \"title\"");
        assert_false(json_object_get_boolean(member(schema, "additionalProperties")));
        struct json_object *properties = member(schema, "properties");
        assert_int_equal(json_object_object_length(properties), ELEMENTS_OF(all_keys));
        static const struct {
                const char *key, *schema;
        } cases[] = {
                { "boolean",
                  "{\"type\":\"boolean\",\"description\":\"Yes or no.\",\"default\":true,\"x-effect\":\"reload\"}" },
                { "span", "{\"type\":[\"string\",\"integer\"],\"minimum\":0,\"description\":\"A "
                          "span.\",\"default\":\"infinity\",\"x-effect\":\"reload\"}" },
                { "nothing", "{\"type\":\"string\",\"description\":\"Has no default.\",\"x-effect\":\"reload\"}" },
                { "path", "{\"type\":\"string\",\"minLength\":1,\"description\":\"A "
                          "path.\",\"default\":\"/etc\",\"x-effect\":\"reload\"}" },
                { "choice", "{\"enum\":[\"red\",\"green\",\"blue\"],\"description\":\"A "
                            "colour.\",\"default\":\"green\",\"x-effect\":\"socket\"}" },
                { "strings", "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"Strings.\","
                             "\"default\":[\"x\",\"y\"],\"x-effect\":\"reload\"}" },
                { "choices", "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"enum\":[\"red\",\"green\",\"blue\"]"
                             "},\"description\":"
                             "\"Colours.\",\"default\":[\"blue\",\"red\"],\"x-effect\":\"reload\"}" },
                { "map", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"description\":\"A "
                         "map.\",\"default\":{"
                         "\"b\":\"1\",\"a c\":\"2\"},\"x-effect\":\"reload\"}" },
                { "pet", "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
                         "\"properties\":{\"name\":{"
                         "\"type\":\"string\",\"description\":\"Its "
                         "name.\",\"x-effect\":\"socket\"},\"legs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":8,"
                         "\"description\":\"How many it "
                         "has.\",\"default\":4,\"x-effect\":\"restart\"}},\"required\":[\"name\"]},\"description\":\"A "
                         "pet.\",\"x-effect\":\"socket\"}" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_string_equal(
                                json_object_to_json_string_ext(member(properties, cases[i].key),
                                                               JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                                cases[i].schema);
        struct json_object *span = member(member(member(properties, "inner"), "properties"), "span");
        assert_string_equal(json_object_get_string(member(span, "description")),
                            "A span with a least value. Must be at least 1s.");
        (void) json_object_put(schema);
}

static void the_reference_is_escaped(void **state) {
        (void) state;
        _cleanup_text_ struct text mdoc = TEXT_INIT;
        _cleanup_text_ struct text markdown = TEXT_INIT;
        config_write_reference(&all_table, true, &mdoc);
        config_write_reference(&all_table, false, &markdown);
        static const char *const in_mdoc[] = {
                ".It Ic integer\nAny number.\nIt's <b>*so*</b> \\esimple.\n.Pp\nA whole number.\nDefault: \\fB-5\\fR.\n"
                "A change takes a new instance (ccodesctl apply).\n",
                "\n\\&.hidden request\n",
                ".Ss [inner]\nWhat is inside.\n.Bl -tag -width Ds\n.It Ic span\n",
                "A size, from 1K to 64K.\nDefault: \\fB\\(dq4K\\(dq\\fR.\nA change takes a reload.\n.El\n",
        };
        static const char *const in_markdown[] = {
                "### integer\n\nAny number. It's \\<b\\>\\*so\\*\\</b\\> \\\\simple.\n\nA whole number. Default: `-5`. "
                "A change takes a "
                "new instance (ccodesctl apply).\n",
                "\n## [[pet]]\n\nA pet.\n\n### name\n\nIts name.\n\nA string; required. Example: `\"rex\"`. A change "
                "takes new sockets "
                "(ccodesctl apply).\n",
        };
        for (size_t i = 0; i < ELEMENTS_OF(in_mdoc); i++)
                if (!strstr(mdoc.data, in_mdoc[i]))
                        fail_msg("%s\nis not in\n%s", in_mdoc[i], mdoc.data);
        for (size_t i = 0; i < ELEMENTS_OF(in_markdown); i++)
                if (!strstr(markdown.data, in_markdown[i]))
                        fail_msg("%s\nis not in\n%s", in_markdown[i], markdown.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_hold_without_a_tree),
                cmocka_unit_test(written_values_are_bound),
                cmocka_unit_test(relative_paths_start_at_their_file),
                cmocka_unit_test(faults_say_what_to_write),
                cmocka_unit_test(ten_faults_are_shown_and_the_others_counted),
                cmocka_unit_test(a_short_arena_is_an_error),
                cmocka_unit_test(what_is_written_loads_again),
                cmocka_unit_test(origins_stand_behind_the_values),
                cmocka_unit_test(json_has_every_key),
                cmocka_unit_test(values_are_found_by_their_path),
                cmocka_unit_test(differences_are_told_with_their_effect),
                cmocka_unit_test(the_schema_is_json),
                cmocka_unit_test(the_reference_is_escaped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
