/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads: every scanner and every way of cutting the input in pieces yields the same; views lie in the head; what
 * is accepted keeps the grammar; the framing is never a guess. In pieces, a fault inside of a line may show only when the
 * head is complete. */
#include <errno.h>

#include "fuzz.h"
#include "http/h1/h1_scan.h"
#include "shared/syscall.h"

#define FIELDS_MAX 32
#define EVERY_CUT_BELOW 600 /* bytes; longer inputs are cut at every 16th byte */

static const struct h1_limits limits = { .max_request_line = 300, .max_head = 2000 };

struct outcome {
        ssize_t result;
        struct h1_request_head head;
        struct http_fault fault;
        struct http_fields fields;
        struct http_field items[FIELDS_MAX];
};

static void parse(const struct h1_scanner *scanner, const char *data, size_t length, size_t *scanned,
                  struct outcome *ret_outcome) {
        memset(ret_outcome, 0, sizeof(*ret_outcome));
        http_fields_init(&ret_outcome->fields, ret_outcome->items, FIELDS_MAX);
        ret_outcome->result = h1_parse_request_with(scanner, data, length, &limits, scanned, &ret_outcome->fields,
                                                    &ret_outcome->head, &ret_outcome->fault);
}

static bool is_same_view(struct slice a, struct slice b) {
        return a.data == b.data && a.length == b.length;
}

/* Both were parsed from the same memory, so that views are equal when their pointers are. */
static void require_same(const struct outcome *a, const struct outcome *b) {
        require(a->result == b->result);
        require(a->fault.cause == b->fault.cause && a->fault.detail == b->fault.detail);
        if (a->result < 0)
                return;
        require(a->head.method == b->head.method && a->head.minor_version == b->head.minor_version);
        require(is_same_view(a->head.method_name, b->head.method_name));
        require(is_same_view(a->head.target, b->head.target));
        require(a->fields.count == b->fields.count);
        for (unsigned i = 0; i < a->fields.count; i++) {
                const struct http_field *x = &a->items[i], *y = &b->items[i];
                require(is_same_view(x->name, y->name) && is_same_view(x->value, y->value));
                require(x->id == y->id && x->next == y->next);
        }
        require(memcmp(a->fields.first, b->fields.first, sizeof(a->fields.first)) == 0);
}

static void check_head(const struct outcome *outcome, const char *data, size_t length) {
        size_t head_length = (size_t) outcome->result;
        require(head_length <= length && head_length <= limits.max_head && head_length >= 4);
        require(memcmp(data + head_length - 4, "\r\n\r\n", 4) == 0);
        require(lies_within(outcome->head.method_name, data, head_length));
        require(lies_within(outcome->head.target, data, head_length));
        require(http_is_token(outcome->head.method_name) && outcome->head.target.length > 0);
        require(http_is_field_value(outcome->head.target) &&
                !memchr(outcome->head.target.data, ' ', outcome->head.target.length));
        require(outcome->head.minor_version <= 1);

        const char *at = outcome->head.target.data;
        for (unsigned i = 0; i < outcome->fields.count; i++) {
                const struct http_field *field = &outcome->items[i];
                require(lies_within(field->name, data, head_length) && lies_within(field->value, data, head_length));
                require(field->name.data > at && field->value.data > field->name.data + field->name.length);
                at = field->value.data;
                require(http_is_token(field->name) && http_is_field_value(field->value));
                require(slice_equal(slice_trim(field->value), field->value));
                require(field->id == http_field_id_from_name(field->name));
        }
}

static void check_framing(const struct outcome *outcome) {
        const struct http_fields *fields = &outcome->fields;
        enum h1_framing framing;
        uint64_t length;
        struct http_fault fault = { 0 };
        int r = h1_request_framing(fields, outcome->head.minor_version, &framing, &length, &fault);
        bool has_coding = http_fields_has(fields, HTTP_FIELD_TRANSFER_ENCODING);
        bool has_length = http_fields_has(fields, HTTP_FIELD_CONTENT_LENGTH);
        if (r < 0) {
                require(r == -EBADMSG && fault.cause != CAUSE_NONE && fault.detail && (has_coding || has_length));
                return;
        }
        require(!(has_coding && has_length));
        require((framing == H1_FRAMING_CHUNKED) == has_coding);
        require((framing == H1_FRAMING_LENGTH) == (length > 0));
        require(length <= INT64_MAX && (has_length || length == 0));
}

static bool is_head_open(const char *data, size_t length) {
        return !memmem(data, length, "\r\n\r\n", 4) && length < limits.max_head;
}

/* The outcome of pieces that together are the whole. */
static void require_outcome(const struct outcome *outcome, const struct outcome *whole, const char *data,
                            size_t length) {
        if (outcome->result == -EAGAIN && whole->result == -EBADMSG)
                require(is_head_open(data, length));
        else
                require_same(outcome, whole);
}

/* In two pieces at each cut, and as one piece that grows by each step; never with a byte beyond the piece. */
static void check_cuts(const struct h1_scanner *scanner, const char *data, size_t length, const struct outcome *whole) {
        size_t step = length < EVERY_CUT_BELOW ? 1 : 16, dribbled = 0;
        struct outcome growing = { .result = -EAGAIN };
        for (size_t cut = 0; cut <= length; cut += step) {
                struct outcome outcome;
                size_t scanned = 0;
                _cleanup_free_ char *piece = exact_copy(data, cut);
                parse(scanner, piece, cut, &scanned, &outcome);
                if (outcome.result == -EAGAIN) {
                        require(scanned <= cut);
                        parse(scanner, data, length, &scanned, &outcome);
                        require_outcome(&outcome, whole, data, length);
                } else
                        require(outcome.result == whole->result && outcome.fault.detail == whole->fault.detail);

                if (growing.result == -EAGAIN)
                        parse(scanner, data, cut, &dribbled, &growing);
        }
        if (growing.result == -EAGAIN)
                parse(scanner, data, length, &dribbled, &growing);
        require_outcome(&growing, whole, data, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
        const char *data = (const char *) bytes;
        const struct h1_scanner *scanners[3];
        size_t count = h1_scanners(scanners);
        struct outcome whole;
        size_t scanned = 0;

        parse(scanners[0], data, length, &scanned, &whole);
        for (size_t i = 1; i < count; i++) {
                struct outcome other;
                scanned = 0;
                parse(scanners[i], data, length, &scanned, &other);
                require_same(&other, &whole);
        }
        require(whole.result > 0 || whole.result == -EAGAIN || whole.result == -EBADMSG);
        if (whole.result == -EBADMSG)
                require(whole.fault.cause != CAUSE_NONE && whole.fault.detail);
        if (whole.result > 0) {
                check_head(&whole, data, length);
                check_framing(&whole);
        }
        check_cuts(scanners[length % count], data, length, &whole);
        return 0;
}
