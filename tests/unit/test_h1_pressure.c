/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 sessions whose client presses: pipelines without reading, sends without end, pauses in the wrong place. What was asked is
 * answered, or the connection ends within its limits; nothing hangs, nothing is answered twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h1_harness.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: a.example\r\n\r\n"

static int set_up(void **state) {
        *state = harness_new();
        return 0;
}

static int tear_down(void **state) {
        harness_free(*state);
        return 0;
}

static unsigned occurrences(struct harness *harness, const char *part) {
        unsigned count = 0;
        const char *at = harness_received(harness)->data;
        while (at && (at = strstr(at, part))) {
                count++;
                at += strlen(part);
        }
        return count;
}

#define PIPELINED 1000

static void send_pipeline(struct harness *harness) {
        struct text all = TEXT_INIT;
        for (unsigned i = 0; i < PIPELINED; i++)
                text_append_string(&all, HELLO);
        harness_connect(harness, true);
        harness_read(harness, false);
        harness_send(harness, all.data, all.length);
        harness_settle(harness);
        assert_in_range(harness_ended(harness), 1, PIPELINED - 1);
        text_done(&all);
}

static bool has_all(struct harness *harness) {
        return occurrences(harness, "\r\n\r\nhello\n") == PIPELINED;
}

static void a_pipeliner_who_reads_late_has_every_answer(void **state) {
        struct harness *harness = *state;
        send_pipeline(harness);
        harness_read(harness, true);
        harness_run_until(harness, has_all);
}

static void a_pipeliner_who_never_reads_is_cut(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.send = (struct config_phase) { .deadline = UINT64_MAX, .idle = 100000 };
        send_pipeline(harness);
        harness_run_until(harness, harness_has_no_connection);
}

static void each_head_has_its_own_deadline(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.head = (struct config_phase) { .deadline = 100000, .idle = 100000 };
        harness_connect(harness, false);
        harness_send_text(harness, "GET /hello HTTP/1.1\r\nHo");
        uint64_t end = loop_now(harness_worker(harness)->loop) + 500;
        unsigned sent = 0;
        while (loop_now(harness_worker(harness)->loop) < end) {
                harness_send_text(harness, "st: a\r\n\r\nGET /hello HTTP/1.1\r\nHo");
                harness_settle(harness);
                assert_int_equal(occurrences(harness, " 200 OK"), ++sent);
        }
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, " 408 "), 1);
}

static void a_body_that_is_refused_has_no_end(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->limits.max_body = 4;
        harness_connect(harness, false);
        harness_send_text(
                        harness,
                        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, "HTTP/1.1 "), 1);
        assert_int_equal(occurrences(harness, "ccodes-cause: body-too-large\r\n"), 1);
}

/* The answer is out; a body that does not come must not hold the connection, nor a client that goes away meanwhile. */
static void an_answered_request_does_not_wait_for_its_body(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.body.idle = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, " 200 OK"), 1);
        harness_hang_up(harness);
        harness_run_until(harness, harness_has_no_connection);
}

/* With more exchanges than are kept, one that has ended is really freed. */
static void a_slow_body_ends_with_its_exchange(void **state) {
        struct harness *harness = *state;
        struct http_worker *worker = harness_worker(harness);
        struct http_exchange *held[512];
        harness_settings(harness)->timeouts.body.idle = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        harness_settle(harness);
        for (size_t i = 0; i < ELEMENTS_OF(held); i++)
                assert_non_null(held[i] = http_worker_get_exchange(worker));
        for (size_t i = 0; i < ELEMENTS_OF(held); i++)
                http_worker_put_exchange(worker, held[i]);
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, "HTTP/1.1 408 "), 1);
}

/* It could become HTTP/2's: it is an unfinished head all the same, and paid for as one. */
static void half_a_preface_is_an_unfinished_head(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.head.idle = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, "PRI * HTTP/2.0\r\n");
        harness_settle(harness);
        assert_false(list_is_empty(&harness_worker(harness)->connections));
        const struct http_connection *connection =
                        list_entry(harness_worker(harness)->connections.next, struct http_connection, link);
        assert_int_equal(connection->head_memory, BUFFER_SIZE);
        harness_run_until(harness, harness_is_closed);
}

static void what_came_before_the_end_is_answered(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_has_hello);
        http_worker_drain(harness_worker(harness), UINT64_MAX, NULL, NULL);
        harness_clear(harness);
        harness_send_text(harness, HELLO HELLO HELLO);
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, " 200 OK"), 3);
        assert_int_equal(occurrences(harness, "Connection: close\r\n"), 1);
}

static void close_wins_over_keep_alive(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, "GET /hello HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n");
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(occurrences(harness, "keep-alive"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_pipeliner_who_reads_late_has_every_answer),
                TEST(a_pipeliner_who_never_reads_is_cut),
                TEST(each_head_has_its_own_deadline),
                TEST(a_body_that_is_refused_has_no_end),
                TEST(an_answered_request_does_not_wait_for_its_body),
                TEST(a_slow_body_ends_with_its_exchange),
                TEST(half_a_preface_is_an_unfinished_head),
                TEST(what_came_before_the_end_is_answered),
                TEST(close_wins_over_keep_alive),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
