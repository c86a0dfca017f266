/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked coding: every way of cutting the input in pieces yields the same body, end or fault; runs lie in the input;
 * the overhead stays within its bound. */
#include <errno.h>

#include "fuzz.h"
#include "http/h1/h1_parse.h"
#include "shared/syscall.h"

#define MAX_OVERHEAD 64
#define EVERY_CUT_BELOW 600

struct outcome {
        bool is_fault, is_done;
        size_t consumed, body_length;
        struct http_fault fault;
        char *body; /* room for the whole input */
};

static void feed(struct h1_chunked *chunked, const char *data, size_t length, struct outcome *outcome) {
        size_t at = 0;
        while (!outcome->is_done && !outcome->is_fault) {
                struct slice body;
                ssize_t r = h1_chunked_decode(chunked, data + at, length - at, &body, &outcome->is_done,
                                              &outcome->fault);
                if (r < 0) {
                        require(r == -EBADMSG && outcome->fault.cause != CAUSE_NONE && outcome->fault.detail);
                        outcome->is_fault = true;
                        return;
                }
                require((size_t) r <= length - at);
                require(chunked->overhead <= MAX_OVERHEAD);
                if (body.data) {
                        require(body.length > 0 && lies_within(body, data + at, (size_t) r));
                        memcpy(outcome->body + outcome->body_length, body.data, body.length);
                        outcome->body_length += body.length;
                }
                outcome->consumed += (size_t) r;
                at += (size_t) r;
                if (r == 0) {
                        require(at == length || outcome->is_done);
                        return;
                }
        }
}

static void require_same(const struct outcome *a, const struct outcome *b) {
        require(a->is_fault == b->is_fault && a->is_done == b->is_done);
        require(a->fault.cause == b->fault.cause && a->fault.detail == b->fault.detail);
        if (a->is_fault)
                return;
        require(a->consumed == b->consumed && a->body_length == b->body_length);
        require(memcmp(a->body, b->body, a->body_length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
        const char *data = (const char *) bytes;
        _cleanup_free_ char *body = exact_copy(data, length), *other_body = exact_copy(data, length);
        struct h1_chunked chunked = { .max_overhead = MAX_OVERHEAD };
        struct outcome whole = { .body = body };
        feed(&chunked, data, length, &whole);
        require(whole.is_fault || whole.consumed + whole.body_length <= 2 * length);
        if (whole.is_done)
                require(whole.consumed >= 5 && memcmp(data + whole.consumed - 2, "\r\n", 2) == 0);

        size_t step = length < EVERY_CUT_BELOW ? 1 : 16;
        for (size_t cut = 0; cut <= length; cut += step) {
                struct h1_chunked again = { .max_overhead = MAX_OVERHEAD };
                struct outcome outcome = { .body = other_body };
                _cleanup_free_ char *piece = exact_copy(data, cut);
                feed(&again, piece, cut, &outcome);
                if (!outcome.is_fault && !outcome.is_done)
                        feed(&again, data + cut, length - cut, &outcome);
                require_same(&outcome, &whole);
        }

        struct h1_chunked bytewise = { .max_overhead = MAX_OVERHEAD };
        struct outcome outcome = { .body = other_body };
        for (size_t i = 0; i < length && !outcome.is_fault && !outcome.is_done; i++)
                feed(&bytewise, data + i, 1, &outcome);
        require_same(&outcome, &whole);
        return 0;
}
