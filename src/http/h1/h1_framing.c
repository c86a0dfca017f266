/* SPDX-License-Identifier: Apache-2.0 */
/* The framing of a body (RFC 9112 section 6.3), decided so that no other reader of the same head can decide
 * otherwise: whatever has been read in two ways by some implementation is refused. */
#include <errno.h>

#include "http/byte_class.h"
#include "http/h1/h1_parse.h"
#include "shared/syscall.h"

/* Longest Content-Length: 19 digits are below 2^64 whatever they are. */
#define LENGTH_DIGITS_MAX 19

static bool is_other_coding(struct slice name) {
        static const struct slice codings[] = {
                SLICE_LITERAL("gzip"),     SLICE_LITERAL("x-gzip"),     SLICE_LITERAL("deflate"),
                SLICE_LITERAL("compress"), SLICE_LITERAL("x-compress"),
        };
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++)
                if (slice_equal_nocase(name, codings[i]))
                        return true;
        return false;
}

/* Whether the value is a list of registered codings whose last, and only the last, is "chunked": well-formed, though not
 * spoken here. */
static bool ends_with_chunked(struct slice value) {
        const struct slice chunked = SLICE_LITERAL("chunked");
        if (value.length <= chunked.length)
                return false;
        struct slice last = slice_from(value, value.length - chunked.length);
        struct slice others = slice_trim((struct slice) { value.data, value.length - chunked.length });
        if (!slice_equal_nocase(last, chunked) || others.length == 0 || others.data[others.length - 1] != ',')
                return false;

        struct slice element;
        others.length--;
        if (others.length == 0)
                return false;
        while (http_list_next(&others, &element))
                if (!is_other_coding(element))
                        return false;
        return true;
}

static int check_transfer_encoding(const struct http_fields *fields, unsigned minor_version,
                                   struct http_fault *ret_fault) {
        struct slice value = http_fields_get(fields, HTTP_FIELD_TRANSFER_ENCODING);
        if (http_fields_has(fields, HTTP_FIELD_CONTENT_LENGTH))
                return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS,
                                      "both Content-Length and Transfer-Encoding are there (RFC 9112 section 6.3)");
        if (minor_version == 0)
                return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS,
                                      "Transfer-Encoding stands in an HTTP/1.0 message (RFC 9112 section 6.1)");
        if (http_fields_is_repeated(fields, HTTP_FIELD_TRANSFER_ENCODING))
                return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS, "Transfer-Encoding is repeated");
        if (slice_equal_nocase(value, SLICE_LITERAL("chunked")))
                return 0;
        if (ends_with_chunked(value))
                return http_fault_set(ret_fault, CAUSE_METHOD_UNKNOWN,
                                      "a transfer coding other than chunked is not implemented (RFC 9112 section 6.1)");
        return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS,
                              "Transfer-Encoding is not exactly one chunked (RFC 9112 section 6.3)");
}

static int parse_content_length(struct slice value, uint64_t *ret_length) {
        if (value.length == 0 || value.length > LENGTH_DIGITS_MAX)
                return -EBADMSG;
        uint64_t length = 0;
        for (size_t i = 0; i < value.length; i++) {
                if (!http_byte_is_digit(value.data[i]))
                        return -EBADMSG;
                length = length * 10 + (uint64_t) (value.data[i] - '0');
        }
        if (length > INT64_MAX)
                return -EBADMSG;
        *ret_length = length;
        return 0;
}

int h1_request_framing(const struct http_fields *fields, unsigned minor_version, enum h1_framing *ret_framing,
                       uint64_t *ret_length, struct http_fault *ret_fault) {
        uint64_t length = 0;
        enum h1_framing framing = H1_FRAMING_NONE;

        if (http_fields_has(fields, HTTP_FIELD_TRANSFER_ENCODING)) {
                int r = check_transfer_encoding(fields, minor_version, ret_fault);
                if (r < 0)
                        return r;
                framing = H1_FRAMING_CHUNKED;
        } else if (http_fields_has(fields, HTTP_FIELD_CONTENT_LENGTH)) {
                if (http_fields_is_repeated(fields, HTTP_FIELD_CONTENT_LENGTH))
                        return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS,
                                              "Content-Length is repeated (RFC 9112 section 6.3)");
                if (parse_content_length(http_fields_get(fields, HTTP_FIELD_CONTENT_LENGTH), &length) < 0)
                        return http_fault_set(
                                        ret_fault, CAUSE_FRAMING_AMBIGUOUS,
                                        "Content-Length is not a number of at most 2^63 - 1 (RFC 9110 section 8.6)");
                framing = length ? H1_FRAMING_LENGTH : H1_FRAMING_NONE;
        }
        *ret_framing = framing;
        *ret_length = length;
        return 0;
}

int h1_response_framing(const struct http_fields *fields, const struct h1_response_head *head, enum http_method method,
                        enum h1_framing *ret_framing, uint64_t *ret_length, struct http_fault *ret_fault) {
        int r = h1_request_framing(fields, head->minor_version, ret_framing, ret_length, ret_fault);
        if (r < 0)
                return r;
        if (method == HTTP_METHOD_HEAD || head->status < 200 || head->status == 204 || head->status == 304) {
                *ret_framing = H1_FRAMING_NONE;
                *ret_length = 0;
        } else if (*ret_framing == H1_FRAMING_NONE && !http_fields_has(fields, HTTP_FIELD_CONTENT_LENGTH)) {
                *ret_framing = H1_FRAMING_CLOSE;
        }
        return 0;
}
