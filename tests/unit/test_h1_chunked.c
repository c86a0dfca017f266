/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked coding at every split, and its bounds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/h1/h1_parse.h"
#include "shared/syscall.h"

struct outcome {
        int error; /* 0, or -EBADMSG */
        bool is_done;
        size_t consumed;
        struct http_fault fault;
        char body[512];
        size_t body_length;
};

/* Feeds a piece until nothing of it is consumed any more. */
static void feed(struct h1_chunked *chunked, const char *data, size_t length, struct outcome *outcome) {
        for (size_t at = 0; !outcome->is_done;) {
                struct slice body;
                ssize_t r = h1_chunked_decode(chunked, data + at, length - at, &body, &outcome->is_done,
                                              &outcome->fault);
                if (r < 0) {
                        outcome->error = (int) r;
                        return;
                }
                if (body.data) {
                        assert_true(body.length > 0 && body.data >= data + at &&
                                    body.data + body.length <= data + at + r);
                        assert_true(outcome->body_length + body.length <= sizeof(outcome->body));
                        memcpy(outcome->body + outcome->body_length, body.data, body.length);
                        outcome->body_length += body.length;
                }
                outcome->consumed += (size_t) r;
                at += (size_t) r;
                if (r == 0)
                        return;
        }
}

static void assert_same(const struct outcome *a, const struct outcome *b) {
        assert_int_equal(a->error, b->error);
        assert_int_equal(a->is_done, b->is_done);
        assert_int_equal(a->fault.cause, b->fault.cause);
        assert_ptr_equal(a->fault.detail, b->fault.detail);
        if (a->error)
                return;
        assert_int_equal(a->consumed, b->consumed);
        assert_int_equal(a->body_length, b->body_length);
        assert_memory_equal(a->body, b->body, a->body_length);
}

static void decode_every_way(const char *text, size_t length, uint32_t max_overhead, struct outcome *ret_outcome) {
        struct h1_chunked chunked = { .max_overhead = max_overhead };
        memset(ret_outcome, 0, sizeof(*ret_outcome));
        feed(&chunked, text, length, ret_outcome);

        for (size_t cut = 0; cut <= length; cut++) {
                struct h1_chunked again = { .max_overhead = max_overhead };
                struct outcome outcome = { 0 };
                _cleanup_free_ char *piece = malloc(cut ? cut : 1);
                assert_non_null(piece);
                memcpy(piece, text, cut);
                feed(&again, piece, cut, &outcome);
                if (!outcome.error && !outcome.is_done)
                        feed(&again, text + cut, length - cut, &outcome);
                assert_same(&outcome, ret_outcome);
        }

        struct h1_chunked bytewise = { .max_overhead = max_overhead };
        struct outcome outcome = { 0 };
        for (size_t i = 0; i < length && !outcome.error && !outcome.is_done; i++)
                feed(&bytewise, text + i, 1, &outcome);
        assert_same(&outcome, ret_outcome);
}

static void bodies_that_are_accepted(void **state) {
        (void) state;
        static const struct {
                const char *text, *body;
                size_t rest; /* bytes of the next request, not to be consumed */
        } rows[] = {
                { "0\r\n\r\n", "", 0 },
                { "0\r\n\r\nGET /", "", 5 },
                { "5\r\nhello\r\n0\r\n\r\n", "hello", 0 },
                { "1\r\na\r\nA\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\nrest", "a01234567890123456789", 4 },
                { "5;a=b;c=\"d\"\r\nhello\r\n0;\t\r\n\r\n", "hello", 0 },
                { "000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 0 },
                { "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0 },
                { "1\r\na\r\n0\r\nX-Checksum: 1\tb\r\nY:\r\nAn-exceedingly-long-trailer-name: 1\r\n\r\n", "a", 0 },
                { "0\r\nContent-Lengths: 1\r\nX-Forwarded-: 1\r\n\r\n", "", 0 },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                decode_every_way(rows[i].text, strlen(rows[i].text), 200, &outcome);
                assert_int_equal(outcome.error, 0);
                assert_true(outcome.is_done);
                assert_int_equal(outcome.consumed, strlen(rows[i].text) - rows[i].rest);
                assert_int_equal(outcome.body_length, strlen(rows[i].body));
                assert_memory_equal(outcome.body, rows[i].body, outcome.body_length);
        }
}

static void bodies_that_are_refused(void **state) {
        (void) state;
        static const struct {
                const char *text;
                enum cause cause;
        } rows[] = {
                /* sizes */
                { "\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { " 5\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5 \r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5 ;a\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\t\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "+5\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "-1\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "0x5\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5_0\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "g\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { ";a\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "ffffffffffffffff\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "10000000000000005\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "0000000000000000\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\rhello", CAUSE_FRAMING_AMBIGUOUS },
                { "5\r\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                /* extensions */
                { "5;a\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "5;a\rb\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "5;a\x01\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "5;a\x7f\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "5;0123456789012345678901234567890123456789012\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "1;0123456789\r\na\r\n1;0123456789\r\na\r\n1;0123456789\r\na\r\n1;0123456789012\r\na\r\n0\r\n\r\n",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "00000000000001\r\na\r\n00000000000001\r\na\r\n00000000000001\r\na\r\n00000000000001\r\na\r\n0\r\n\r"
                  "\n",
                  CAUSE_FRAMING_AMBIGUOUS },
                /* what follows the data */
                { "5\r\nhello0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\r\nhello\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\r\nhello\r0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\r\nhello!\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "5\r\nhello\r\n\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                /* trailers */
                { "0\r\n\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\n\rX", CAUSE_FRAMING_AMBIGUOUS },
                { "0\r\nX: a\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX: a\rb\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "0\r\nX : a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX: a\r\n b\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\n: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX: \x01\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nContent-Length: 5\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX: a\r\ntransfer-encoding: chunked\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nHOST: b\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nForwarded: for=a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX-Forwarded-For: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX-Forwarded-Some-Long-Name-Of-Old: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nAuthorization: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nProxy-Authorization: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nCookie: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "0\r\nX: 01234567890123456789012345678901234567890\r\n\r\n", CAUSE_FIELDS_TOO_LARGE },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                decode_every_way(rows[i].text, strlen(rows[i].text), 40, &outcome);
                if (outcome.error != -EBADMSG || outcome.fault.cause != rows[i].cause)
                        fail_msg("row %zu: %d, %d \"%s\"", i, outcome.error, outcome.fault.cause, outcome.fault.detail);
        }
}

static void the_overhead_is_exact(void **state) {
        (void) state;
        struct outcome outcome;
        static const char text[] = "01;23\r\na\r\n0\r\nX:\r\n\r\n"; /* 1 zero, 2 of the extension, 3 of the trailer */
        decode_every_way(text, sizeof(text) - 1, 6, &outcome);
        assert_int_equal(outcome.error, 0);
        assert_true(outcome.is_done);
        decode_every_way(text, sizeof(text) - 1, 5, &outcome);
        assert_int_equal(outcome.error, -EBADMSG);
        assert_int_equal(outcome.fault.cause, CAUSE_FIELDS_TOO_LARGE);
}

static void incomplete_bodies_wait(void **state) {
        (void) state;
        static const char text[] = "5\r\nhello\r\n0\r\nX: a\r\n\r\n";
        for (size_t length = 0; length < sizeof(text) - 1; length++) {
                struct outcome outcome;
                decode_every_way(text, length, 40, &outcome);
                assert_int_equal(outcome.error, 0);
                assert_false(outcome.is_done);
                assert_int_equal(outcome.consumed, length);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bodies_that_are_accepted),
                cmocka_unit_test(bodies_that_are_refused),
                cmocka_unit_test(the_overhead_is_exact),
                cmocka_unit_test(incomplete_bodies_wait),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
