/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force after a reload: what that changes is as it was loaded, all else as at the start, in values and in
 * lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "shared/text.h"

#define LISTENER(name, port) "[[server.listener]]\nname = \"" name "\"\naddress = \"127.0.0.1:" port "\"\n"
#define SITE(name, root, more) "[[site]]\nname = \"" name "\"\nhosts = [\"" name ".test\"]\nroot = \"" root "\"\n" more

static const char started_text[] =
                "[server]\nworkers = 2\ndrain_timeout = 5\n[server.cache]\nmax_file = 1024\n" LISTENER("a", "1")
                                LISTENER("b", "2") LISTENER("c", "3") SITE("x", "/srv/x", "") SITE("y", "/srv/y", "");

/* "b" is gone, "d" is new, "c" has another address and a key that a reload changes; sites likewise. */
static const char loaded_text[] =
                "[server]\nworkers = 4\ndrain_timeout = 7\n[server.cache]\nmax_file = 2048\n" LISTENER("a", "1")
                                LISTENER("c", "4") "redirect_https = true\n" LISTENER("d", "5")
                                                SITE("y", "/srv/z", "listing = true\n") SITE("w", "/srv/w", "");

static struct config *load(const char *text) {
        struct config *config = NULL;
        struct error error = ERROR_INIT;
        if (config_load_text(text, "test", &error, &config) < 0)
                fail_msg("%s", error.text);
        return config;
}

static void tell_path(const char *path, const char *before, const char *after, enum config_effect effect,
                      void *userdata) {
        static const char *const words[] = { "live", "place", "restart", "socket" };
        (void) before;
        (void) after;
        text_printf(userdata, "%s (%s)\n", path, words[effect]);
}

static void assert_differences(const struct config_root *before, const struct config_root *after,
                               const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        config_compare(&config_root_table, before, after, tell_path, &text);
        assert_string_equal(text.data ? text.data : "", expected);
}

static void what_a_reload_changes_and_what_not(void **state) {
        (void) state;
        _cleanup_config_ struct config *started = load(started_text), *loaded = load(loaded_text);
        struct config_root in_force;
        struct arena arena;
        arena_init(&arena, 0);
        assert_int_equal(config_in_force(&config_root_table, &started->root, &loaded->root, &arena, &in_force), 0);
        assert_differences(&in_force, &loaded->root,
                           "server.workers (restart)\n"
                           "server.listener[b] (socket)\n"
                           "server.listener[c].address (socket)\n"
                           "server.listener[d] (socket)\n");
        assert_differences(&started->root, &in_force,
                           "server.drain_timeout (live)\n"
                           "server.cache.max_file (live)\n"
                           "server.listener[c].redirect_https (live)\n"
                           "site[x] (place)\n"
                           "site[y].root (place)\n"
                           "site[y].listing (live)\n"
                           "site[w] (place)\n");
        arena_done(&arena);
}

static void nothing_changes_without_a_change(void **state) {
        (void) state;
        _cleanup_config_ struct config *started = load(started_text);
        struct config_root in_force;
        struct arena arena;
        arena_init(&arena, 0);
        assert_int_equal(config_in_force(&config_root_table, &started->root, &started->root, &arena, &in_force), 0);
        assert_differences(&started->root, &in_force, "");
        arena_done(&arena);
}

static void a_full_arena_is_an_error(void **state) {
        (void) state;
        _cleanup_config_ struct config *started = load(started_text), *loaded = load(loaded_text);
        struct config_root in_force;
        struct arena arena;
        arena_init(&arena, 1);
        assert_int_equal(config_in_force(&config_root_table, &started->root, &loaded->root, &arena, &in_force),
                         -ENOMEM);
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_a_reload_changes_and_what_not),
                cmocka_unit_test(nothing_changes_without_a_change),
                cmocka_unit_test(a_full_arena_is_an_error),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
