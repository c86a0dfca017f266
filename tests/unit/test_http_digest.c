/* SPDX-License-Identifier: Apache-2.0 */
/* Digest fields (RFC 9530), the structured fields that they are (RFC 8941), and the base64 within. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/digest.h"
#include "http/structured_field.h"
#include "shared/base64.h"
#include "shared/syscall.h"

#define HELLO_SHA256 "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:" /* "hello" */

static void base64_has_one_form(void **state) {
        static const struct {
                const char *text;
                ssize_t length;
        } cases[] = {
                { "", 0 },           { "Zg==", 1 },       { "Zm8=", 2 },         { "Zm9v", 3 },
                { "Zm9vYg==", 4 },   { "Zh==", -EINVAL }, { "Zm9=", -EINVAL },   { "Zg=", -EINVAL },
                { "Zg", -EINVAL },   { "====", -EINVAL }, { "Z===", -EINVAL },   { "Zg==Zg==", -EINVAL },
                { "Zm 9", -EINVAL }, { "Zm-_", -EINVAL }, { "Zm9v\n", -EINVAL },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                char bytes[16], again[17] = { 0 };
                ssize_t length = base64_decode(slice_of(cases[i].text), bytes);
                assert_int_equal(length, cases[i].length);
                if (length < 0)
                        continue;
                base64_encode(bytes, (size_t) length, again);
                assert_string_equal(again, cases[i].text);
        }
}

/* The keys of a dictionary, with a comma behind each; "!" at the end where it is malformed. */
static const char *keys_of(const char *text) {
        static char keys[256];
        struct slice rest = slice_of(text);
        struct structured_member member;
        int r;
        keys[0] = '\0';
        while ((r = structured_dictionary_next(&rest, &member)) > 0) {
                strncat(keys, member.key.data, member.key.length);
                strcat(keys, ",");
        }
        return r < 0 ? strcat(keys, "!") : keys;
}

static void dictionaries_are_read_as_the_rfc_has_it(void **state) {
        static const char *const cases[][2] = {
                { "", "" },
                { "a=1", "a," },
                { "a=1, b;x;y=2 ,\tc=?0", "a,b,c," },
                { "a=(1 \"x\" tok;p=:YQ==:);q, b=1.5", "a,b," },
                { "a=\"\\\"\\\\,b=2\", *c=tok/en:", "a,*c," },
                { "a=@1659578233, b=-999999999999999", "a,b," },
                { "a=()", "a," },
                { "a=1,", "!" },
                { "a=1,,b=2", "a,!" },
                { "a=", "!" },
                { "A=1", "!" },
                { "1a=1", "!" },
                { "a=1 b=2", "!" },
                { "a=1000000000000000", "!" },
                { "a=1.", "!" },
                { "a=1.2345", "!" },
                { "a=1234567890123.1", "!" },
                { "a=-", "!" },
                { "a=\"x", "!" },
                { "a=\"\\x\"", "!" },
                { "a=\"\xc3\xa4\"", "!" },
                { "a=:YQ==", "!" },
                { "a=:Y Q:", "!" },
                { "a=?2", "!" },
                { "a=(1", "!" },
                { "a=(1\"x\")", "!" },
                { "a=@1.5", "!" },
                { "a;=1", "!" },
                { "a =1", "!" },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_string_equal(keys_of(cases[i][0]), cases[i][1]);
}

static void digests_are_held_against_contents(void **state) {
        struct digests expected, actual;
        struct digest_hasher hasher;
        char field[DIGEST_FIELD_SIZE];
        (void) state;
        assert_int_equal(digest_field_parse(SLICE_LITERAL("md5=:YQ==:, " HELLO_SHA256), &expected), 0);
        assert_int_equal(expected.set, 1U << DIGEST_SHA256);
        for (size_t split = 0; split <= 5; split++) {
                struct slice hello = SLICE_LITERAL("hello");
                assert_int_equal(digest_hasher_init(&hasher, 7), 0);
                assert_int_equal(digest_hasher_update(&hasher, (struct slice) { hello.data, split }), 0);
                assert_int_equal(digest_hasher_update(&hasher, slice_from(hello, split)), 0);
                assert_int_equal(digest_hasher_finish(&hasher, &actual), 0);
                assert_true(digests_match(&expected, &actual));
        }
        digest_field_format(DIGEST_SHA256, &actual.of[DIGEST_SHA256], field);
        assert_string_equal(field, HELLO_SHA256);
        actual.of[DIGEST_SHA256].bytes[31] ^= 1;
        assert_false(digests_match(&expected, &actual));
        actual.set = 0;
        assert_false(digests_match(&expected, &actual));
}

static void malformed_digests_are_found(void **state) {
        static const char *const fields[] = {
                "sha-256=abc",
                "sha-256=:YQ==:",
                "sha-256",
                "sha-256=\"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\"",
                "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ:",
                "sha-512=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
                "md5=1",
                HELLO_SHA256 ",",
        };
        struct digests digests;
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(fields); i++)
                assert_int_equal(digest_field_parse(slice_of(fields[i]), &digests), -EBADMSG);
        assert_int_equal(digest_field_parse(SLICE_NULL, &digests), 0);
        assert_int_equal(digests.set, 0);
}

static void the_best_liked_is_chosen(void **state) {
        (void) state;
        assert_int_equal(digest_field_choose(SLICE_LITERAL("sha-256=3, sha-512=10, unixsum=9")), DIGEST_SHA512);
        assert_int_equal(digest_field_choose(SLICE_LITERAL("sha-256=1")), DIGEST_SHA256);
        assert_int_equal(digest_field_choose(SLICE_LITERAL("sha-512=5, sha-512=0, sha-256=1")), DIGEST_SHA256);
        assert_int_equal(digest_field_choose(SLICE_LITERAL("sha-256=0")), -1);
        assert_int_equal(digest_field_choose(SLICE_LITERAL("sha-256=11")), -1);
        assert_int_equal(digest_field_choose(SLICE_LITERAL("md5=10")), -1);
        assert_int_equal(digest_field_choose(SLICE_NULL), -1);
}

static void checksums_of_tus(void **state) {
        struct digests digests;
        (void) state;
        assert_int_equal(digest_checksum_parse(SLICE_LITERAL("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="), &digests), 0);
        assert_int_equal(digests.set, 1U << DIGEST_SHA1);
        assert_int_equal(digest_checksum_parse(SLICE_LITERAL("md5 YQ=="), &digests), -ENOTSUP);
        assert_int_equal(digest_checksum_parse(SLICE_LITERAL("sha1"), &digests), -EBADMSG);
        assert_int_equal(digest_checksum_parse(SLICE_LITERAL("sha1 YQ=="), &digests), -EBADMSG);
        assert_int_equal(digest_checksum_parse(SLICE_NULL, &digests), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(base64_has_one_form),
                cmocka_unit_test(dictionaries_are_read_as_the_rfc_has_it),
                cmocka_unit_test(digests_are_held_against_contents),
                cmocka_unit_test(malformed_digests_are_found),
                cmocka_unit_test(the_best_liked_is_chosen),
                cmocka_unit_test(checksums_of_tus),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
