/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 on the wire: what a client sees of an orderly, a pipelining, a slow, a broken and a hostile conversation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static const char *received(struct harness *harness) {
        const struct text *text = harness_received(harness);
        return text->data ? text->data : "";
}

static unsigned occurrences(const char *text, const char *part) {
        unsigned count = 0;
        for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
                count++;
        return count;
}

/* Sends on a new connection and gives what came once nothing more comes. */
static const char *converse(struct harness *harness, const char *request) {
        harness_connect(harness, false);
        harness_send_text(harness, request);
        harness_settle(harness);
        return received(harness);
}

#define assert_contains(text, part)                              \
        do {                                                     \
                if (!strstr(text, part))                         \
                        fail_msg("no '%s' in:\n%s", part, text); \
        } while (0)

static void answers_and_keeps_the_connection(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        for (unsigned i = 0; i < 3; i++) {
                harness_clear(harness);
                harness_send_text(harness, HELLO);
                harness_run_until(harness, harness_has_hello);
                assert_contains(received(harness), "HTTP/1.1 200 OK\r\nDate: ");
                assert_contains(received(harness), "\r\nContent-Length: 6\r\n");
                assert_null(strstr(received(harness), "Connection:"));
        }
        assert_false(harness_is_closed(harness));
        assert_int_equal(harness_begun(harness), 3);
}

static void an_idle_connection_holds_no_buffer(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_has_hello);
        harness_settle(harness);
        assert_int_equal(harness_worker(harness)->buffers.lent_count, 0);
        assert_int_equal(harness_ended(harness), 1);
        assert_true(sizeof(struct http_connection) <= 320);
}

static void every_split_gives_the_same_answer(void **state) {
        struct harness *harness = *state;
        static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "5;x=\"y\"\r\nhello\r\n3\r\n, w\r\n0\r\nX-Trailer: t\r\n\r\n" HELLO;
        for (size_t split = 1; split < sizeof(request) - 1; split++) {
                harness_connect(harness, false);
                harness_send(harness, request, split);
                harness_settle(harness);
                harness_send(harness, request + split, sizeof(request) - 1 - split);
                harness_run_until(harness, harness_has_hello);
                assert_contains(received(harness), "Transfer-Encoding: chunked\r\n\r\n8\r\nhello, w\r\n0\r\n\r\n");
                assert_int_equal(occurrences(received(harness), "HTTP/1.1 200"), 2);
        }
}

static void pipelined_requests_are_answered_in_order(void **state) {
        struct harness *harness = *state;
        const char *text = converse(harness, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                                             "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n"
                                             "GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n"
                                             "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" HELLO);
        harness_run_until(harness, harness_has_hello);
        text = received(harness);
        const char *later = strstr(text, "later\n"), *missing = strstr(text, "HTTP/1.1 404"),
                   *chunked = strstr(text, "3\r\none\r\n7\r\ntwo two\r\n5\r\nthree\r\n0\r\n\r\n");
        assert_true(later && missing && chunked && later < missing && missing < chunked);
        assert_int_equal(occurrences(text, "HTTP/1.1 200"), 4);
}

static void thousand_pipelined_requests(void **state) {
        struct harness *harness = *state;
        struct text all = TEXT_INIT;
        for (unsigned i = 0; i < 1000; i++)
                text_append_string(&all, HELLO);
        harness_connect(harness, false);
        harness_send(harness, all.data, all.length);
        harness_settle(harness);
        assert_int_equal(occurrences(received(harness), "\r\n\r\nhello\n"), 1000);
        text_done(&all);
}

static void head_has_the_length_but_no_body(void **state) {
        const char *text = converse(*state, "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_contains(text, "Content-Length: 1048576\r\n");
        assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
}

static void http10_closes_unless_asked(void **state) {
        struct harness *harness = *state;
        assert_contains(converse(harness, "GET /hello HTTP/1.0\r\n\r\n"), "Connection: close\r\n");
        assert_true(harness_is_closed(harness));
        assert_contains(converse(harness, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                        "Connection: keep-alive\r\n");
        assert_false(harness_is_closed(harness));
        /* Of unknown length: the end of the connection ends it. */
        const char *text = converse(harness, "GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_null(strstr(text, "Transfer-Encoding"));
        assert_contains(text, "\r\n\r\nonetwo twothree");
        assert_true(harness_is_closed(harness));
}

static void close_is_obeyed(void **state) {
        struct harness *harness = *state;
        const char *text = converse(harness, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" HELLO);
        assert_int_equal(occurrences(text, "HTTP/1.1"), 1);
        assert_contains(text, "Connection: close\r\n");
        assert_true(harness_is_closed(harness));
}

static void continue_is_sent_when_the_body_is_wanted(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness,
                          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        harness_settle(harness);
        assert_string_equal(received(harness), "HTTP/1.1 100 Continue\r\n\r\n");
        harness_send_text(harness, "body");
        harness_settle(harness);
        assert_contains(received(harness), "\r\n\r\nbody");
        assert_false(harness_is_closed(harness));

        /* Not wanted: the answer comes at once, and the connection cannot go on, since the body may come or not. */
        const char *text = converse(
                        harness,
                        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        assert_null(strstr(text, "100 Continue"));
        assert_contains(text, "Connection: close\r\n");
        assert_contains(converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: tea\r\n\r\n"),
                        "HTTP/1.1 417 ");
}

static void early_hints_precede_the_answer(void **state) {
        const char *text = converse(*state, "GET /early HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(strstr(text, "HTTP/1.1 103 ") == text);
        assert_contains(text, "link: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n");
}

static void bodies_that_nobody_wants(void **state) {
        struct harness *harness = *state;
        /* A small one is dropped and the connection used on. */
        const char *text =
                        converse(harness, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde" HELLO);
        assert_int_equal(occurrences(text, "HTTP/1.1 200"), 2);
        /* A large one is not worth reading. */
        text = converse(harness, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nabc");
        assert_contains(text, "Connection: close\r\n");
        assert_true(harness_is_closed(harness));
}

static void large_bodies_pass_through(void **state) {
        struct harness *harness = *state;
        char *body = malloc(1000000);
        memset(body, 'x', 1000000);
        harness_connect(harness, false);
        harness_send_text(harness, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        for (size_t sent = 0; sent < 1000000; sent += 50000) {
                harness_send(harness, body + sent, 50000);
                harness_settle(harness);
        }
        assert_contains(received(harness), "\r\n\r\n1000000\n");
        free(body);
}

static void a_long_head_does_not_starve_the_body(void **state) {
        struct harness *harness = *state;
        struct text request = TEXT_INIT;
        text_append_string(&request,
                           "POST /count?q=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 20000\r\nX-Long: ");
        while (request.length < 15900)
                text_append_char(&request, 'l');
        text_append_string(&request, "\r\n\r\n");
        size_t head = request.length;
        while (request.length < head + 20000)
                text_append_char(&request, 'b');
        harness_connect(harness, false);
        harness_send(harness, request.data, request.length);
        harness_settle(harness);
        assert_contains(received(harness), "\r\n\r\n20000\n");
        text_done(&request);
}

static void limits_have_their_status(void **state) {
        struct harness *harness = *state;
        struct config_http_limits *limits = &harness_settings(harness)->limits;
        limits->max_body = 10;
        assert_contains(converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), " 413 ");
        assert_true(harness_is_closed(harness));
        assert_contains(converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "6\r\nabcdef\r\n6\r\nabcdef\r\n"),
                        " 413 ");
        limits->max_fields = 2;
        assert_contains(converse(harness, "GET /hello HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n"), " 431 ");
        limits->max_request_line = 64;
        char line[256];
        (void) snprintf(line, sizeof(line), "GET /%0100d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
        assert_contains(converse(harness, line), " 414 ");
        limits->max_requests = 2;
        const char *text = converse(harness, HELLO HELLO HELLO);
        assert_int_equal(occurrences(text, "HTTP/1.1 200"), 2);
        assert_int_equal(occurrences(text, "Connection: close"), 1);
}

/* Also with a head that has to make room for the body. */
static void lines_of_a_list_are_one_list(void **state) {
        struct harness *harness = *state;
        assert_contains(converse(harness, "GET /encodings HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nA: b\r\n"
                                          "Accept-Encoding: br\r\n\r\n"),
                        "\r\n\r\ngzip, br");
        char request[16384];
        (void) snprintf(request, sizeof(request),
                        "POST /encodings HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nA: %013000d\r\n"
                        "Accept-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
                        0);
        assert_contains(converse(harness, request), "\r\n\r\ngzip, br");
        assert_contains(converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                          "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
                        "HTTP/1.1 100 ");
        assert_contains(converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                          "Expect: more\r\nContent-Length: 1\r\n\r\n"),
                        " 417 ");
}

/* Each is refused, the connection is closed, and the request that was smuggled in is never seen. */
static void ambiguous_requests_are_refused(void **state) {
        static const struct {
                const char *head, *status;
        } cases[] = {
                { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
                  " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\nabcde", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", NULL },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", NULL },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", " 400 " },
                { "POST /echo HTTP/1.1\nHost: a\nContent-Length: 0\n\n", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", " 400 " },
                { "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
                  " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", " 400 " },
                { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
                  " 400 " },
                { "GET /hello HTTP/1.1\r\n\r\n", " 400 " },
                { "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", " 400 " },
                { "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", " 400 " },
                { "GET http://user@b/hello HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
                { "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
                { "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
                { "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
                { "GET /hello HTTP/3.7\r\nHost: a\r\n\r\n", " 505 " },
                { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", " 400 " },
                { "GET * HTTP/1.1\r\nHost: a\r\n\r\n", " 400 " },
        };
        struct harness *harness = *state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                unsigned begun = harness_begun(harness);
                harness_connect(harness, false);
                harness_send_text(harness, cases[i].head);
                harness_settle(harness);
                const char *text = received(harness);
                if (!strstr(text, cases[i].status ? cases[i].status : "HTTP/1.1 "))
                        fail_msg("case %zu: %s", i, text);
                assert_false(strstr(text, "HTTP/1.1 2"));
                assert_contains(text, "Connection: close\r\n");
                assert_contains(text, "ccodes-cause: ");
                assert_true(harness_is_closed(harness));
                /* /echo hears of a body's fault only after its head. */
                assert_in_range(harness_begun(harness), begun, begun + 1);
        }
}

static void absolute_targets_name_the_host(void **state) {
        struct harness *harness = *state;
        assert_contains(converse(harness, "GET http://B.example:8080/hello HTTP/1.1\r\nHost: a\r\n\r\n"), " 200 ");
        assert_contains(converse(harness, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), " 200 ");
}

static void files_are_sent_whole(void **state) {
        struct harness *harness = *state;
        const char *text = converse(harness, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        const char *body = strstr(text, "\r\n\r\n");
        assert_non_null(body);
        assert_int_equal(strlen(body + 4), HARNESS_FILE_SIZE);
        assert_true(strcmp(body + 4 + HARNESS_FILE_SIZE - 10, "000029999\n") == 0);
        (void) converse(harness, "GET /truncated HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(harness_is_closed(harness));
}

static void a_slow_reader_gets_everything(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, true);
        harness_read(harness, false);
        harness_send_text(harness, "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /file HTTP/1.1\r\nHost: a\r\n\r\n" HELLO);
        harness_settle(harness);
        assert_int_equal(harness_begun(harness), 1); /* back-pressure: the next waits */
        harness_read(harness, true);
        harness_run_until(harness, harness_has_hello);
        const struct text *text = harness_received(harness);
        assert_true(text->length > (1u << 20) + HARNESS_FILE_SIZE);
        assert_int_equal(harness_begun(harness), 3);
}

static void a_client_that_goes_away_leaves_nothing(void **state) {
        struct harness *harness = *state;
        static const char *const requests[] = {
                "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
                "GET /hello HTTP/1.1\r\nHo",
        };
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
                harness_connect(harness, true);
                harness_read(harness, false);
                harness_send_text(harness, requests[i]);
                harness_settle(harness);
                harness_hang_up(harness);
                harness_run_until(harness, harness_has_no_connection);
        }
}

static void a_half_closed_client_still_gets_its_answer(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        harness_shut_down(harness);
        harness_run_until(harness, harness_is_closed);
        assert_contains(received(harness), "\r\n\r\nlater\n");
}

static void slow_heads_and_bodies_are_answered_408(void **state) {
        struct harness *harness = *state;
        struct config_http_timeouts *timeouts = &harness_settings(harness)->timeouts;
        timeouts->head.deadline = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, "GET /hello HT");
        harness_run_until(harness, harness_is_closed);
        assert_contains(received(harness), "HTTP/1.1 408 ");
        assert_contains(received(harness), "ccodes-cause: head-too-slow\r\n");

        timeouts->body.idle = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        harness_run_until(harness, harness_is_closed);
        assert_contains(received(harness), "ccodes-cause: body-too-slow\r\n");
        assert_contains(received(harness), "HTTP/1.1 408 ");
}

static void too_slow_readers_are_cut(void **state) {
        struct harness *harness = *state;
        struct config_phase *send = &harness_settings(harness)->timeouts.send;
        *send = (struct config_phase) { .deadline = UINT64_MAX, .idle = 50000 };
        harness_connect(harness, true);
        harness_read(harness, false);
        harness_send_text(harness, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        harness_run_until(harness, harness_has_no_connection);
}

static void idle_connections_end_quietly(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.keep_alive = 30000;
        harness_connect(harness, false);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_is_closed);
        assert_true(harness_has_hello(harness));
        assert_int_equal(occurrences(received(harness), "HTTP/1.1"), 1);
}

static void draining_answers_what_was_asked(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_has_hello);
        http_worker_drain(harness_worker(harness), UINT64_MAX, NULL, NULL);
        harness_clear(harness);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_is_closed);
        assert_contains(received(harness), "Connection: close\r\n");
        assert_true(harness_has_hello(harness));
}

static void draining_lets_a_response_end(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, true);
        harness_read(harness, false);
        harness_send_text(harness, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        harness_settle(harness);
        http_worker_drain(harness_worker(harness), UINT64_MAX, NULL, NULL);
        harness_read(harness, true);
        harness_run_until(harness, harness_is_closed);
        const char *body = strstr(received(harness), "\r\n\r\n");
        assert_non_null(body);
        assert_int_equal(strlen(body + 4), 1u << 20);
}

static void problems_say_why(void **state) {
        struct harness *harness = *state;
        const char *text = converse(harness, "GET /no HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_contains(text, "content-type: application/problem+json\r\n");
        assert_contains(text, "\"cause\":\"file-not-found\"");
        text = converse(harness, "GET /no HTTP/1.1\r\nHost: a\r\nAccept: text/html,*/*\r\n\r\n");
        assert_contains(text, "content-type: text/html");
        assert_contains(text, "<h1>404</h1>");
}

#define TRAILED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-One: \t1 \r\nx-empty:\r\nx-two: 2\r\n\r\n"

static bool has_last_chunk(struct harness *harness) {
        return strstr(received(harness), "\r\n3\r\nabc\r\n0\r\n") && strstr(received(harness), "2\r\n\r\n");
}

static void trailers_reach_the_handler_and_come_from_it(void **state) {
        struct harness *harness = *state;
        static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n" TRAILED;
        for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
                harness_connect(harness, false);
                harness_send(harness, request, cut);
                harness_spin(harness);
                harness_send_text(harness, request + cut);
                harness_run_until(harness, has_last_chunk);
                assert_contains(received(harness), "abc\r\n0\r\nX-One: 1\r\nx-empty: \r\nx-two: 2\r\n\r\n");
        }
}

static void trailers_are_for_those_who_ask(void **state) {
        const char *text = converse(*state, "POST /echo HTTP/1.1\r\nHost: a\r\n" TRAILED);
        assert_contains(text, "\r\n3\r\nabc\r\n0\r\n\r\n");
        assert_null(strstr(text, "X-One"));
}

static void too_many_trailers_are_refused(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->limits.max_fields = 8;
        const char *text = converse(harness, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                             "0\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\ng: 1\r\n"
                                             "h: 1\r\ni: 1\r\n\r\n");
        assert_contains(text, "HTTP/1.1 431 ");
        assert_contains(text, "Connection: close\r\n");
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(answers_and_keeps_the_connection),
                TEST(an_idle_connection_holds_no_buffer),
                TEST(every_split_gives_the_same_answer),
                TEST(pipelined_requests_are_answered_in_order),
                TEST(thousand_pipelined_requests),
                TEST(head_has_the_length_but_no_body),
                TEST(http10_closes_unless_asked),
                TEST(close_is_obeyed),
                TEST(continue_is_sent_when_the_body_is_wanted),
                TEST(early_hints_precede_the_answer),
                TEST(bodies_that_nobody_wants),
                TEST(large_bodies_pass_through),
                TEST(a_long_head_does_not_starve_the_body),
                TEST(limits_have_their_status),
                TEST(ambiguous_requests_are_refused),
                TEST(absolute_targets_name_the_host),
                TEST(lines_of_a_list_are_one_list),
                TEST(files_are_sent_whole),
                TEST(a_slow_reader_gets_everything),
                TEST(a_client_that_goes_away_leaves_nothing),
                TEST(a_half_closed_client_still_gets_its_answer),
                TEST(slow_heads_and_bodies_are_answered_408),
                TEST(too_slow_readers_are_cut),
                TEST(idle_connections_end_quietly),
                TEST(draining_answers_what_was_asked),
                TEST(draining_lets_a_response_end),
                TEST(problems_say_why),
                TEST(trailers_reach_the_handler_and_come_from_it),
                TEST(trailers_are_for_those_who_ask),
                TEST(too_many_trailers_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
