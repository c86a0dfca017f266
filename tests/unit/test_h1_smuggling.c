/* SPDX-License-Identifier: Apache-2.0 */
/* Framing, and each known variant of request smuggling: refused, or consumed to its last byte and no further. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/h1/h1_parse.h"
#include "shared/syscall.h"

static const struct h1_limits limits = { .max_request_line = 8192, .max_head = 16384 };

/* Reads one message as a session does. Returns the bytes that belong to it, -EAGAIN or -EBADMSG. */
static ssize_t read_message(const char *text, size_t length, struct http_fault *ret_fault) {
        struct http_field items[16];
        struct http_fields fields;
        struct h1_request_head head;
        size_t scanned = 0;
        http_fields_init(&fields, items, ELEMENTS_OF(items));
        ssize_t head_length = h1_parse_request(text, length, &limits, &scanned, &fields, &head, ret_fault);
        if (head_length < 0)
                return head_length;

        enum h1_framing framing;
        uint64_t body_length;
        int r = h1_request_framing(&fields, head.minor_version, &framing, &body_length, ret_fault);
        if (r < 0)
                return r;
        size_t rest = length - (size_t) head_length;
        if (framing != H1_FRAMING_CHUNKED)
                return body_length > rest ? -EAGAIN : head_length + (ssize_t) body_length;

        struct h1_chunked chunked = { .max_overhead = 100 };
        bool is_done = false;
        ssize_t at = head_length, consumed = 1;
        while (!is_done && consumed > 0) {
                struct slice body;
                consumed = h1_chunked_decode(&chunked, text + at, length - (size_t) at, &body, &is_done, ret_fault);
                if (consumed < 0)
                        return consumed;
                at += consumed;
        }
        return is_done ? at : -EAGAIN;
}

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define TE "Transfer-Encoding: chunked\r\n"
#define NEXT "GET /smuggled HTTP/1.1\r\nX: "

static void variants_are_refused(void **state) {
        (void) state;
        static const struct {
                const char *name, *text;
                enum cause cause;
        } rows[] = {
                { "CL.TE", POST "Content-Length: 30\r\n" TE "\r\n0\r\n\r\n" NEXT, CAUSE_FRAMING_AMBIGUOUS },
                { "TE.CL", POST TE "Content-Length: 4\r\n\r\n5c\r\n" NEXT "\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.CL, zero", POST TE "Content-Length: 0\r\n\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, two lines", POST TE "Transfer-Encoding: identity\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, two chunked", POST TE TE "\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, list twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, identity", POST "Transfer-Encoding: identity\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, identity first", POST "Transfer-Encoding: identity, chunked\r\n\r\n",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, x, chunked", POST "Transfer-Encoding: x, chunked\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, parameter", POST "Transfer-Encoding: chunked;a=b\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, empty element", POST "Transfer-Encoding: ,chunked\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, comma at the end", POST "Transfer-Encoding: chunked,\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, empty", POST "Transfer-Encoding:\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "TE.TE, vertical tab",
                  POST "Transfer-Encoding: \x0b"
                       "chunked\r\n\r\n",
                  CAUSE_REQUEST_MALFORMED },
                { "TE.TE, NUL-like cut", POST "Transfer-Encoding: chunked\x01\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "TE.TE, folded", POST "Transfer-Encoding:\r\n chunked\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "TE.TE, space before colon", POST "Transfer-Encoding : chunked\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "TE.TE, hidden by LF", POST "X: a\nTransfer-Encoding: chunked\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "TE.TE, hidden by CR", POST "X: a\rTransfer-Encoding: chunked\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "TE in 1.0", "POST / HTTP/1.0\r\n" TE "\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "unknown but well-formed", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", CAUSE_METHOD_UNKNOWN },
                { "CL twice, same", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "CL twice, other", POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "CL list", POST "Content-Length: 5, 5\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL empty", POST "Content-Length:\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "CL plus", POST "Content-Length: +5\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL minus", POST "Content-Length: -5\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL hexadecimal", POST "Content-Length: 0x5\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL fraction", POST "Content-Length: 5.0\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL inner space", POST "Content-Length: 5 5\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL underscore", POST "Content-Length: 1_0\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL of 2^63", POST "Content-Length: 9223372036854775808\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "CL beyond 2^64", POST "Content-Length: 18446744073709551621\r\n\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "CL of many zeros", POST "Content-Length: 00000000000000000005\r\n\r\nhello",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "CL folded", POST "Content-Length: 5\r\n 0\r\n\r\nhello", CAUSE_REQUEST_MALFORMED },
                { "CL space before colon", POST "Content-Length : 5\r\n\r\nhello", CAUSE_REQUEST_MALFORMED },
                { "bare LF ends the head", POST "Content-Length: 0\n\n" NEXT, CAUSE_REQUEST_MALFORMED },
                { "bare LF ends the last line", POST "X: a\r\n\n" NEXT, CAUSE_REQUEST_MALFORMED },
                { "bare CR ends the last line", POST "X: a\r\n\r" NEXT, CAUSE_REQUEST_MALFORMED },
                { "first line folded", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "chunk size overflow", POST TE "\r\n10000000000000000\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "chunk size wraps to 5", POST TE "\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "chunk size negative", POST TE "\r\n-5\r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "chunk size spaced", POST TE "\r\n5 \r\nhello", CAUSE_FRAMING_AMBIGUOUS },
                { "chunk size ends in LF", POST TE "\r\n5\nhello\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "extension ends in LF (TERM.EXT)", POST TE "\r\n5;a\nhello\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "extension has CR (EXT.TERM)", POST TE "\r\n5;a\rb\r\nhello\r\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "extension beyond bound",
                  POST TE "\r\n5;0123456789012345678901234567890123456789012345678901234567890"
                          "123456789012345678901234567890123456789012345\r\nhello",
                  CAUSE_FRAMING_AMBIGUOUS },
                { "data ends in LF (SPILL)", POST TE "\r\n5\r\nhello\n0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "data one longer (ONE.TWO)", POST TE "\r\n5\r\nhelloXX0\r\n\r\n", CAUSE_FRAMING_AMBIGUOUS },
                { "trailer Content-Length", POST TE "\r\n0\r\nContent-Length: 5\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "trailer Transfer-Encoding", POST TE "\r\n0\r\n" TE "\r\n", CAUSE_REQUEST_MALFORMED },
                { "trailer Host", POST TE "\r\n0\r\nHost: b\r\n\r\n", CAUSE_REQUEST_MALFORMED },
                { "trailer section ends in LF", POST TE "\r\n0\r\n\n" NEXT, CAUSE_REQUEST_MALFORMED },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct http_fault fault = { 0 };
                ssize_t r = read_message(rows[i].text, strlen(rows[i].text), &fault);
                if (r != -EBADMSG || fault.cause != rows[i].cause)
                        fail_msg("%s: %zd, cause %d \"%s\"", rows[i].name, r, fault.cause, fault.detail);
        }
}

/* CL.0, 0.CL, TE.0: a body belongs to its request whatever the method, so that its bytes are never taken for the next. */
static void bodies_are_consumed_whatever_the_method(void **state) {
        (void) state;
        static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "POST", "PUT", "X" };
        static const struct {
                const char *fields, *body;
        } rows[] = {
                { "", "" },
                { "Content-Length: 0\r\n", "" },
                { "Content-Length: 23\r\n", "GET /smuggled HTTP/1.1\r" },
                { "Content-Length: 0000000005\r\n", "hello" },
                { TE, "17\r\nGET /smuggled HTTP/1.1\r\r\n0\r\n\r\n" },
                { "transfer-encoding:\tChunked \r\n", "0\r\nX: y\r\n\r\n" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(methods); i++)
                for (size_t k = 0; k < ELEMENTS_OF(rows); k++) {
                        char text[256];
                        struct http_fault fault = { 0 };
                        int whole = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n%s", methods[i],
                                             rows[k].fields, rows[k].body);
                        int length = whole + snprintf(text + whole, sizeof(text) - (size_t) whole, NEXT);
                        assert_int_equal(read_message(text, (size_t) length, &fault), whole);
                        if (rows[k].body[0])
                                assert_int_equal(read_message(text, (size_t) whole - 1, &fault), -EAGAIN);
                }
}

/* What a caller of the HTTP/2 side has to ask before it hands a field on to HTTP/1. */
static void header_injection_is_seen(void **state) {
        (void) state;
        static const struct slice values[] = {
                SLICE_LITERAL("a\r\nTransfer-Encoding: chunked"),
                SLICE_LITERAL("a\nX: b"),
                SLICE_LITERAL("a\rX: b"),
                SLICE_LITERAL("a\0b"),
        };
        static const struct slice names[] = {
                SLICE_LITERAL("x: a\r\ny"), SLICE_LITERAL("x:"),  SLICE_LITERAL(":path"),
                SLICE_LITERAL("x y"),       SLICE_LITERAL("x\n"), SLICE_LITERAL(""),
        };
        for (size_t i = 0; i < ELEMENTS_OF(values); i++)
                assert_false(http_is_field_value(values[i]));
        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                assert_false(http_is_token(names[i]));
}

static void the_largest_length(void **state) {
        (void) state;
        struct http_field items[2];
        struct http_fields fields;
        enum h1_framing framing;
        uint64_t length;
        struct http_fault fault;
        http_fields_init(&fields, items, 2);
        assert_int_equal(http_fields_add(&fields, HTTP_FIELD_CONTENT_LENGTH, SLICE_LITERAL("Content-Length"),
                                         SLICE_LITERAL("9223372036854775807")),
                         0);
        assert_int_equal(h1_request_framing(&fields, 0, &framing, &length, &fault), 0);
        assert_int_equal(framing, H1_FRAMING_LENGTH);
        assert_true(length == INT64_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(variants_are_refused),
                cmocka_unit_test(bodies_are_consumed_whatever_the_method),
                cmocka_unit_test(header_injection_is_seen),
                cmocka_unit_test(the_largest_length),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
