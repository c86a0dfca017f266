/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a configuration through JSON and back, and the one that `ccodesctl run` writes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/config_json.h"
#include "cli/run_config.h"

static void on_difference(const char *path, const char *before, const char *after, enum config_effect effect,
                          void *userdata) {
        (void) effect;
        print_error("%s: %s became %s\n", path, before ? before : "nothing", after ? after : "nothing");
        ++*(unsigned *) userdata;
}

static struct config *load(const char *text) {
        struct config *config = NULL;
        struct error error = ERROR_INIT;
        if (config_load_text(text, "/etc/ccodes/test.toml", &error, &config) < 0)
                fail_msg("%s", error.text);
        return config;
}

static void expect_same(const char *toml) {
        struct config *config = load(toml);
        struct error error = ERROR_INIT;
        _cleanup_text_ struct text json = TEXT_INIT;
        config_write_json(&config_root_table, &config->root, &json);
        struct json_object *object = json_tokener_parse(json.data);
        assert_non_null(object);

        struct arena arena;
        struct config_tree *tree = NULL;
        struct config_root root;
        unsigned differences = 0;
        arena_init(&arena, 0);
        assert_int_equal(config_json_tree(object, "running", &arena, &error, &tree), 0);
        if (config_bind(&config_root_table, tree, &arena, &error, &root) < 0)
                fail_msg("%s", error.text);
        config_compare(&config_root_table, &config->root, &root, on_difference, &differences);
        assert_int_equal(differences, 0);
        arena_done(&arena);
        json_object_put(object);
        config_unref(config);
}

static void json_and_back_is_the_same(void **state) {
        (void) state;
        expect_same("");
        expect_same("[[site]]\nname = \"a\"\nroot = \"/srv/\xC3\xA4 \\\"x\"\nerrors = { 404 = \"/404.html\" }\n"
                    "index = [\"a.html\", \"b.html\"]\nhsts = \"365d\"\n"
                    "[[site.rule]]\npath = \"/a/**\"\ncache_control = \"no-store\"\n"
                    "[[server.listener]]\nname = \"http\"\naddress = \"127.0.0.1:80\"\n"
                    "[http.limits]\nmax_body = \"infinity\"\n[http.timeouts]\nkeep_alive = \"1min 30s\"\n");
}

static void expect_refusal(const char *json, const char *part) {
        struct json_object *object = json_tokener_parse(json);
        struct error error = ERROR_INIT;
        struct arena arena;
        struct config_tree *tree = NULL;
        arena_init(&arena, 0);
        assert_int_equal(config_json_tree(object, "running", &arena, &error, &tree), -EINVAL);
        assert_non_null(strstr(error.text, part));
        assert_null(tree);
        arena_done(&arena);
        json_object_put(object);
}

static void json_that_is_no_configuration(void **state) {
        (void) state;
        expect_refusal("[]", "not a JSON object");
        expect_refusal("1", "not a JSON object");
        expect_refusal("null", "not a JSON object");
        expect_refusal("{\"a\": [null]}", "null stands in an array");
        char deep[400] = "{\"a\":";
        memset(deep + 5, '[', 30);
        strcat(deep, "1");
        memset(deep + strlen(deep), ']', 30);
        strcat(deep, "}");
        expect_refusal(deep, "nested too deeply");
}

static void no_memory(void **state) {
        (void) state;
        struct json_object *object = json_tokener_parse("{\"a\": {\"b\": [\"text\"]}}");
        struct error error = ERROR_INIT;
        struct arena arena;
        struct config_tree *tree = NULL;
        arena_init(&arena, 1);
        assert_int_equal(config_json_tree(object, "running", &arena, &error, &tree), -ENOMEM);
        arena_done(&arena);
        json_object_put(object);
}

static char *make_folder(void) {
        char template[] = "/tmp/ccodes-test-\xC3\xBC \"q\" 'XXXXXX";
        char *folder = mkdtemp(template);
        assert_non_null(folder);
        return strdup(folder);
}

/* Named exactly once. */
static void assert_error_page(const struct config_map *errors, const char *status, const char *path) {
        unsigned found = 0;
        for (size_t i = 0; i < errors->count; i++) {
                if (strcmp(errors->items[i].key, status) != 0)
                        continue;
                assert_string_equal(errors->items[i].value, path);
                found++;
        }
        assert_int_equal(found, 1);
}

static void run_writes_what_loads(void **state) {
        (void) state;
        _cleanup_free_ char *folder = make_folder();
        _cleanup_text_ struct text text = TEXT_INIT;
        struct run_config made = { .folder = folder, .workers = "3", .certificate = "/c.pem", .key = "/c.key" };
        struct error error = ERROR_INIT;
        assert_int_equal(run_address_parse("localhost:8080", true, &error, &made.http), 0);
        assert_int_equal(run_address_parse("8443", true, &error, &made.https), 0);
        if (run_config_write(&made, &error, &text) < 0)
                fail_msg("%s", error.text);
        struct config *config = load(text.data);
        const struct config_listener *listeners = config->root.server.listeners.items;
        const struct config_site *sites = config->root.sites.items;
        assert_int_equal(config->root.server.workers, 3);
        assert_int_equal(config->root.server.listeners.count, 3);
        assert_string_equal(listeners[0].address, "127.0.0.1:8080");
        assert_string_equal(listeners[1].address, "[::1]:8080");
        assert_string_equal(listeners[2].address, "8443");
        assert_false(listeners[1].tls);
        assert_true(listeners[2].tls);
        assert_int_equal(config->root.sites.count, 1);
        assert_string_equal(sites[0].root, folder);
        assert_true(sites[0].is_default);
        assert_true(sites[0].listing);
        assert_error_page(&sites[0].errors, "404", "/404.html");
        assert_error_page(&sites[0].errors, "505", "/505.html");
        config_unref(config);
        assert_int_equal(rmdir(folder), 0);
}

static void expect_run_refusal(struct run_config made, int code, const char *part) {
        struct error error = ERROR_INIT;
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(run_config_write(&made, &error, &text), code);
        assert_non_null(strstr(error.text, part));
}

static void run_refuses_what_cannot_be(void **state) {
        (void) state;
        expect_run_refusal((struct run_config) { .folder = "/is/not/there" }, -ENOENT, "/is/not/there");
        expect_run_refusal((struct run_config) { .folder = "/etc/passwd" }, -ENOTDIR, "not a folder");
        static const char *const workers[] = { "0", "-1", "", "x", "1x", " 1", "1025", "99999999999999999999" };
        for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
                expect_run_refusal((struct run_config) { .folder = "/tmp", .workers = workers[i] }, -EINVAL,
                                   "--workers");
        char odd[] = "/tmp/ccodes-\nXXXXXX", bad[] = "/tmp/ccodes-\xffXXXXXX";
        assert_non_null(mkdtemp(odd));
        expect_run_refusal((struct run_config) { .folder = odd }, -EINVAL, "control character");
        assert_int_equal(rmdir(odd), 0);
        assert_non_null(mkdtemp(bad));
        expect_run_refusal((struct run_config) { .folder = bad }, -EINVAL, "not UTF-8");
        assert_int_equal(rmdir(bad), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(json_and_back_is_the_same),
                cmocka_unit_test(json_that_is_no_configuration),
                cmocka_unit_test(no_memory),
                cmocka_unit_test(run_writes_what_loads),
                cmocka_unit_test(run_refuses_what_cannot_be),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
