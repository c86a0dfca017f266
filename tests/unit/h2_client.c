/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by hand, and their reading; HPACK's decoder is the library's, its encoder is literals alone. */
#include "h2_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "shared/syscall.h"

#define HEADER_SIZE 9
#define FNV_START 2166136261u

void h2_client_frame(struct text *out, enum h2_frame type, unsigned flags, uint32_t id, struct slice payload) {
        const char header[HEADER_SIZE] = {
                (char) (payload.length >> 16),
                (char) (payload.length >> 8),
                (char) payload.length,
                (char) type,
                (char) flags,
                (char) (id >> 24),
                (char) (id >> 16),
                (char) (id >> 8),
                (char) id,
        };
        text_append(out, (struct slice) { header, sizeof(header) });
        text_append(out, payload);
}

void h2_client_number(struct text *out, enum h2_frame type, uint32_t id, uint32_t number) {
        const char payload[] = { (char) (number >> 24), (char) (number >> 16), (char) (number >> 8), (char) number };
        h2_client_frame(out, type, 0, id, (struct slice) { payload, sizeof(payload) });
}

void h2_client_begin(struct text *out, uint32_t stream_window) {
        const char setting[] = {
                0,
                4,
                (char) (stream_window >> 24),
                (char) (stream_window >> 16),
                (char) (stream_window >> 8),
                (char) stream_window,
        };
        text_append(out, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        h2_client_frame(out, H2_FRAME_SETTINGS, 0, 0, (struct slice) { setting, sizeof(setting) });
}

static void append_string(struct text *block, const char *string) {
        size_t length = strlen(string);
        assert_true(length < 127);
        text_append(block, (struct slice) { (const char[]) { (char) length }, 1 });
        text_append_string(block, string);
}

void h2_client_field(struct text *block, const char *name, const char *value) {
        text_append(block, (struct slice) { "", 1 }); /* literal without indexing */
        append_string(block, name);
        append_string(block, value);
}

void h2_client_head(struct text *out, uint32_t id, const char *method, const char *path, struct slice more,
                    bool is_end) {
        struct text block = TEXT_INIT;
        h2_client_field(&block, ":method", method);
        h2_client_field(&block, ":scheme", "http");
        h2_client_field(&block, ":authority", "a.example");
        h2_client_field(&block, ":path", path);
        text_append(&block, more);
        h2_client_frame(out, H2_FRAME_HEADERS, H2_FLAG_END_HEADERS | (is_end ? H2_FLAG_END_STREAM : 0), id,
                        (struct slice) { block.data, block.length });
        text_done(&block);
}

void h2_client_data(struct text *out, uint32_t id, struct slice bytes, bool is_end) {
        h2_client_frame(out, H2_FRAME_DATA, is_end ? H2_FLAG_END_STREAM : 0, id, bytes);
}

static uint32_t digest_more(uint32_t digest, const void *data, size_t length) {
        const unsigned char *bytes = data;
        for (size_t i = 0; i < length; i++)
                digest = (digest ^ bytes[i]) * 16777619u;
        return digest;
}

uint32_t h2_client_digest(struct slice bytes) {
        return digest_more(FNV_START, bytes.data, bytes.length);
}

static uint32_t number_at(const char *bytes) {
        const unsigned char *b = (const unsigned char *) bytes;
        return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
}

static void read_head(nghttp2_hd_inflater *inflater, struct slice block, bool is_last,
                      struct h2_client_answer *answer) {
        unsigned status = 0;
        for (;;) {
                nghttp2_nv nv;
                int flags = 0;
                ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, (const uint8_t *) block.data, block.length,
                                                   is_last);
                assert_true(n >= 0);
                block = slice_from(block, (size_t) n);
                if ((flags & NGHTTP2_HD_INFLATE_EMIT) && nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0) {
                        status = (unsigned) atoi((const char *) nv.value);
                } else if ((flags & NGHTTP2_HD_INFLATE_EMIT) && answer->status) {
                        answer->has_trailers = true;
                        answer->digest = digest_more(answer->digest, nv.name, nv.namelen);
                        answer->digest = digest_more(answer->digest, nv.value, nv.valuelen);
                }
                if (flags & NGHTTP2_HD_INFLATE_FINAL) {
                        nghttp2_hd_inflate_end_headers(inflater);
                        break;
                }
                if (block.length == 0 && !(flags & NGHTTP2_HD_INFLATE_EMIT))
                        break;
        }
        if (status / 100 == 1)
                answer->informational++;
        else if (status)
                answer->status = status;
}

static void read_frame(struct h2_client_view *view, nghttp2_hd_inflater *inflater, const char *header,
                       struct slice payload) {
        enum h2_frame type = (enum h2_frame) header[3];
        unsigned flags = (unsigned char) header[4];
        uint32_t id = number_at(header + 5);
        struct h2_client_answer none = { .status = 200 }, *answer = &none; /* of a stream that is not kept */
        if (id % 2 == 1 && id / 2 < H2_CLIENT_STREAMS)
                answer = &view->answers[id / 2];
        switch (type) {
        case H2_FRAME_HEADERS:
                assert_false(answer->is_ended);
                read_head(inflater, payload, flags & H2_FLAG_END_HEADERS, answer);
                answer->is_ended = flags & H2_FLAG_END_STREAM;
                break;
        case H2_FRAME_DATA:
                assert_false(answer->is_ended);
                assert_true(answer->status > 0);
                answer->length += payload.length;
                answer->digest = digest_more(answer->digest, payload.data, payload.length);
                answer->is_ended = flags & H2_FLAG_END_STREAM;
                break;
        case H2_FRAME_RST_STREAM:
                assert_true(id != 0 && payload.length == 4);
                answer->reset = number_at(payload.data);
                break;
        case H2_FRAME_GOAWAY:
                assert_true(id == 0 && payload.length >= 8);
                view->goaways++;
                view->last_stream = number_at(payload.data);
                view->goaway = number_at(payload.data + 4);
                break;
        case H2_FRAME_SETTINGS:
                view->settings_acks += flags & H2_FLAG_ACK;
                break;
        case H2_FRAME_PING:
                view->pongs += flags & H2_FLAG_ACK;
                break;
        case H2_FRAME_WINDOW_UPDATE:
                assert_int_equal(payload.length, 4);
                view->window_sum += id == 0 ? number_at(payload.data) : 0;
                break;
        default:
                fail_msg("a frame of type %u", type);
        }
}

void h2_client_read(const struct text *received, struct h2_client_view *ret_view) {
        nghttp2_hd_inflater *inflater;
        struct slice left = { received->data, received->length };
        memset(ret_view, 0, sizeof(*ret_view));
        ret_view->goaway = -1;
        for (unsigned i = 0; i < H2_CLIENT_STREAMS; i++) {
                ret_view->answers[i].reset = -1;
                ret_view->answers[i].digest = FNV_START;
        }
        assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
        while (left.length >= HEADER_SIZE) {
                size_t length = number_at(left.data) >> 8;
                if (left.length < HEADER_SIZE + length)
                        break;
                read_frame(ret_view, inflater, left.data, (struct slice) { left.data + HEADER_SIZE, length });
                left = slice_from(left, HEADER_SIZE + length);
        }
        ret_view->is_whole = left.length == 0;
        nghttp2_hd_inflate_del(inflater);
}
