/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a content coding, and lists of media types. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/negotiate.h"
#include "shared/syscall.h"

#define BR HTTP_CODING_BROTLI
#define ZSTD HTTP_CODING_ZSTD
#define GZIP HTTP_CODING_GZIP
#define ALL (BR | ZSTD | GZIP)

static const enum http_coding preference[] = { BR, ZSTD, GZIP };

static void codings_are_chosen(void **state) {
        (void) state;
        static const struct {
                const char *field; /* NULL: absent */
                unsigned available;
                enum http_coding coding;
        } rows[] = {
                { NULL, ALL, HTTP_CODING_IDENTITY },
                { "", ALL, HTTP_CODING_IDENTITY },
                { "identity", ALL, HTTP_CODING_IDENTITY },
                { "gzip", ALL, GZIP },
                { "GZip", ALL, GZIP },
                { "x-gzip", ALL, GZIP },
                { "gzip", BR, HTTP_CODING_IDENTITY },
                { "gzip, deflate, br, zstd", ALL, BR },
                { "gzip, deflate, br, zstd", ZSTD | GZIP, ZSTD },
                { "gzip, deflate, br, zstd", 0, HTTP_CODING_IDENTITY },
                { "deflate", ALL, HTTP_CODING_IDENTITY },
                { "*", ALL, BR },
                { "*", GZIP, GZIP },
                { "br;q=0, *", ALL, ZSTD },
                { "gzip;q=1.0, br;q=0.5", ALL, GZIP },
                { "gzip;q=0.001, br;q=0", ALL, GZIP },
                { "gzip;q=0", ALL, HTTP_CODING_IDENTITY },
                { "gzip ; Q=0.5 , identity;q=0.6", ALL, HTTP_CODING_IDENTITY },
                { "gzip;q=0.5, identity;q=0.5", ALL, GZIP },
                { "identity;q=0", ALL, HTTP_CODING_IDENTITY }, /* nothing is acceptable */
                { "identity;q=0, gzip;q=0.1", ALL, GZIP },
                { "*;q=0", ALL, HTTP_CODING_IDENTITY },
                { "*;q=0, gzip", ALL, GZIP },
                { "*;q=0.5, gzip;q=0.4", ALL, BR },
                { "*;q=0.5, gzip;q=0.4", GZIP, HTTP_CODING_IDENTITY },
                /* malformed elements count as not said */
                { "gzip;q=2, br;q=0.1", ALL, BR },
                { "gzip;q=1.001, br;q=0.1", ALL, BR },
                { "gzip;q=0.1234, br;q=0.1", ALL, BR },
                { "gzip;q=, br;q=0.1", ALL, BR },
                { "gzip;q=-1, br;q=0.1", ALL, BR },
                { "gzip;q=.5, br;q=0.1", ALL, BR },
                { "gzip;q=1,0", ALL, GZIP },
                { "gzip;level=9", ALL, HTTP_CODING_IDENTITY },
                { "gzip;", ALL, HTTP_CODING_IDENTITY },
                { ";q=1, gz ip", ALL, HTTP_CODING_IDENTITY },
                { "gzip;q=1.", ALL, GZIP },
                { "gzip;q=0.", ALL, HTTP_CODING_IDENTITY },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct http_accept_encoding accept;
                http_accept_encoding_parse(slice_of(rows[i].field), &accept);
                enum http_coding coding =
                                http_coding_choose(&accept, rows[i].available, preference, ELEMENTS_OF(preference));
                if (coding != rows[i].coding)
                        fail_msg("\"%s\": %d", rows[i].field, coding);
        }
}

static void weights_are_exact(void **state) {
        (void) state;
        struct http_accept_encoding accept;
        http_accept_encoding_parse(SLICE_LITERAL("br;q=0.123,gzip;q=0.05,zstd;q=1.000,identity;q=0.9"), &accept);
        assert_int_equal(accept.weight[0], 900);
        assert_int_equal(accept.weight[1], 123);
        assert_int_equal(accept.weight[2], 1000);
        assert_int_equal(accept.weight[3], 50);
}

static void the_order_of_preference_breaks_ties(void **state) {
        (void) state;
        struct http_accept_encoding accept;
        http_accept_encoding_parse(SLICE_LITERAL("br, gzip, zstd"), &accept);
        assert_int_equal(http_coding_choose(&accept, ALL, (enum http_coding[]) { GZIP, BR }, 2), GZIP);
        assert_int_equal(http_coding_choose(&accept, ALL, (enum http_coding[]) { ZSTD }, 1), ZSTD);
        assert_int_equal(http_coding_choose(&accept, ALL, NULL, 0), HTTP_CODING_IDENTITY);
}

static void codings_have_names(void **state) {
        (void) state;
        assert_true(slice_equal_text(http_coding_name(HTTP_CODING_IDENTITY), "identity"));
        assert_true(slice_equal_text(http_coding_name(BR), "br"));
        assert_true(slice_equal_text(http_coding_name(ZSTD), "zstd"));
        assert_true(slice_equal_text(http_coding_name(GZIP), "gzip"));
}

static void media_types_in_lists(void **state) {
        (void) state;
        static const char *const patterns[] = { "text/", "application/json", "+json", "image/svg+xml" };
        static const struct {
                const char *type;
                bool is_in;
        } rows[] = {
                { "text/html", true },
                { "Text/HTML; charset=utf-8", true },
                { "text/", true },
                { "application/json", true },
                { "application/json ;charset=utf-8", true },
                { "application/jsonx", false },
                { "application/ld+json", true },
                { "image/svg+xml", true },
                { "image/png", false },
                { "text", false },
                { "context/html", false },
                { "", false },
                { ";text/html", false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++)
                if (http_media_type_in(slice_of(rows[i].type), patterns, ELEMENTS_OF(patterns)) != rows[i].is_in)
                        fail_msg("\"%s\"", rows[i].type);
        assert_true(http_media_type_in(SLICE_LITERAL("image/png"), (const char *const[]) { "*" }, 1));
        assert_false(http_media_type_in(SLICE_LITERAL("image/png"), NULL, 0));
        assert_false(http_media_type_in(SLICE_NULL, patterns, ELEMENTS_OF(patterns)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(codings_are_chosen),
                cmocka_unit_test(weights_are_exact),
                cmocka_unit_test(the_order_of_preference_breaks_ties),
                cmocka_unit_test(codings_have_names),
                cmocka_unit_test(media_types_in_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
