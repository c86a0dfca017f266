/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as written: order, places, merging, and what is said of text that is not TOML. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "shared/config_tree.h"
#include "shared/syscall.h"
#include "shared/text.h"

static void parse(struct arena *arena, const char *text, struct config_tree **ret_tree) {
        struct error error = ERROR_INIT;
        arena_init(arena, 0);
        int r = config_tree_parse(text, strlen(text), "f.toml", arena, &error, ret_tree);
        if (r < 0)
                fail_msg("%s", error.text);
}

static void assert_place(const struct config_tree *node, unsigned line, unsigned column) {
        assert_non_null(node);
        assert_string_equal(node->origin.file, "f.toml");
        assert_int_equal(node->origin.line, line);
        assert_int_equal(node->origin.column, column);
}

static void values_keep_type_order_and_place(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        parse(&arena,
              "zebra = \"a\\tb\"\n"
              "  apple = -7\n"
              "fraction = 1.5\n"
              "yes = true\n"
              "day = 2024-02-29\n"
              "list = [1, \"two\", []]\n"
              "\n"
              "[outer.inner]\n"
              "deep.er = { x = 1 }\n"
              "[[entry]]\n"
              "a = 1\n"
              "[[entry]]\n"
              "[outer]\n"
              "own = 1\n",
              &tree);

        static const char *const order[] = { "zebra", "apple", "fraction", "yes", "day", "list", "outer", "entry" };
        const struct config_tree *node = tree->children;
        for (size_t i = 0; i < ELEMENTS_OF(order); i++, node = node->next)
                assert_string_equal(node->key, order[i]);
        assert_null(node);
        assert_string_equal(tree->last->key, "entry");

        assert_string_equal(config_tree_get(tree, "zebra")->string, "a\tb");
        assert_place(config_tree_get(tree, "zebra"), 1, 1);
        assert_int_equal(config_tree_get(tree, "apple")->integer, -7);
        assert_place(config_tree_get(tree, "apple"), 2, 3);
        assert_true(config_tree_get(tree, "fraction")->number == 1.5);
        assert_int_equal(config_tree_get(tree, "yes")->type, CONFIG_NODE_BOOLEAN);
        assert_true(config_tree_get(tree, "yes")->boolean);
        assert_int_equal(config_tree_get(tree, "day")->type, CONFIG_NODE_DATE);

        const struct config_tree *list = config_tree_get(tree, "list");
        assert_int_equal(list->type, CONFIG_NODE_ARRAY);
        assert_false(config_tree_is_table_list(list));
        assert_int_equal(list->children->integer, 1);
        assert_place(list->children->next, 6, 12);
        assert_null(list->children->next->key);
        assert_int_equal(list->last->type, CONFIG_NODE_ARRAY);
        assert_null(list->last->children);

        /* [outer] was first mentioned on line 8 and opened on line 13. */
        const struct config_tree *outer = config_tree_get(tree, "outer");
        assert_place(outer, 13, 1);
        const struct config_tree *inner = config_tree_get(outer, "inner");
        assert_place(inner, 8, 1);
        assert_place(config_tree_get(inner, "deep"), 9, 1);
        assert_place(config_tree_get(config_tree_get(inner, "deep"), "er"), 9, 6);

        const struct config_tree *entries = config_tree_get(tree, "entry");
        assert_true(config_tree_is_table_list(entries));
        assert_place(entries->children, 10, 1);
        assert_place(entries->children->next, 12, 1);
        assert_null(config_tree_get(entries->children->next, "a"));
        assert_null(config_tree_get(list, "a"));
        assert_null(config_tree_get(NULL, "a"));
        arena_done(&arena);
}

static void a_byte_order_mark_and_carriage_returns_are_fine(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        parse(&arena,
              "\xEF\xBB\xBF"
              "a = 1\r\n# \xC3\xA9\r\nb = \"\xE2\x82\xAC\"\r\n",
              &tree);
        assert_string_equal(config_tree_get(tree, "b")->string, "\xE2\x82\xAC");
        assert_place(config_tree_get(tree, "b"), 3, 1);
        arena_done(&arena);
        parse(&arena, "", &tree);
        assert_null(tree->children);
        arena_done(&arena);
}

static void mistakes_are_explained(void **state) {
        (void) state;
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "root = \"/srv\nx = 1\n",
                  "f.toml:1:13: not valid TOML: the string is not closed before the end of the line" },
                { "root = '/srv\n",
                  "f.toml:1:13: not valid TOML: the string is not closed before the end of the line" },
                { "root = \"/srv", "f.toml:1:13: not valid TOML: the file ends within this string" },
                { "root=/srv/www # here\n", "f.toml:1:6: not valid TOML: could not determine value type; text is "
                                            "written in quotes: root = \"/srv/www\"" },
                { "level = info\n", "f.toml:1:12: not valid TOML: expected value-terminator, saw 'o'; text is written "
                                    "in quotes: level = \"info\"" },
                { "idle = 30s\n",
                  "f.toml:1:10: not valid TOML: expected digit, saw 's'; text is written in quotes: idle = \"30s\"" },
                { "address = 10.0.0.1:80\n", "f.toml:1:13: not valid TOML: expected ':', saw '.'; text is written in "
                                             "quotes: address = \"10.0.0.1:80\"" },
                { "tls = yes\n", "f.toml:1:7: not valid TOML: could not determine value type; write tls = true" },
                { "tls = False\n", "f.toml:1:7: not valid TOML: expected 'false', saw 'F'; write tls = false" },
                { "a =", "f.toml:1:4: not valid TOML: the file ends within this key-value pair" },
                { "a = [1,\n", "f.toml:1:9: not valid TOML: the file ends within this array" },
                { "[server\nworkers = 1\n",
                  "f.toml:1:8: not valid TOML: expected ']', saw the end of the line, in this table header" },
                { "[.a]\n",
                  "f.toml:1:2: not valid TOML: expected bare key starting character or string delimiter, saw '.'" },
                { "\xC3\xA9 = 1\n",
                  "f.toml:1:1: not valid TOML: expected keys, tables, whitespace or comments, saw '\xC3\xA9'" },
                { "a = \xC3\xA9t\xC3\xA9\n", "f.toml:1:5: not valid TOML: could not determine value type; text is "
                                             "written in quotes: a = \"\xC3\xA9t\xC3\xA9\"" },
                { "a 1\n", "f.toml:1:3: not valid TOML: expected '=', saw '1'" },
                { "a = 1\na = 2\n", "f.toml:2:5: not valid TOML: cannot redefine existing integer 'a'; each key and "
                                    "each [table] is written once in a "
                                    "file" },
                { "[a]\n[b]\n[a]\n", "f.toml:3:1: not valid TOML: cannot redefine existing table 'a'; each key and "
                                     "each [table] is written once in a "
                                     "file" },
                { "a = 1\nb = \"\xFF\"\n", "f.toml:2:6: not valid TOML: the text is not UTF-8 here" },
                { "a = \"\\q\"\n", "f.toml:1:7: not valid TOML: unknown escape sequence '\\q'" },
                { "a = \"x\\u0000\"\n", "f.toml:1:1: the control character U+0000 is not allowed" },
                { "b = 1\n\"a\\u001b[31m\" = 1\n", "f.toml:2:1: the control character U+001B is not allowed" },
                { "a = [\"\\r\"]\n", "f.toml:1:6: the control character U+000D is not allowed" },
                { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1\n", "f.toml:1:32: a key has more than 16 parts" },
                { "x = '''\n.'''\n[a.b.c.\"d.e\".f.g.h.i.j.k.l.m.n.o.p.q.r]\n",
                  "f.toml:3:37: a key has more than 16 parts" },
                { "a = [[[[[[[[[[[[[[[[[[[[\n",
                  "f.toml:1:21: not valid TOML: exceeded maximum nested value depth of 16 (TOML_MAX_NESTED_VALUES)" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct arena arena;
                arena_init(&arena, 0);
                struct error error = ERROR_INIT;
                struct config_tree *tree = NULL;
                assert_int_equal(config_tree_parse(cases[i].text, strlen(cases[i].text), "f.toml", &arena, &error,
                                                   &tree),
                                 -EINVAL);
                assert_string_equal(error.text, cases[i].message);
                assert_null(tree);
                arena_done(&arena);
        }
}

/* Dots in strings, comments and numbers are no parts of a key. */
static void only_keys_count_as_nesting(void **state) {
        (void) state;
        struct arena arena;
        struct config_tree *tree;
        parse(&arena,
              "# ....................\n"
              "a = \"....................\"\n"
              "b = '....................'\n"
              "c = \"\"\"....\n..........\"\"...........\"\"\"\"\"\n"
              "d = '''''.................'''''\n"
              "e = \"\\\"................\"\n"
              "f = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]\n"
              "g = \"\" # ..................\n"
              "h = \"\"\"\\\n   \xC3\xA9t\xC3\xA9\"\"\"\n"
              "a1.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p = 1\n",
              &tree);
        assert_string_equal(config_tree_get(tree, "c")->string, "....\n..........\"\"...........\"\"");
        assert_string_equal(config_tree_get(tree, "h")->string, "\xC3\xA9t\xC3\xA9");
        arena_done(&arena);
}

static void what_is_too_large_is_refused(void **state) {
        (void) state;
        struct arena arena;
        struct error error = ERROR_INIT;
        struct config_tree *tree;
        _cleanup_free_ char *text = malloc(CONFIG_FILE_MAX + 1);
        assert_non_null(text);
        memset(text, '\n', CONFIG_FILE_MAX + 1);

        arena_init(&arena, 0);
        assert_int_equal(config_tree_parse(text, CONFIG_FILE_MAX + 1, "f.toml", &arena, &error, &tree), -EFBIG);
        assert_string_equal(error.text, "f.toml: larger than 1 MiB, which no configuration file should be");
        assert_int_equal(config_tree_parse(text, CONFIG_FILE_MAX, "f.toml", &arena, NULL, &tree), 0);
        arena_done(&arena);

        /* An arena that is used up at any point: an error, never a crash. */
        static const char some[] = "a = \"text\"\n[b]\nc = [1, 2]\n[[d]]\ne = {f = 'g'}\n";
        bool succeeded = false;
        for (size_t limit = 1; limit < 65536 && !succeeded; limit *= 2) {
                struct error short_error = ERROR_INIT;
                arena_init(&arena, limit);
                int r = config_tree_parse(some, strlen(some), "f.toml", &arena, &short_error, &tree);
                assert_true(r == 0 || r == -ENOMEM);
                succeeded = r == 0;
                arena_done(&arena);
        }
        assert_true(succeeded);
}

/* A folder with a main file and conf.d, gone after the test. */
struct folder {
        char path[64];
        char main_file[96], fragments[96];
};

static void write_file(const char *folder, const char *name, const char *text) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state) {
        struct folder *folder = calloc(1, sizeof(*folder));
        assert_non_null(folder);
        (void) snprintf(folder->path, sizeof(folder->path), "/tmp/ccodes-test-config-XXXXXX");
        assert_non_null(mkdtemp(folder->path));
        (void) snprintf(folder->main_file, sizeof(folder->main_file), "%s/main.toml", folder->path);
        (void) snprintf(folder->fragments, sizeof(folder->fragments), "%s/conf.d", folder->path);
        assert_int_equal(mkdir(folder->fragments, 0700), 0);
        *state = folder;
        return 0;
}

static int remove_folder(void **state) {
        struct folder *folder = *state;
        static const char *const names[] = {
                "main.toml",         "conf.d/10-b.toml", "conf.d/9-a.toml", "conf.d/.hidden.toml",
                "conf.d/readme.txt", "conf.d/bad.toml",  "conf.d",          ""
        };
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                char path[256];
                (void) snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
                (void) remove(path);
        }
        assert_int_not_equal(access(folder->path, F_OK), 0);
        free(folder);
        return 0;
}

static void files_merge_in_order_of_their_names(void **state) {
        const struct folder *folder = *state;
        write_file(folder->path, "main.toml",
                   "[server]\nworkers = 1\ndrain = 2\nlist = [1, 2]\nempty = []\n[server.cache]\nsize = "
                   "5\n[[site]]\nname = \"a\"\n");
        write_file(folder->fragments, "10-b.toml", "[server]\nworkers = 10\nlist = [3]\n[[site]]\nname = \"b\"\n");
        write_file(folder->fragments, "9-a.toml",
                   "[server]\nworkers = 9\nextra = 9\n[server.cache]\nage = 1\n[[site]]\nname = \"c\"\n"
                   "[[server.empty]]\nx = 1\n");
        write_file(folder->fragments, ".hidden.toml", "not toml");
        write_file(folder->fragments, "readme.txt", "not toml");

        struct arena arena;
        arena_init(&arena, 0);
        struct error error = ERROR_INIT;
        struct config_tree *tree;
        if (config_tree_load(folder->main_file, folder->fragments, &arena, &error, &tree) < 0)
                fail_msg("%s", error.text);

        const struct config_tree *server = config_tree_get(tree, "server");
        assert_int_equal(config_tree_get(server, "workers")->integer, 9); /* "10-b" is before "9-a" */
        assert_non_null(strstr(config_tree_get(server, "workers")->origin.file, "/conf.d/9-a.toml"));
        assert_int_equal(config_tree_get(server, "workers")->origin.line, 2);
        assert_string_equal(server->children->key, "workers"); /* where it stood at first */
        assert_int_equal(config_tree_get(server, "drain")->integer, 2);
        assert_string_equal(config_tree_get(server, "drain")->origin.file, folder->main_file);
        assert_int_equal(config_tree_get(server, "list")->children->integer, 3);
        assert_null(config_tree_get(server, "list")->children->next);
        assert_int_equal(config_tree_get(server, "extra")->integer, 9);
        assert_int_equal(config_tree_get(config_tree_get(server, "cache"), "size")->integer, 5);
        assert_int_equal(config_tree_get(config_tree_get(server, "cache"), "age")->integer, 1);
        assert_true(config_tree_is_table_list(config_tree_get(server, "empty")));

        static const char *const sites[] = { "a", "b", "c" };
        const struct config_tree *site = config_tree_get(tree, "site")->children;
        for (size_t i = 0; i < ELEMENTS_OF(sites); i++, site = site->next)
                assert_string_equal(config_tree_get(site, "name")->string, sites[i]);
        assert_null(site);
        arena_done(&arena);
}

static void files_that_cannot_be_read_are_named(void **state) {
        const struct folder *folder = *state;
        struct arena arena;
        struct config_tree *tree;
        struct error error = ERROR_INIT;
        char expected[512];
        arena_init(&arena, 0);

        assert_int_equal(config_tree_load(folder->main_file, NULL, &arena, &error, &tree), -ENOENT);
        (void) snprintf(expected, sizeof(expected), "%s: cannot be read: No such file or directory", folder->main_file);
        assert_string_equal(error.text, expected);

        error = ERROR_INIT;
        assert_int_equal(config_tree_load(folder->path, NULL, &arena, &error, &tree), -EISDIR);

        write_file(folder->path, "main.toml", "a = 1\n");
        assert_int_equal(config_tree_load(folder->main_file, "/nonexistent/conf.d", &arena, NULL, &tree), 0);
        assert_int_equal(config_tree_load(folder->main_file, NULL, &arena, NULL, &tree), 0);
        assert_int_equal(config_tree_load(NULL, NULL, &arena, NULL, &tree), 0);
        assert_null(tree->children);

        error = ERROR_INIT;
        assert_int_equal(config_tree_load(folder->main_file, folder->main_file, &arena, &error, &tree), -ENOTDIR);
        (void) snprintf(expected, sizeof(expected), "reading the folder %s: Not a directory", folder->main_file);
        assert_string_equal(error.text, expected);

        error = ERROR_INIT;
        write_file(folder->fragments, "bad.toml", "a = \n");
        assert_int_equal(config_tree_load(folder->main_file, folder->fragments, &arena, &error, &tree), -EINVAL);
        (void) snprintf(expected, sizeof(expected),
                        "%s/bad.toml:1:5: not valid TOML: expected value, saw the end of the line, in "
                        "this key-value pair",
                        folder->fragments);
        assert_string_equal(error.text, expected);
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values_keep_type_order_and_place),
                cmocka_unit_test(a_byte_order_mark_and_carriage_returns_are_fine),
                cmocka_unit_test(mistakes_are_explained),
                cmocka_unit_test(only_keys_count_as_nesting),
                cmocka_unit_test(what_is_too_large_is_refused),
                cmocka_unit_test_setup_teardown(files_merge_in_order_of_their_names, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_named, make_folder, remove_folder),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
