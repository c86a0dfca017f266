/* SPDX-License-Identifier: Apache-2.0 */
/* Compression: what comes out is smaller and decodes to the same bytes, in every coding and at every level. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "http/compress/compress.h"
#include "shared/syscall.h"

static const struct {
        enum http_coding coding;
        int level_min, level_max;
} codings[] = {
        { HTTP_CODING_BROTLI, 0, 11 },
        { HTTP_CODING_ZSTD, 1, 22 },
        { HTTP_CODING_GZIP, 1, 9 },
};

/* Text that compresses, of any length. */
static char *make_text(size_t length) {
        static const char *const words[] = { "<li>", "</li>", "<a href=\"/", "server", "request", " and ", "\n" };
        unsigned short seed[3] = { 1, 1, 1 };
        char *text = malloc(length + 16);
        assert_non_null(text);
        for (size_t at = 0; at < length;) {
                const char *word = words[(size_t) nrand48(seed) % ELEMENTS_OF(words)];
                size_t room = MIN_OF(strlen(word), length - at);
                memcpy(text + at, word, room);
                at += room;
        }
        return text;
}

static size_t decode_gzip(const void *coded, size_t length, char *ret_text, size_t capacity) {
        z_stream stream = { .next_in = (Bytef *) coded,
                            .avail_in = (uInt) length,
                            .next_out = (Bytef *) ret_text,
                            .avail_out = (uInt) capacity };
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.avail_in, 0);
        assert_int_equal(inflateEnd(&stream), Z_OK);
        return stream.total_out;
}

static size_t decode(enum http_coding coding, const void *coded, size_t length, char *ret_text, size_t capacity) {
        size_t decoded = capacity;
        switch (coding) {
        case HTTP_CODING_BROTLI:
                assert_int_equal(BrotliDecoderDecompress(length, coded, &decoded, (uint8_t *) ret_text),
                                 BROTLI_DECODER_RESULT_SUCCESS);
                return decoded;
        case HTTP_CODING_ZSTD:
                decoded = ZSTD_decompress(ret_text, capacity, coded, length);
                assert_false(ZSTD_isError(decoded));
                return decoded;
        default:
                return decode_gzip(coded, length, ret_text, capacity);
        }
}

static void check(enum http_coding coding, int level, const char *text, size_t length) {
        _cleanup_free_ void *coded = NULL;
        _cleanup_free_ char *decoded = malloc(length + 1);
        size_t coded_length = 0;
        assert_non_null(decoded);
        assert_int_equal(http_compress(coding, level, (struct slice) { text, length }, NULL, &coded, &coded_length), 0);
        assert_in_range(coded_length, 1, length - 1);
        assert_int_equal(decode(coding, coded, coded_length, decoded, length + 1), length);
        assert_memory_equal(decoded, text, length);
}

static void all_are_built(void **state) {
        (void) state;
        assert_int_equal(http_compress_codings(), HTTP_CODING_BROTLI | HTTP_CODING_ZSTD | HTTP_CODING_GZIP);
}

/* A body of several slices ends at the next one once it shall stop; and is made whole while it shall not. */
static void a_long_compression_can_be_stopped(void **state) {
        (void) state;
        const size_t length = (size_t) 1 << 20;
        _cleanup_free_ char *text = calloc(1, length);
        atomic_bool stop = true;
        assert_non_null(text);
        for (size_t i = 0; i < length; i++)
                text[i] = (char) ('a' + i * i % 23 % 7);
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++) {
                void *coded = NULL;
                size_t coded_length;
                assert_int_equal(http_compress(codings[i].coding, 5, (struct slice) { text, length }, &stop, &coded,
                                               &coded_length),
                                 -ECANCELED);
                assert_null(coded);
                check(codings[i].coding, 5, text, length);
        }
}

/* Clients need not accept a window above 8 MiB (RFC 9659). The header is the part of the frame that says it. */
static void zstd_keeps_to_the_window_of_clients(void **state) {
        (void) state;
        const size_t length = (size_t) 9 << 20;
        _cleanup_free_ char *text = calloc(1, length);
        _cleanup_free_ void *coded = NULL;
        size_t coded_length;
        assert_non_null(text);
        assert_int_equal(http_compress(HTTP_CODING_ZSTD, 22, (struct slice) { text, length }, NULL, &coded,
                                       &coded_length),
                         0);
        const uint8_t *header = coded;
        assert_int_equal(header[4] & 0x20, 0); /* not a single segment: a window descriptor follows */
        assert_true(header[5] >> 3 <= 13);     /* 2^(10 + 13) bytes */
}

static void every_level_decodes_to_the_same(void **state) {
        (void) state;
        static const size_t lengths[] = { 200, 4096, 70000 };
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++) {
                for (int level = codings[i].level_min; level <= codings[i].level_max; level++)
                        for (size_t k = 0; k < ELEMENTS_OF(lengths); k++) {
                                _cleanup_free_ char *text = make_text(lengths[k]);
                                check(codings[i].coding, level, text, lengths[k]);
                        }
        }
}

/* More than the windows of brotli and zstd at these levels. */
static void a_large_body(void **state) {
        (void) state;
        const size_t length = (size_t) 20 << 20;
        _cleanup_free_ char *text = make_text(length);
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++)
                check(codings[i].coding, 1, text, length);
}

static void what_does_not_become_smaller_is_refused(void **state) {
        (void) state;
        char noise[2000];
        unsigned short seed[3] = { 5, 5, 5 };
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (char) nrand48(seed);
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++) {
                void *coded = NULL;
                size_t coded_length = 42;
                static const size_t lengths[] = { 0, 1, 2, 3, sizeof(noise) };
                for (size_t k = 0; k < ELEMENTS_OF(lengths); k++)
                        assert_int_equal(http_compress(codings[i].coding, 5, (struct slice) { noise, lengths[k] }, NULL,
                                                       &coded, &coded_length),
                                         -E2BIG);
                assert_null(coded);
                assert_int_equal(coded_length, 42);
        }
}

static void what_makes_no_sense_is_refused(void **state) {
        (void) state;
        static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        void *coded = NULL;
        size_t length;
        assert_int_equal(http_compress(HTTP_CODING_IDENTITY, 1, (struct slice) { text, sizeof(text) }, NULL, &coded,
                                       &length),
                         -EINVAL);
        assert_int_equal(http_compress((enum http_coding) 3, 1, (struct slice) { text, sizeof(text) }, NULL, &coded,
                                       &length),
                         -EINVAL);
        for (size_t i = 0; i < ELEMENTS_OF(codings); i++) {
                assert_int_equal(http_compress(codings[i].coding, codings[i].level_min - 1,
                                               (struct slice) { text, sizeof(text) }, NULL, &coded, &length),
                                 -EINVAL);
                assert_int_equal(http_compress(codings[i].coding, codings[i].level_max + 1,
                                               (struct slice) { text, sizeof(text) }, NULL, &coded, &length),
                                 -EINVAL);
        }
        assert_null(coded);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_are_built),
                cmocka_unit_test(a_long_compression_can_be_stopped),
                cmocka_unit_test(zstd_keeps_to_the_window_of_clients),
                cmocka_unit_test(every_level_decodes_to_the_same),
                cmocka_unit_test(a_large_body),
                cmocka_unit_test(what_does_not_become_smaller_is_refused),
                cmocka_unit_test(what_makes_no_sense_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
