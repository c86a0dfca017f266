/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads: every implementation, every split, every limit, and the variants of request smuggling. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/h1/h1_scan.h"
#include "shared/syscall.h"

#define FIELDS_MAX 16

static const struct h1_limits limits = { .max_request_line = 200, .max_head = 1200 };

struct outcome {
        ssize_t result;
        struct h1_request_head head;
        struct http_fault fault;
        struct http_fields fields;
        struct http_field items[FIELDS_MAX];
};

static void parse(const struct h1_scanner *scanner, const char *data, size_t length, const struct h1_limits *by,
                  size_t *scanned, struct outcome *ret_outcome) {
        memset(ret_outcome, 0, sizeof(*ret_outcome));
        http_fields_init(&ret_outcome->fields, ret_outcome->items, FIELDS_MAX);
        ret_outcome->result = h1_parse_request_with(scanner, data, length, by, scanned, &ret_outcome->fields,
                                                    &ret_outcome->head, &ret_outcome->fault);
}

static void parse_whole(const char *data, size_t length, struct outcome *ret_outcome) {
        size_t scanned = 0;
        parse(h1_scanner_best(), data, length, &limits, &scanned, ret_outcome);
}

static void assert_same(const struct outcome *a, const struct outcome *b) {
        assert_int_equal(a->result, b->result);
        assert_int_equal(a->fault.cause, b->fault.cause);
        assert_ptr_equal(a->fault.detail, b->fault.detail);
        if (a->result <= 0)
                return;
        assert_int_equal(a->head.method, b->head.method);
        assert_int_equal(a->head.minor_version, b->head.minor_version);
        assert_true(slice_equal(a->head.target, b->head.target));
        assert_int_equal(a->fields.count, b->fields.count);
        for (unsigned i = 0; i < a->fields.count; i++) {
                assert_int_equal(a->items[i].id, b->items[i].id);
                assert_int_equal(a->items[i].next, b->items[i].next);
                assert_true(slice_equal(a->items[i].name, b->items[i].name));
                assert_true(slice_equal(a->items[i].value, b->items[i].value));
        }
}

/* Two pieces cut at every byte, and byte after byte; each piece in a heap block of exactly its size. */
static void check_splits(const struct h1_scanner *scanner, const char *text, size_t length,
                         const struct outcome *whole) {
        size_t dribbled = 0;
        bool is_over = false;
        for (size_t cut = 0; cut <= length; cut++) {
                _cleanup_free_ char *piece = malloc(cut ? cut : 1);
                assert_non_null(piece);
                memcpy(piece, text, cut);

                struct outcome outcome;
                size_t scanned = 0;
                parse(scanner, piece, cut, &limits, &scanned, &outcome);
                if (outcome.result == -EAGAIN) {
                        assert_true(scanned <= cut);
                        parse(scanner, text, length, &limits, &scanned, &outcome);
                }
                assert_same(&outcome, whole);

                if (is_over)
                        continue;
                parse(scanner, piece, cut, &limits, &dribbled, &outcome);
                if (outcome.result != -EAGAIN) {
                        assert_same(&outcome, whole);
                        is_over = true;
                }
        }
        assert_int_equal(is_over, whole->result != -EAGAIN);
}

/* Parses the whole by every implementation and at every split; all have to agree. */
static void parse_every_way(const char *text, size_t length, struct outcome *ret_outcome) {
        const struct h1_scanner *scanners[3];
        size_t count = h1_scanners(scanners);
        parse_whole(text, length, ret_outcome);
        for (size_t i = 0; i < count; i++) {
                struct outcome outcome;
                size_t scanned = 0;
                parse(scanners[i], text, length, &limits, &scanned, &outcome);
                assert_same(&outcome, ret_outcome);
                check_splits(scanners[i], text, length, ret_outcome);
        }
}

static void a_plain_request(void **state) {
        (void) state;
        static const char text[] = "GET /index.html?a=b HTTP/1.1\r\nHost: localhost:8080\r\nuser-agent:\t wrk/4 \t\r\n"
                                   "X-Empty:\r\nAccept: a\r\nX-Tab: a\tb\r\naccept:b\r\n\r\nGET /next";
        struct outcome outcome;
        parse_every_way(text, sizeof(text) - 1, &outcome);
        assert_int_equal(outcome.result, strstr(text, "GET /next") - text);
        assert_int_equal(outcome.head.method, HTTP_METHOD_GET);
        assert_true(slice_equal_text(outcome.head.method_name, "GET"));
        assert_true(slice_equal_text(outcome.head.target, "/index.html?a=b"));
        assert_int_equal(outcome.head.minor_version, 1);
        assert_int_equal(outcome.fields.count, 6);
        assert_true(slice_equal_text(http_fields_get(&outcome.fields, HTTP_FIELD_HOST), "localhost:8080"));
        assert_true(slice_equal_text(http_fields_get(&outcome.fields, HTTP_FIELD_USER_AGENT), "wrk/4"));
        assert_true(slice_equal_text(outcome.items[2].name, "X-Empty"));
        assert_int_equal(outcome.items[2].value.length, 0);
        assert_true(slice_equal_text(outcome.items[4].value, "a\tb"));
        assert_true(http_fields_is_repeated(&outcome.fields, HTTP_FIELD_ACCEPT));
        assert_int_equal(outcome.items[3].next, 6);
}

static void requests_that_are_accepted(void **state) {
        (void) state;
        static const struct {
                const char *text;
                enum http_method method;
                const char *target;
                unsigned minor;
        } rows[] = {
                { "GET / HTTP/1.0\r\n\r\n", HTTP_METHOD_GET, "/", 0 },
                { "\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_METHOD_HEAD, "/", 1 },
                { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_METHOD_OPTIONS, "*", 1 },
                { "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", HTTP_METHOD_CONNECT, "a:1", 1 },
                { "get / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_METHOD_OTHER, "/", 1 },
                { "M-SEARCH http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_METHOD_OTHER, "http://a/", 1 },
                { "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\xff\r\n\r\n", HTTP_METHOD_GET, "/\xc3\xa4", 1 },
                { "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n\r\n", HTTP_METHOD_OTHER, "/", 1 },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                parse_every_way(rows[i].text, strlen(rows[i].text), &outcome);
                assert_int_equal(outcome.result, strlen(rows[i].text));
                assert_int_equal(outcome.head.method, rows[i].method);
                assert_true(slice_equal_text(outcome.head.target, rows[i].target));
                assert_int_equal(outcome.head.minor_version, rows[i].minor);
        }
}

/* `text` is a literal, which may contain NUL. */
#define ROW(text, cause, detail) \
        { text, sizeof(text) - 1, CAUSE_##cause, detail }
#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"

static void requests_that_are_refused(void **state) {
        (void) state;
        static const struct {
                const char *text;
                size_t length;
                enum cause cause;
                const char *detail; /* a part of it */
        } rows[] = {
                /* the request line */
                ROW("GET  / HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "target is empty"),
                ROW("GET /  HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTP/1.1 \r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET /a b HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET /\tHTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "control character"),
                ROW("GET\t/ HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW(" GET / HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "begin with a method"),
                ROW("GET\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW("GET\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                ROW("GET /\r\n", REQUEST_MALFORMED, "no version"),
                ROW("GET / \r\n", REQUEST_MALFORMED, "one space between"),
                ROW("G@T / HTTP/1.1\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW("GET / http/1.1\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTP/1.1\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                ROW("GET / HTTP/1.1\rX", REQUEST_MALFORMED, "CR is not followed"),
                ROW("GET /\0 HTTP/1.1\r\n", REQUEST_MALFORMED, "NUL"),
                ROW("GET /\x7f HTTP/1.1\r\n", REQUEST_MALFORMED, "control character"),
                ROW("\n", REQUEST_MALFORMED, "begin with a method"),
                ROW("\r\n\r\n", REQUEST_MALFORMED, "begin with a method"),
                ROW("\rGET", REQUEST_MALFORMED, "CR is not followed"),
                ROW("\xff", REQUEST_MALFORMED, "begin with a method"),
                ROW("\0", REQUEST_MALFORMED, "begin with a method"),
                ROW("\x16\x03\x01\x02\x00\x01", REQUEST_MALFORMED, "TLS handshake"),
                ROW("\x16\x04", REQUEST_MALFORMED, "begin with a method"),
                ROW("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", METHOD_UNKNOWN, "more than 32 bytes"),
                /* versions */
                ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION_UNSUPPORTED, "neither HTTP/1.0"),
                ROW("GET / HTTP/1.2\r\n\r\n", VERSION_UNSUPPORTED, "neither HTTP/1.0"),
                ROW("GET / HTTP/0.9\r\n\r\n", VERSION_UNSUPPORTED, "neither HTTP/1.0"),
                ROW("GET / HTTP/3.0\r\n\r\n", VERSION_UNSUPPORTED, "neither HTTP/1.0"),
                ROW("GET / HTTP/1.10\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTP/11\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTP/1,1\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTP/1.x\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                ROW("GET / HTTPS/1.1\r\n\r\n", REQUEST_MALFORMED, "one space between"),
                /* bare CR or LF, NUL, other controls */
                ROW(HEAD "X: a\nY: b\r\n\r\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                ROW(HEAD "X: a\r\n\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                ROW(HEAD "X: a\r\n\rX", REQUEST_MALFORMED, "CR is not followed"),
                ROW(HEAD "X: a\rb\r\n\r\n", REQUEST_MALFORMED, "CR is not followed"),
                ROW(HEAD "X: a\r\r\n\r\n", REQUEST_MALFORMED, "CR is not followed"),
                ROW(HEAD "X: a\0b\r\n\r\n", REQUEST_MALFORMED, "NUL"),
                ROW(HEAD "X: a\x0b"
                         "b\r\n\r\n",
                    REQUEST_MALFORMED, "control character"),
                ROW(HEAD "X\n: b\r\n\r\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                ROW("GET / HTTP/1.1\nHost: a\n\n", REQUEST_MALFORMED, "LF instead of CR LF"),
                /* obs-fold, also at the first field */
                ROW(HEAD "X: a\r\n b\r\n\r\n", REQUEST_MALFORMED, "begins with white space"),
                ROW(HEAD "X: a\r\n\tb\r\n\r\n", REQUEST_MALFORMED, "begins with white space"),
                ROW("GET / HTTP/1.1\r\n Host: a\r\n\r\n", REQUEST_MALFORMED, "begins with white space"),
                ROW(HEAD "Transfer-Encoding:\r\n chunked\r\n\r\n", REQUEST_MALFORMED, "begins with white space"),
                /* names */
                ROW(HEAD "Content-Length : 5\r\n\r\n", REQUEST_MALFORMED, "before a colon"),
                ROW(HEAD "Transfer-Encoding\t: chunked\r\n\r\n", REQUEST_MALFORMED, "before a colon"),
                ROW(HEAD ": a\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW(HEAD "X\r\n\r\n", REQUEST_MALFORMED, "no colon"),
                ROW(HEAD "X Y: a\r\n\r\n", REQUEST_MALFORMED, "before a colon"),
                ROW(HEAD "X(Y): a\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW(HEAD "X\0Y: a\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW(HEAD "\xc3\xa4: a\r\n\r\n", REQUEST_MALFORMED, "not a token"),
                ROW(HEAD "\"Host\": a\r\n\r\n", REQUEST_MALFORMED, "not a token"),
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                parse_every_way(rows[i].text, rows[i].length, &outcome);
                assert_int_equal(outcome.result, -EBADMSG);
                assert_int_equal(outcome.fault.cause, rows[i].cause);
                if (!strstr(outcome.fault.detail, rows[i].detail))
                        fail_msg("row %zu: \"%s\" lacks \"%s\"", i, outcome.fault.detail, rows[i].detail);
        }
}

/* Some faults show before the line that they are in has ended. */
static void refused_as_early_as_can_be(void **state) {
        (void) state;
        static const struct {
                const char *text;
                enum cause cause;
        } rows[] = {
                { "\n", CAUSE_REQUEST_MALFORMED },
                { "{", CAUSE_REQUEST_MALFORMED },
                { "GET\n", CAUSE_REQUEST_MALFORMED },
                { "GET / HTTP/1.1\n", CAUSE_REQUEST_MALFORMED },
                { HEAD "X: a\n", CAUSE_REQUEST_MALFORMED },
                { HEAD "X: 0123456789012345678901234567890123456789\nY", CAUSE_REQUEST_MALFORMED },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                parse_every_way(rows[i].text, strlen(rows[i].text), &outcome);
                assert_int_equal(outcome.result, -EBADMSG);
                assert_int_equal(outcome.fault.cause, rows[i].cause);
        }
}

static void incomplete_heads(void **state) {
        (void) state;
        static const char *const rows[] = { "",
                                            "\r",
                                            "\r\n",
                                            "G",
                                            "GET",
                                            "GET ",
                                            "GET /",
                                            "GET / HTTP/1.1",
                                            "\x16",
                                            "GET / HTTP/1.1\r",
                                            "GET / HTTP/1.1\r\n",
                                            HEAD,
                                            HEAD "X",
                                            HEAD "X:",
                                            HEAD "X: a\t",
                                            HEAD "X: a\r",
                                            HEAD "X: a\r\n",
                                            HEAD "X: a\r\n\r" };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                parse_every_way(rows[i], strlen(rows[i]), &outcome);
                assert_int_equal(outcome.result, -EAGAIN);
        }
}

/* A request line of exactly `line` bytes and a head of exactly `head` bytes, in ordinary fields. */
static size_t build(char *text, size_t line, size_t head) {
        size_t length = 0;
        length += (size_t) sprintf(text, "GET /");
        while (length < line - 9)
                text[length++] = 'a';
        length += (size_t) sprintf(text + length, " HTTP/1.1\r\n");
        while (length + 2 < head) {
                size_t room = head - 2 - length;
                size_t take = room <= 104 ? room : 100;
                length += (size_t) sprintf(text + length, "X:");
                memset(text + length, 'b', take - 4);
                length += take - 4;
                length += (size_t) sprintf(text + length, "\r\n");
        }
        return length + (size_t) sprintf(text + length, "\r\n");
}

static void limits_hold_to_the_byte(void **state) {
        (void) state;
        static const struct {
                size_t line, head;
                enum cause cause;
        } rows[] = {
                { 200, 400, CAUSE_NONE },
                { 201, 400, CAUSE_TARGET_TOO_LONG },
                { 199, 400, CAUSE_NONE },
                { 1000, 1100, CAUSE_TARGET_TOO_LONG },
                { 50, 1200, CAUSE_NONE },
                { 50, 1199, CAUSE_NONE },
                { 50, 1201, CAUSE_FIELDS_TOO_LARGE },
                { 50, 1300, CAUSE_FIELDS_TOO_LARGE },
                { 200, 204, CAUSE_NONE },
        };
        char text[2048];
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct outcome outcome;
                size_t length = build(text, rows[i].line, rows[i].head == 204 ? 0 : rows[i].head);
                parse_every_way(text, length, &outcome);
                if (rows[i].cause == CAUSE_NONE) {
                        assert_int_equal(outcome.result, length);
                        continue;
                }
                assert_int_equal(outcome.result, -EBADMSG);
                assert_int_equal(outcome.fault.cause, rows[i].cause);
        }
}

static void an_endless_line_is_refused_at_the_limit(void **state) {
        (void) state;
        char text[1300];
        memset(text, 'a', sizeof(text));
        memcpy(text, "GET /", 5);
        struct outcome outcome;
        parse_every_way(text, 200, &outcome);
        assert_int_equal(outcome.result, -EAGAIN);
        parse_every_way(text, 201, &outcome);
        assert_int_equal(outcome.result, -EBADMSG);
        assert_int_equal(outcome.fault.cause, CAUSE_TARGET_TOO_LONG);

        memset(text, 'a', sizeof(text));
        memcpy(text, HEAD, sizeof(HEAD) - 1);
        parse_every_way(text, 1199, &outcome);
        assert_int_equal(outcome.result, -EAGAIN);
        parse_every_way(text, 1200, &outcome);
        assert_int_equal(outcome.result, -EBADMSG);
        assert_int_equal(outcome.fault.cause, CAUSE_FIELDS_TOO_LARGE);
}

static void a_head_limit_below_the_line_limit_is_still_the_lines(void **state) {
        (void) state;
        const struct h1_limits small = { .max_request_line = 100, .max_head = 50 };
        char text[80];
        memset(text, 'a', sizeof(text));
        memcpy(text, "GET /", 5);
        struct outcome outcome;
        size_t scanned = 0;
        parse(h1_scanner_best(), text, sizeof(text), &small, &scanned, &outcome);
        assert_int_equal(outcome.result, -EBADMSG);
        assert_int_equal(outcome.fault.cause, CAUSE_TARGET_TOO_LONG);
}

static void too_many_fields(void **state) {
        (void) state;
        char text[1024] = HEAD;
        for (int i = 1; i < FIELDS_MAX; i++)
                strcat(text, "X: y\r\n");
        size_t length = strlen(text);
        strcpy(text + length, "\r\n");
        struct outcome outcome;
        parse_every_way(text, length + 2, &outcome);
        assert_int_equal(outcome.result, length + 2);
        strcpy(text + length, "X: y\r\n\r\n");
        parse_every_way(text, length + 8, &outcome);
        assert_int_equal(outcome.result, -EBADMSG);
        assert_int_equal(outcome.fault.cause, CAUSE_FIELDS_TOO_LARGE);
}

/* Heads with bytes changed, doubled or dropped at random: the implementations agree with each other at every split. */
static void implementations_agree_on_broken_heads(void **state) {
        (void) state;
        static const char base[] = "\r\nPOST /a/b?c HTTP/1.1\r\nHost: example.org\r\nContent-Length: 10\r\n"
                                   "Cookie: a=b;\tc=d\r\nX-Long: 0123456789012345678901234567890123456789\r\n\r\n";
        static const char bytes[] = "\r\n\t :\0\x7f\xff"
                                    "aA/H1";
        unsigned short seed[3] = { 7, 7, 7 };
        for (int round = 0; round < 400; round++) {
                char text[sizeof(base) + 8];
                size_t length = sizeof(base) - 1;
                memcpy(text, base, length);
                for (long edits = nrand48(seed) % 4; edits >= 0; edits--) {
                        size_t at = (size_t) nrand48(seed) % length;
                        switch (nrand48(seed) % 3) {
                        case 0:
                                text[at] = bytes[(size_t) nrand48(seed) % (sizeof(bytes) - 1)];
                                break;
                        case 1:
                                memmove(text + at + 1, text + at, length - at);
                                length++;
                                break;
                        default:
                                memmove(text + at, text + at + 1, length - at - 1);
                                length--;
                        }
                }
                struct outcome outcome;
                parse_every_way(text, length, &outcome);
        }
}

static size_t classified;

static void counting_classify(const char *data, size_t length, struct h1_masks *ret_masks) {
        classified += length;
        h1_scanner_portable.classify(data, length, ret_masks);
}

/* The work over all calls is bounded by a small multiple of windows per byte, not by the square of the length. */
static void a_dribbled_head_costs_linear_work(void **state) {
        (void) state;
        static const struct h1_scanner counting = { "counting", counting_classify };
        const struct h1_limits wide = { .max_request_line = 8192, .max_head = 16384 };
        static char text[16384];
        static const size_t lines[] = { 100, 8000 };
        for (size_t round = 0; round < ELEMENTS_OF(lines); round++) {
                struct outcome outcome = { .result = -EAGAIN };
                size_t scanned = 0, length = (size_t) sprintf(text, "GET /");
                while (length < lines[round])
                        text[length++] = 'a';
                length += (size_t) sprintf(text + length, " HTTP/1.1\r\nX:");
                while (length < 16000) /* few fields, many tabs, so that the search meets control characters */
                        length += (size_t) sprintf(text + length, length % 4000 < 12 ? "\t\r\nX:" : "\t\t\t\tabcdefgh");
                length += (size_t) sprintf(text + length, "\r\n\r\n");

                classified = 0;
                for (size_t there = 1; there <= length && outcome.result == -EAGAIN; there++)
                        parse(&counting, text, there, &wide, &scanned, &outcome);
                assert_int_equal(outcome.result, length);
                assert_true(classified < 24 * length);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_plain_request),
                cmocka_unit_test(requests_that_are_accepted),
                cmocka_unit_test(requests_that_are_refused),
                cmocka_unit_test(refused_as_early_as_can_be),
                cmocka_unit_test(incomplete_heads),
                cmocka_unit_test(limits_hold_to_the_byte),
                cmocka_unit_test(an_endless_line_is_refused_at_the_limit),
                cmocka_unit_test(a_head_limit_below_the_line_limit_is_still_the_lines),
                cmocka_unit_test(too_many_fields),
                cmocka_unit_test(implementations_agree_on_broken_heads),
                cmocka_unit_test(a_dribbled_head_costs_linear_work),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
