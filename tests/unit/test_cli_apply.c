/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `ccodesctl apply` against a systemd of paper that keeps the real one's rules: after each step something
 * serves on every address that stays, whatever fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/apply.h"

#define SOCKETS_MAX 4
#define MAIN "ccodes-server.service"
#define STANDBY "ccodes-server@standby.service"

/* A socket unit: where its file says, where it is open, and whether the instances have got it. */
struct paper_socket {
        const char *listener;
        const char *configured; /* NULL: no unit file any more */
        const char *open;       /* NULL: not open */
        bool active;
        const char *main_has, *standby_has;
};

struct paper {
        struct paper_socket sockets[SOCKETS_MAX];
        bool main_up, standby_up;
        const char *failing; /* a job "start UNIT" that fails */
        bool fails_before;   /* at reload_units */
        struct text log;
        bool says_addresses; /* an older version does not */
};

static struct paper_socket *find_unit(struct paper *paper, const char *unit) {
        char name[CLI_UNIT_NAME_SIZE];
        for (size_t i = 0; i < SOCKETS_MAX; i++) {
                if (!paper->sockets[i].listener)
                        continue;
                (void) snprintf(name, sizeof(name), "ccodes-server-%s.socket", paper->sockets[i].listener);
                if (strcmp(name, unit) == 0)
                        return &paper->sockets[i];
        }
        return NULL;
}

/* A unit whose address has changed loses its socket. */
static int reload_units(void *userdata, struct error *error) {
        struct paper *paper = userdata;
        text_append_string(&paper->log, "reload\n");
        if (paper->fails_before)
                return error_set(error, -EACCES, "no right");
        for (size_t i = 0; i < SOCKETS_MAX; i++) {
                struct paper_socket *s = &paper->sockets[i];
                if (s->open && s->configured && strcmp(s->open, s->configured) != 0)
                        s->open = NULL;
        }
        return 0;
}

static int is_up(void *userdata, const char *unit, struct error *error) {
        struct paper *paper = userdata;
        (void) error;
        if (strcmp(unit, MAIN) == 0)
                return paper->main_up;
        if (strcmp(unit, STANDBY) == 0)
                return paper->standby_up;
        const struct paper_socket *s = find_unit(paper, unit);
        return s && s->active;
}

static void open_sockets(struct paper *paper) {
        for (size_t i = 0; i < SOCKETS_MAX; i++) {
                struct paper_socket *s = &paper->sockets[i];
                if (s->listener && s->configured && !s->active && !paper->main_up) {
                        s->active = true;
                        s->open = s->configured;
                }
        }
}

static int start_instance(struct paper *paper, bool standby) {
        open_sockets(paper);
        for (size_t i = 0; i < SOCKETS_MAX; i++) {
                struct paper_socket *s = &paper->sockets[i];
                const char **has = standby ? &s->standby_has : &s->main_has;
                if (s->configured)
                        *has = s->open;
        }
        *(standby ? &paper->standby_up : &paper->main_up) = true;
        return 0;
}

static void stop_instance(struct paper *paper, bool standby) {
        for (size_t i = 0; i < SOCKETS_MAX; i++)
                *(standby ? &paper->sockets[i].standby_has : &paper->sockets[i].main_has) = NULL;
        *(standby ? &paper->standby_up : &paper->main_up) = false;
}

static int run_job(void *userdata, enum unit_job job, const char *unit, struct error *error) {
        static const char *const words[] = { "start", "stop", "restart" };
        struct paper *paper = userdata;
        char line[CLI_UNIT_NAME_SIZE + 16];
        bool standby = strcmp(unit, STANDBY) == 0;
        (void) snprintf(line, sizeof(line), "%s %s", words[job], unit);
        text_printf(&paper->log, "%s\n", line);
        bool fails = paper->failing && strcmp(paper->failing, line) == 0;
        struct paper_socket *s = find_unit(paper, unit);
        if (s) {
                assert_int_equal(job, UNIT_STOP);
                if (!fails) {
                        s->active = false;
                        s->open = NULL;
                }
        } else {
                bool up = standby ? paper->standby_up : paper->main_up;
                if (job == UNIT_STOP ? !fails : job == UNIT_RESTART)
                        stop_instance(paper, standby);
                if (job != UNIT_STOP && !fails && !(job == UNIT_START && up))
                        (void) start_instance(paper, standby);
        }
        return fails ? error_set(error, -EIO, "%s failed", line) : 0;
}

static int bound_address(void *userdata, const char *listener, char **ret_address) {
        const struct paper *paper = userdata;
        if (!paper->says_addresses || !paper->main_up)
                return -EPROTO;
        for (size_t i = 0; i < SOCKETS_MAX; i++)
                if (paper->sockets[i].listener && strcmp(paper->sockets[i].listener, listener) == 0 &&
                    paper->sockets[i].main_has) {
                        *ret_address = strdup(paper->sockets[i].main_has);
                        return 1;
                }
        return 0;
}

static int each_socket(void *userdata, void (*on_socket)(const char *unit, void *userdata), void *on_userdata,
                       struct error *error) {
        struct paper *paper = userdata;
        char name[CLI_UNIT_NAME_SIZE];
        (void) error;
        on_socket("ccodes-server-admin.socket", on_userdata);
        on_socket("ccodes-server-admin@standby.socket", on_userdata);
        for (size_t i = 0; i < SOCKETS_MAX; i++)
                if (paper->sockets[i].active) {
                        (void) snprintf(name, sizeof(name), "ccodes-server-%s.socket", paper->sockets[i].listener);
                        on_socket(name, on_userdata);
                }
        return 0;
}

static void say(void *userdata, const char *text) {
        (void) userdata;
        assert_true(strlen(text) > 0);
}

static const struct apply_operations operations = {
        .reload_units = reload_units,
        .is_up = is_up,
        .run_job = run_job,
        .bound_address = bound_address,
        .each_socket = each_socket,
        .say = say,
};

static int apply(struct paper *paper, struct error *error) {
        struct config_listener listeners[SOCKETS_MAX];
        struct config_list list = { .items = listeners };
        for (size_t i = 0; i < SOCKETS_MAX; i++)
                if (paper->sockets[i].configured)
                        listeners[list.count++] = (struct config_listener) { .name = paper->sockets[i].listener,
                                                                             .address = paper->sockets[i].configured };
        return apply_run(&operations, paper, &cli_services[0], &list, error);
}

static void expect_log(struct paper *paper, const char *expected) {
        assert_string_equal(paper->log.data, expected);
        text_done(&paper->log);
}

/* Everything that is configured is served by the main instance alone. */
static void expect_settled(const struct paper *paper) {
        assert_true(paper->main_up);
        assert_false(paper->standby_up);
        for (size_t i = 0; i < SOCKETS_MAX; i++) {
                const struct paper_socket *s = &paper->sockets[i];
                assert_int_equal(s->active, s->configured != NULL);
                if (s->configured)
                        assert_string_equal(s->main_has ? s->main_has : "nothing", s->configured);
        }
}

#define OPEN(name, address) \
        { name, address, address, true, address, NULL }

static struct paper serving(void) {
        return (struct paper) { .sockets = { OPEN("http", "[::]:80"), OPEN("https", "[::]:443") },
                                .main_up = true,
                                .says_addresses = true };
}

#define HANDOVER "reload\nstart " STANDBY "\nrestart " MAIN "\nstop " STANDBY "\n"

static void nothing_new(void **state) {
        (void) state;
        struct paper paper = serving();
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, HANDOVER);
}

static void a_service_that_does_not_run_is_started(void **state) {
        (void) state;
        struct paper paper = { .sockets = { { "http", "[::]:80", NULL, false, NULL, NULL } }, .says_addresses = true };
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, "reload\nrestart " MAIN "\n");
}

static void a_new_listener(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[2] = (struct paper_socket) { .listener = "extra", .configured = "127.0.0.1:8080" };
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, HANDOVER);
}

static void a_changed_address(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[1].configured = "[::]:8443";
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper,
                   "reload\nstart " STANDBY "\nstop ccodes-server-https.socket\nrestart " MAIN "\nstop " STANDBY "\n");
}

static void a_changed_address_after_somebody_elses_reload(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[1].configured = "[::]:8443";
        paper.sockets[1].open = NULL;
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        text_done(&paper.log);
}

static void every_address_changed(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[0].configured = "[::]:8080";
        paper.sockets[1].configured = "[::]:8443";
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper,
                   "reload\nstop ccodes-server-http.socket\nstop ccodes-server-https.socket\nrestart " MAIN "\n");
}

static void a_removed_listener(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[1].configured = NULL;
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, HANDOVER "stop ccodes-server-https.socket\n");
}

static void a_removed_listener_with_a_name_like_ours(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.sockets[1] = (struct paper_socket) OPEN("admin-2", "[::]:443");
        paper.sockets[1].configured = NULL;
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, HANDOVER "stop ccodes-server-admin-2.socket\n");
}

static void stale_sockets_of_a_stopped_service(void **state) {
        (void) state;
        struct paper paper = { .sockets = { { "http", "[::]:80", NULL, true, NULL, NULL }, OPEN("https", "[::]:443") },
                               .says_addresses = true };
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        text_done(&paper.log);
}

static void a_port_alone_without_ipv6(void **state) {
        (void) state;
        struct paper paper = { .sockets = { { "http", "80", "80", true, "0.0.0.0:80", NULL } },
                               .main_up = true,
                               .says_addresses = true };
        assert_int_equal(apply(&paper, NULL), 0);
        expect_log(&paper, HANDOVER);
}

static void a_version_that_does_not_say_its_addresses(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.says_addresses = false;
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, HANDOVER);
}

static void no_right_changes_nothing(void **state) {
        (void) state;
        struct paper paper = serving();
        paper.fails_before = true;
        assert_int_equal(apply(&paper, NULL), -EACCES);
        expect_log(&paper, "reload\n");
}

static void a_standby_that_does_not_start(void **state) {
        (void) state;
        struct paper paper = serving();
        struct error error = ERROR_INIT;
        paper.sockets[1].configured = "[::]:8443";
        paper.failing = "start " STANDBY;
        assert_int_equal(apply(&paper, &error), -EIO);
        assert_true(paper.main_up);
        assert_string_equal(paper.sockets[0].main_has, "[::]:80");
        assert_string_equal(paper.sockets[1].main_has, "[::]:443");
        assert_non_null(strstr(error.text, MAIN " serves on as before"));
        expect_log(&paper, "reload\nstart " STANDBY "\nstop " STANDBY "\n");
}

static void a_main_instance_that_does_not_come_back(void **state) {
        (void) state;
        struct paper paper = serving();
        struct error error = ERROR_INIT;
        paper.failing = "restart " MAIN;
        assert_int_equal(apply(&paper, &error), -EIO);
        assert_true(paper.standby_up);
        assert_string_equal(paper.sockets[0].standby_has, "[::]:80");
        assert_non_null(strstr(error.text, STANDBY " serves"));
        text_done(&paper.log);

        /* The same once more, when the fault is gone. */
        paper.failing = NULL;
        assert_int_equal(apply(&paper, NULL), 0);
        expect_settled(&paper);
        expect_log(&paper, "reload\nrestart " MAIN "\nstop " STANDBY "\n");
}

static void a_standby_that_does_not_stop(void **state) {
        (void) state;
        struct paper paper = serving();
        struct error error = ERROR_INIT;
        paper.failing = "stop " STANDBY;
        assert_int_equal(apply(&paper, &error), -EIO);
        assert_true(paper.main_up);
        assert_non_null(strstr(error.text, "did not stop"));
        text_done(&paper.log);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_new),
                cmocka_unit_test(a_service_that_does_not_run_is_started),
                cmocka_unit_test(a_new_listener),
                cmocka_unit_test(a_changed_address),
                cmocka_unit_test(a_changed_address_after_somebody_elses_reload),
                cmocka_unit_test(every_address_changed),
                cmocka_unit_test(a_removed_listener),
                cmocka_unit_test(a_removed_listener_with_a_name_like_ours),
                cmocka_unit_test(stale_sockets_of_a_stopped_service),
                cmocka_unit_test(a_port_alone_without_ipv6),
                cmocka_unit_test(a_version_that_does_not_say_its_addresses),
                cmocka_unit_test(no_right_changes_nothing),
                cmocka_unit_test(a_standby_that_does_not_start),
                cmocka_unit_test(a_main_instance_that_does_not_come_back),
                cmocka_unit_test(a_standby_that_does_not_stop),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
