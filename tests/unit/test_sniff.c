/* SPDX-License-Identifier: Apache-2.0 */
/* Media types by the first bytes of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/sniff.h"
#include "shared/syscall.h"

#define BYTES(text) text, sizeof(text) - 1

static void test_types(void **state) {
        static const struct {
                const char *data;
                size_t length;
                const char *type;
        } cases[] = {
                { BYTES(""), "text/plain" },
                { BYTES("Read me first.\r\n\tAnd\x1b[0m then.\f"), "text/plain" },
                { BYTES("gr\xc3\xbc\xc3\x9f"), "text/plain" },
                { BYTES("\x00\x01\x02"), "application/octet-stream" },
                { BYTES("text\x08"), "application/octet-stream" },
                { BYTES("<!DOCTYPE html>"), "text/html" },
                { BYTES(" \n\t<!doctype HTML >"), "text/html" },
                { BYTES("<!doctype htmlx>"), "text/plain" },
                { BYTES("<html"), "text/plain" },
                { BYTES("<b>"), "text/html" },
                { BYTES("<bx>"), "text/plain" },
                { BYTES("<br >"), "text/html" },
                { BYTES("<!-- x"), "text/html" },
                { BYTES("\r\n<?xml version='1.0'?>"), "text/xml" },
                { BYTES("%PDF-1.7"), "application/pdf" },
                { BYTES(" %PDF-1.7"), "text/plain" },
                { BYTES("%!PS-Adobe-3.0"), "application/postscript" },
                { BYTES("\xfe\xff\x00\x41"), "text/plain" },
                { BYTES("\xff\xfe\x41\x00"), "text/plain" },
                { BYTES("\xef\xbb\xbf\x01"), "text/plain" },
                { BYTES("\x89PNG\r\n\x1a\n...."), "image/png" },
                { BYTES("GIF89a."), "image/gif" },
                { BYTES("\xff\xd8\xff\xe0"), "image/jpeg" },
                { BYTES("RIFF\x10\x00\x00\x00WEBPVP8 "), "image/webp" },
                { BYTES("RIFF\x10\x00\x00\x00WAVEfmt "), "audio/wave" },
                { BYTES("RIFF\x10\x00\x00\x00"
                        "AVI LIST"),
                  "video/avi" },
                { BYTES("RIFF\x10\x00\x00\x00WEB"), "application/octet-stream" },
                { BYTES("FORM\x00\x00\x00\x10"
                        "AIFF"),
                  "audio/aiff" },
                { BYTES("ID3\x03"), "audio/mpeg" },
                { BYTES("OggS\x00\x02"), "application/ogg" },
                { BYTES("MThd\x00\x00\x00\x06\x00\x01"), "audio/midi" },
                { BYTES("\x1f\x8b\x08\x00"), "application/gzip" },
                { BYTES("PK\x03\x04\x14"), "application/zip" },
                { BYTES("\x00\x00\x00\x10"
                        "ftypmp42\x00\x00\x00\x00"),
                  "video/mp4" },
                { BYTES("\x00\x00\x00\x14"
                        "ftypisom\x00\x00\x02\x00mp41"),
                  "video/mp4" },
                { BYTES("\x00\x00\x00\x14"
                        "ftypisom\x00\x00\x02\x00"
                        "avc1"),
                  "application/octet-stream" },
                { BYTES("\x00\x00\x01\x14"
                        "ftypmp42"),
                  "application/octet-stream" },
                { BYTES("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87"), "video/webm" },
                { BYTES("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska"), "application/octet-stream" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                const char *type = sniff_media_type(cases[i].data, cases[i].length);
                if (strcmp(type, cases[i].type) != 0)
                        fail_msg("case %zu: '%s', not '%s'", i, type, cases[i].type);
        }
}

/* Every beginning of every case, in memory of exactly its size, so that the sanitizer sees a byte too many. */
static void test_cut(void **state) {
        static const char *const files[] = {
                "\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
                "<!doctype html>",
                "RIFF1234WEBPVP",
                "%!PS-Adobe-3",
        };
        for (size_t i = 0; i < ELEMENTS_OF(files); i++)
                for (size_t length = 0; length <= strlen(files[i]); length++) {
                        char *copy = malloc(length + !length);
                        assert_non_null(copy);
                        memcpy(copy, files[i], length);
                        assert_non_null(sniff_media_type(copy, length));
                        free(copy);
                }
}

static void test_looks_at_the_beginning_only(void **state) {
        static char data[SNIFF_LENGTH + 1];
        memset(data, 'a', sizeof(data));
        data[SNIFF_LENGTH] = '\0';
        assert_string_equal(sniff_media_type(data, sizeof(data)), "text/plain");
        data[SNIFF_LENGTH - 1] = '\0';
        assert_string_equal(sniff_media_type(data, sizeof(data)), "application/octet-stream");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_looks_at_the_beginning_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
