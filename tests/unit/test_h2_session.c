/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 sessions: what a client sees of its streams however its bytes are cut, of windows, clocks, handlers that answer late, and
 * of the connection's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h1_harness.h"
#include "h2_client.h"
#include "shared/syscall.h"

#define WINDOW 65535
#define BIG_SIZE (1u << 20)
#define LARGEST 0x7fffffffu

static int set_up(void **state) {
        *state = harness_new();
        return 0;
}

static int tear_down(void **state) {
        harness_free(*state);
        return 0;
}

static struct slice view_of(const struct text *text) {
        return (struct slice) { text->data, text->length };
}

static void send_all(struct harness *harness, struct text *out) {
        harness_send(harness, out->data, out->length);
        text_done(out);
        *out = TEXT_INIT;
}

/* A connection that has begun, with this window for each stream. */
static void connect_with(struct harness *harness, uint32_t window, bool small_buffers) {
        struct text out = TEXT_INIT;
        harness_connect(harness, small_buffers);
        h2_client_begin(&out, window);
        send_all(harness, &out);
}

static struct h2_client_view look(struct harness *harness) {
        struct h2_client_view view;
        h2_client_read(harness_received(harness), &view);
        return view;
}

static struct h2_client_answer answer_of(struct harness *harness, uint32_t id) {
        return look(harness).answers[id / 2];
}

static void get(struct harness *harness, uint32_t id, const char *path) {
        struct text out = TEXT_INIT;
        h2_client_head(&out, id, "GET", path, SLICE_NULL, true);
        send_all(harness, &out);
}

static void post(struct harness *harness, uint32_t id, const char *path, struct slice body, bool is_end) {
        struct text out = TEXT_INIT;
        h2_client_head(&out, id, "POST", path, SLICE_NULL, false);
        while (body.length > 0) {
                struct slice part = { body.data, MIN_OF(body.length, (size_t) 16384) };
                body = slice_from(body, part.length);
                h2_client_data(&out, id, part, is_end && body.length == 0);
        }
        send_all(harness, &out);
}

static bool has_first(struct harness *harness) {
        struct h2_client_answer answer = answer_of(harness, 1);
        return answer.is_ended || answer.reset >= 0;
}

static bool has_goaway(struct harness *harness) {
        return look(harness).goaways > 0;
}

/* The one reader that there was heard that its body will not come whole. */
static void expect_abort(struct harness *harness, enum cause expected) {
        enum cause cause;
        assert_int_equal(harness_aborted(harness, &cause), 1);
        assert_int_equal(cause, expected);
}

/* Every split of the bytes. */

/* Four requests: without a body, with one in pieces and with trailers, with one of padding, and one that finds nothing. */
static void converse(struct text *out) {
        struct text fields = TEXT_INIT;
        h2_client_begin(out, WINDOW);
        h2_client_head(out, 1, "GET", "/hello", SLICE_NULL, true);
        h2_client_head(out, 3, "POST", "/echo", SLICE_NULL, false);
        h2_client_data(out, 3, SLICE_LITERAL("one "), false);
        h2_client_data(out, 3, SLICE_NULL, false);
        h2_client_frame(out, H2_FRAME_PING, 0, 0, SLICE_LITERAL("12345678"));
        h2_client_data(out, 3, SLICE_LITERAL("two"), false);
        h2_client_field(&fields, "x-trailer", "a");
        h2_client_frame(out, H2_FRAME_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, 3, view_of(&fields));
        text_done(&fields);
        h2_client_head(out, 5, "POST", "/count", SLICE_NULL, false);
        h2_client_frame(out, H2_FRAME_DATA, H2_FLAG_END_STREAM | H2_FLAG_PADDED, 5,
                        (struct slice) { "\3abcde\0\0\0", 9 });
        h2_client_head(out, 7, "GET", "/none", SLICE_NULL, true);
}

static bool has_four(struct harness *harness) {
        struct h2_client_view view = look(harness);
        for (unsigned i = 0; i < 4; i++)
                if (!view.answers[i].is_ended)
                        return false;
        return true;
}

static void expect_four(struct harness *harness) {
        struct h2_client_view view = look(harness);
        assert_true(view.is_whole);
        assert_int_equal(view.goaways, 0);
        assert_int_equal(view.pongs, 1);
        assert_int_equal(view.settings_acks, 1);
        const char *const bodies[] = { "hello\n", "one twox-trailera", "5\n" }; /* with trailers */
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(view.answers[i].status, 200);
                assert_int_equal(view.answers[i].has_trailers, i == 1);
                assert_int_equal(view.answers[i].digest, h2_client_digest(slice_of(bodies[i])));
                assert_int_equal(view.answers[i].reset, -1);
        }
        assert_int_equal(view.answers[3].status, 404);
}

static void every_split_gives_the_same(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        converse(&out);
        for (size_t cut = 0; cut <= out.length; cut++) {
                harness_connect(harness, false);
                if (cut > 0)
                        harness_send(harness, out.data, cut);
                harness_turn(harness);
                if (cut < out.length)
                        harness_send(harness, out.data + cut, out.length - cut);
                harness_run_until(harness, has_four);
                expect_four(harness);
        }
        text_done(&out);
}

static void every_byte_alone_gives_the_same(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        converse(&out);
        harness_connect(harness, false);
        for (size_t i = 0; i < out.length; i++) {
                harness_send(harness, out.data + i, 1);
                harness_turn(harness);
        }
        harness_run_until(harness, has_four);
        expect_four(harness);
        text_done(&out);
}

static void a_cut_at_every_byte_ends_what_was_begun(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        converse(&out);
        for (size_t cut = 0; cut < out.length; cut++) {
                harness_connect(harness, false);
                if (cut > 0)
                        harness_send(harness, out.data, cut);
                harness_turn(harness);
                harness_hang_up(harness);
                harness_run_until(harness, harness_has_no_connection);
                assert_int_equal(harness_begun(harness), harness_ended(harness));
        }
        text_done(&out);
}

/* Bodies of requests. */

static void an_upload_of_many_windows(void **state) {
        struct harness *harness = *state;
        static char body[16384];
        size_t sent = 0, windows = WINDOW;
        memset(body, 'x', sizeof(body));
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/count", SLICE_NULL, false);
        while (sent < 20 * WINDOW) {
                struct text out = TEXT_INIT;
                while (sent + sizeof(body) > windows) {
                        harness_turn(harness);
                        windows = WINDOW + look(harness).window_sum;
                }
                h2_client_data(&out, 1, (struct slice) { body, sizeof(body) }, false);
                send_all(harness, &out);
                harness_turn(harness);
                sent += sizeof(body);
        }
        struct text out = TEXT_INIT;
        char text[24];
        h2_client_data(&out, 1, SLICE_NULL, true);
        send_all(harness, &out);
        harness_run_until(harness, has_first);
        (void) snprintf(text, sizeof(text), "%zu\n", sent);
        assert_int_equal(answer_of(harness, 1).digest, h2_client_digest(slice_of(text)));
}

/* The handler answers later and never asks for the body: no window is given back, and more than there was ends the connection. */
static void a_body_that_nobody_takes_stays_in_its_window(void **state) {
        struct harness *harness = *state;
        static char body[WINDOW];
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/stalled", (struct slice) { body, sizeof(body) }, false);
        harness_settle(harness);
        struct h2_client_view view = look(harness);
        assert_int_equal(view.window_sum, 0);
        assert_int_equal(view.goaways, 0);
        assert_in_range(harness_worker(harness)->buffers.lent_count, 1, 8);
        struct text out = TEXT_INIT;
        h2_client_data(&out, 1, SLICE_LITERAL("x"), false);
        send_all(harness, &out);
        harness_run_until(harness, has_goaway);
        assert_int_equal(look(harness).goaway, H2_FLOW_CONTROL_ERROR);
}

static void a_body_that_pauses_goes_on(void **state) {
        struct harness *harness = *state;
        static char body[50000];
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/paused", (struct slice) { body, sizeof(body) }, true);
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).status, 200);
        assert_int_equal(answer_of(harness, 1).digest, h2_client_digest(SLICE_LITERAL("50000\n")));
}

static void a_body_above_the_limit_is_refused(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->limits.max_body = 10;
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/echo", SLICE_LITERAL("12345678901"), true);
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).status, 413);
        expect_abort(harness, CAUSE_BODY_TOO_LARGE);
        get(harness, 3, "/hello");
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 3).status, 200);
}

static bool is_reset_in_order(struct harness *harness) {
        return answer_of(harness, 1).reset == H2_NO_ERROR;
}

static void a_body_that_is_not_wanted_is_reset_after_the_answer(void **state) {
        struct harness *harness = *state;
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/unread", SLICE_LITERAL("a"), false);
        harness_run_until(harness, has_first);
        assert_true(answer_of(harness, 1).is_ended);
        assert_int_equal(answer_of(harness, 1).reset, -1);
        harness_run_until(harness, is_reset_in_order);
        assert_int_equal(harness_ended(harness), 1);
}

static void a_slow_body_is_answered_and_others_go_on(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.body = (struct config_phase) { .deadline = UINT64_MAX, .idle = 100000 };
        connect_with(harness, WINDOW, false);
        post(harness, 1, "/count", SLICE_LITERAL("a"), false);
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).status, 408);
        expect_abort(harness, CAUSE_BODY_TOO_SLOW);
        get(harness, 3, "/hello");
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 3).status, 200);
}

static void post_with_trailer(struct harness *harness, uint32_t id, const char *path, const char *name,
                              unsigned count) {
        struct text out = TEXT_INIT, fields = TEXT_INIT;
        for (unsigned i = 0; i < count; i++)
                h2_client_field(&fields, name, "a");
        h2_client_head(&out, id, "POST", path, SLICE_NULL, false);
        h2_client_data(&out, id, SLICE_LITERAL("abc"), false);
        h2_client_frame(&out, H2_FRAME_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, id, view_of(&fields));
        text_done(&fields);
        send_all(harness, &out);
}

static void trailers_that_must_not_be_are_refused(void **state) {
        struct harness *harness = *state;
        connect_with(harness, WINDOW, false);
        post_with_trailer(harness, 1, "/echo", "authorization", 1);
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).status, 400);
        expect_abort(harness, CAUSE_REQUEST_MALFORMED);
        post_with_trailer(harness, 3, "/echo", "x-many", 101);
        post_with_trailer(harness, 5, "/stalled", "x-forwarded-for", 1);
        post_with_trailer(harness, 7, "/echo", "x-one", 1);
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 3).status, 431);
        assert_int_equal(answer_of(harness, 5).status, 400);
        assert_int_equal(answer_of(harness, 7).status, 200);
        assert_true(answer_of(harness, 7).has_trailers);
}

/* Responses. */

static void handlers_answer_when_they_can(void **state) {
        struct harness *harness = *state;
        connect_with(harness, WINDOW, false);
        get(harness, 1, "/later");
        get(harness, 3, "/hello");
        get(harness, 5, "/early");
        get(harness, 7, "/chunked");
        harness_run_until(harness, has_four);
        struct h2_client_view view = look(harness);
        assert_int_equal(view.answers[0].digest, h2_client_digest(SLICE_LITERAL("later\n")));
        assert_int_equal(view.answers[1].status, 200);
        assert_int_equal(view.answers[2].informational, 1);
        assert_int_equal(view.answers[2].status, 200);
        assert_int_equal(view.answers[3].digest, h2_client_digest(SLICE_LITERAL("onetwo twothree")));
}

static void a_stream_that_is_reset_ends_its_exchange(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        connect_with(harness, 0, false);
        get(harness, 1, "/later");
        get(harness, 3, "/big");
        post(harness, 5, "/echo", SLICE_LITERAL("a"), false);
        harness_settle(harness);
        for (uint32_t id = 1; id <= 5; id += 2)
                h2_client_number(&out, H2_FRAME_RST_STREAM, id, H2_CANCEL);
        send_all(harness, &out);
        harness_settle(harness);
        assert_int_equal(harness_begun(harness), 3);
        assert_int_equal(harness_ended(harness), 3);
        assert_false(harness_is_closed(harness));
}

static void a_file_that_was_cut_short_resets_the_stream(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        connect_with(harness, LARGEST, false);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 0, LARGEST - WINDOW);
        send_all(harness, &out);
        get(harness, 1, "/truncated");
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).reset, H2_INTERNAL_ERROR);
        assert_false(answer_of(harness, 1).is_ended);
        get(harness, 3, "/file");
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 3).length, HARNESS_FILE_SIZE);
}

static void windows_hold_a_response_back(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        connect_with(harness, 1000, false);
        get(harness, 1, "/big");
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 1).length, 1000);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 1, BIG_SIZE);
        send_all(harness, &out);
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 1).length, WINDOW);
        assert_int_equal(harness_worker(harness)->buffers.lent_count, 0);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 0, BIG_SIZE);
        send_all(harness, &out);
        harness_run_until(harness, has_first);
        assert_int_equal(answer_of(harness, 1).length, BIG_SIZE);
}

static bool is_cancelled(struct harness *harness) {
        return answer_of(harness, 1).reset == H2_CANCEL;
}

static void a_window_held_shut_ends_the_stream(void **state) {
        struct harness *harness = *state;
        harness_settings(harness)->timeouts.send = (struct config_phase) { .deadline = UINT64_MAX, .idle = 100000 };
        connect_with(harness, 0, false);
        get(harness, 1, "/big");
        harness_run_until(harness, is_cancelled);
        assert_int_equal(harness_ended(harness), 1);
        assert_false(harness_is_closed(harness));
}

static void a_client_that_does_not_read_is_cut(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        harness_settings(harness)->timeouts.send = (struct config_phase) { .deadline = UINT64_MAX, .idle = 100000 };
        connect_with(harness, LARGEST, true);
        harness_read(harness, false);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 0, LARGEST - WINDOW);
        send_all(harness, &out);
        get(harness, 1, "/big");
        harness_run_until(harness, harness_has_no_connection);
        assert_int_equal(harness_ended(harness), 1);
}

static void a_late_reader_has_all(void **state) {
        struct harness *harness = *state;
        struct text out = TEXT_INIT;
        connect_with(harness, LARGEST, true);
        harness_read(harness, false);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 0, LARGEST - WINDOW);
        send_all(harness, &out);
        get(harness, 1, "/big");
        get(harness, 3, "/later");
        get(harness, 5, "/file");
        harness_settle(harness);
        harness_read(harness, true);
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 1).length, BIG_SIZE);
        assert_int_equal(answer_of(harness, 3).status, 200);
        assert_int_equal(answer_of(harness, 5).length, HARNESS_FILE_SIZE);
}

/* The end of the connection. */

static void a_stop_lets_streams_end(void **state) {
        struct harness *harness = *state;
        connect_with(harness, 1000, false);
        get(harness, 1, "/big");
        harness_settle(harness);
        http_worker_drain(harness_worker(harness), UINT64_MAX, NULL, NULL);
        harness_run_until(harness, has_goaway);
        assert_int_equal(look(harness).last_stream, LARGEST);
        get(harness, 3, "/hello");
        harness_settle(harness);
        assert_int_equal(answer_of(harness, 3).status, 200);
        struct text out = TEXT_INIT;
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 1, BIG_SIZE);
        h2_client_number(&out, H2_FRAME_WINDOW_UPDATE, 0, BIG_SIZE);
        send_all(harness, &out);
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(answer_of(harness, 1).length, BIG_SIZE);
        struct h2_client_view view = look(harness);
        assert_int_equal(view.goaways, 2);
        assert_int_equal(view.last_stream, 3);
        assert_int_equal(view.goaway, H2_NO_ERROR);
}

static void an_idle_connection_holds_no_buffer(void **state) {
        struct harness *harness = *state;
        connect_with(harness, WINDOW, false);
        get(harness, 1, "/hello");
        post(harness, 3, "/echo", SLICE_LITERAL("abc"), true);
        harness_settle(harness);
        assert_int_equal(harness_ended(harness), 2);
        assert_int_equal(harness_worker(harness)->buffers.lent_count, 0);
}

static void garbage_for_a_preface(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnothing that is a frame of settings");
        harness_run_until(harness, harness_is_closed);
        assert_int_equal(look(harness).goaway, H2_PROTOCOL_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(every_split_gives_the_same),
                TEST(every_byte_alone_gives_the_same),
                TEST(a_cut_at_every_byte_ends_what_was_begun),
                TEST(an_upload_of_many_windows),
                TEST(a_body_that_nobody_takes_stays_in_its_window),
                TEST(a_body_that_pauses_goes_on),
                TEST(a_body_above_the_limit_is_refused),
                TEST(a_body_that_is_not_wanted_is_reset_after_the_answer),
                TEST(a_slow_body_is_answered_and_others_go_on),
                TEST(trailers_that_must_not_be_are_refused),
                TEST(handlers_answer_when_they_can),
                TEST(a_stream_that_is_reset_ends_its_exchange),
                TEST(a_file_that_was_cut_short_resets_the_stream),
                TEST(windows_hold_a_response_back),
                TEST(a_window_held_shut_ends_the_stream),
                TEST(a_client_that_does_not_read_is_cut),
                TEST(a_late_reader_has_all),
                TEST(a_stop_lets_streams_end),
                TEST(an_idle_connection_holds_no_buffer),
                TEST(garbage_for_a_preface),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
