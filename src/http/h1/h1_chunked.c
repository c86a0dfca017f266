/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked coding, a byte at a time but for the data, so that it makes no difference where its pieces are cut. Strict
 * where leniency has been used for smuggling: no white space around a size, no line end but CR LF, sizes below 2^60,
 * extensions and trailers within a bound. */
#include "http/byte_class.h"
#include "http/h1/h1_parse.h"
#include "shared/syscall.h"

#define SIZE_DIGITS_MAX 15

enum state {
        SIZE,
        EXTENSION,
        SIZE_LF,
        DATA,
        DATA_CR,
        DATA_LF,
        TRAILER_START,
        TRAILER_NAME,
        TRAILER_VALUE,
        TRAILER_LF,
        END_LF,
        DONE,
};

static int ambiguous(struct http_fault *ret_fault, const char *detail) {
        return http_fault_set(ret_fault, CAUSE_FRAMING_AMBIGUOUS, detail);
}

static int malformed(struct http_fault *ret_fault, const char *detail) {
        return http_fault_set(ret_fault, CAUSE_REQUEST_MALFORMED, detail);
}

static bool is_control(char byte) {
        return http_byte_is(byte, HTTP_BYTE_CONTROL) && byte != '\t';
}

static int enter(struct h1_chunked *chunked, enum state state) {
        chunked->state = (uint8_t) state;
        return 0;
}

/* Counts one byte that is neither data nor needed to frame it. */
static bool exceeds_overhead(struct h1_chunked *chunked) {
        return ++chunked->overhead > chunked->max_overhead;
}

static int take_size(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        int digit = http_byte_hex(byte);
        if (digit >= 0) {
                if (chunked->digits == SIZE_DIGITS_MAX)
                        return ambiguous(ret_fault, "a chunk size has more than 15 digits (RFC 9112 section 7.1)");
                if (chunked->digits > 0 && chunked->left == 0 && exceeds_overhead(chunked))
                        return ambiguous(ret_fault, "chunk sizes have too many leading zeros");
                chunked->left = chunked->left << 4 | (uint64_t) digit;
                chunked->digits++;
                return 0;
        }
        if (chunked->digits == 0 || (byte != ';' && byte != '\r'))
                return ambiguous(ret_fault, "a chunk size is not digits and CR LF or \";\" (RFC 9112 section 7.1)");
        return enter(chunked, byte == ';' ? EXTENSION : SIZE_LF);
}

static int take_extension(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        if (byte == '\r')
                return enter(chunked, SIZE_LF);
        if (is_control(byte))
                return ambiguous(ret_fault, "a chunk extension has a control character (RFC 9112 section 7.1.1)");
        if (exceeds_overhead(chunked))
                return ambiguous(ret_fault, "chunk extensions are longer than max_chunk_overhead");
        return 0;
}

static int take_trailer_name(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        if (http_byte_is(byte, HTTP_BYTE_TOKEN)) {
                if (chunked->name_length < H1_TRAILER_NAME_MAX)
                        chunked->name[chunked->name_length] = byte;
                if (chunked->name_length <= H1_TRAILER_NAME_MAX)
                        chunked->name_length++;
                return enter(chunked, TRAILER_NAME);
        }
        if (byte != ':' || chunked->name_length == 0)
                return malformed(ret_fault, "a trailer is not a name and a colon (RFC 9112 section 5)");
        size_t kept = MIN_OF(chunked->name_length, (uint8_t) H1_TRAILER_NAME_MAX);
        if (http_field_is_forbidden_as_trailer((struct slice) { chunked->name, kept }))
                return malformed(ret_fault,
                                 "a trailer frames, routes or authenticates the request (RFC 9110 section 6.5.1)");
        return enter(chunked, TRAILER_VALUE);
}

static int take_trailer_value(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        if (byte == '\r')
                return enter(chunked, TRAILER_LF);
        return is_control(byte) ? malformed(ret_fault, "a trailer has a control character (RFC 9110 section 5.5)") : 0;
}

static void keep(struct h1_chunked *chunked, char byte) {
        if (chunked->trailers)
                text_append_char(chunked->trailers, byte);
}

static int take_trailer(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        if (chunked->state == TRAILER_START) {
                chunked->name_length = 0;
                if (byte == '\r')
                        return enter(chunked, END_LF);
        }
        if (exceeds_overhead(chunked))
                return http_fault_set(ret_fault, CAUSE_FIELDS_TOO_LARGE, "trailers are longer than max_chunk_overhead");
        keep(chunked, byte);
        if (chunked->state == TRAILER_VALUE)
                return take_trailer_value(chunked, byte, ret_fault);
        return take_trailer_name(chunked, byte, ret_fault);
}

static int take_fixed(struct h1_chunked *chunked, char byte, char expected, enum state next,
                      struct http_fault *ret_fault) {
        if (byte != expected)
                return ambiguous(ret_fault, "CR LF is missing in a chunked body (RFC 9112 section 7.1)");
        return enter(chunked, next);
}

static int take_framing(struct h1_chunked *chunked, char byte, struct http_fault *ret_fault) {
        switch ((enum state) chunked->state) {
        case SIZE:
                return take_size(chunked, byte, ret_fault);
        case EXTENSION:
                return take_extension(chunked, byte, ret_fault);
        case SIZE_LF:
                return take_fixed(chunked, byte, '\n', chunked->left ? DATA : TRAILER_START, ret_fault);
        case DATA_CR:
                return take_fixed(chunked, byte, '\r', DATA_LF, ret_fault);
        case DATA_LF:
                chunked->digits = 0;
                return take_fixed(chunked, byte, '\n', SIZE, ret_fault);
        case TRAILER_LF:
                keep(chunked, byte);
                return take_fixed(chunked, byte, '\n', TRAILER_START, ret_fault);
        case END_LF:
                return take_fixed(chunked, byte, '\n', DONE, ret_fault);
        default:
                return take_trailer(chunked, byte, ret_fault);
        }
}

ssize_t h1_chunked_decode(struct h1_chunked *chunked, const char *data, size_t length, struct slice *ret_body,
                          bool *ret_done, struct http_fault *ret_fault) {
        struct slice body = SLICE_NULL;
        size_t at = 0;
        while (at < length && chunked->state != DONE) {
                if (chunked->state != DATA) {
                        int r = take_framing(chunked, data[at], ret_fault);
                        if (r < 0)
                                return r;
                        at++;
                        continue;
                }
                if (body.data)
                        break;
                body = (struct slice) { data + at, MIN_OF(chunked->left, length - at) };
                at += body.length;
                chunked->left -= body.length;
                if (chunked->left == 0)
                        chunked->state = DATA_CR;
        }
        *ret_body = body;
        *ret_done = chunked->state == DONE;
        return (ssize_t) at;
}
