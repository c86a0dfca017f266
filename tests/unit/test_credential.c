/* SPDX-License-Identifier: Apache-2.0 */
/* What clients show: tokens and passwords, well-formed and not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/credential.h"
#include "shared/base64.h"
#include "shared/syscall.h"

static int parse_basic(const char *pair, size_t length, struct credential *ret_credential) {
        char text[2048];
        size_t size = (size_t) snprintf(text, sizeof(text), "Basic ");
        base64_encode(pair, length, text + size);
        return credential_parse((struct slice) { text, size + BASE64_ENCODED_SIZE(length) }, ret_credential);
}

static void tokens_are_random_and_recognised(void **state) {
        char one[TOKEN_TEXT_LENGTH + 1], two[TOKEN_TEXT_LENGTH + 1], text[128], id[TOKEN_ID_LENGTH + 1];
        unsigned char digest[TOKEN_DIGEST_SIZE];
        struct credential credential;
        (void) state;
        assert_int_equal(token_text_make(one), 0);
        assert_int_equal(token_text_make(two), 0);
        assert_string_not_equal(one, two);
        assert_memory_equal(one, "cct_", 4);
        assert_int_equal(token_text_digest(slice_of(one), digest), 0);
        token_id_of(digest, id);
        assert_true(token_id_is_valid(slice_of(id)));
        static const char *const schemes[] = { "Bearer", "bearer", "BEARER  " };
        for (size_t i = 0; i < ELEMENTS_OF(schemes); i++) {
                (void) snprintf(text, sizeof(text), "%s %s ", schemes[i], one);
                assert_int_equal(credential_parse(slice_of(text), &credential), 0);
                assert_int_equal(credential.type, CREDENTIAL_TOKEN);
                assert_memory_equal(credential.digest, digest, sizeof(digest));
        }
        (void) snprintf(text, sizeof(text), "anybody:%s", one);
        assert_int_equal(parse_basic(text, strlen(text), &credential), 0);
        assert_int_equal(credential.type, CREDENTIAL_TOKEN);
        assert_memory_equal(credential.digest, digest, sizeof(digest));
}

static void a_password_may_have_colons(void **state) {
        static const char pair[] = "ann:correct:horse";
        struct credential credential;
        (void) state;
        assert_int_equal(parse_basic(pair, strlen(pair), &credential), 0);
        assert_int_equal(credential.type, CREDENTIAL_PASSWORD);
        assert_string_equal(credential.user, "ann");
        assert_string_equal(credential.password, "correct:horse");
}

static void what_nobody_can_have_is_refused(void **state) {
        static const char *const texts[] = {
                "",           "Bearer",     "Bearer ",     "Bearer x",      "Basic",          "Basic ====",
                "Basic YW5u", "Digest abc", "Basicx YQ==", "Bearercct_AAA", "Bearer cct_AAAA"
        };
        struct credential credential;
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++)
                assert_int_equal(credential_parse(slice_of(texts[i]), &credential), -EINVAL);
        static const struct slice pairs[] = { { "ann:short", 9 },
                                              { "Ann:long enough", 15 },
                                              { ":long enough", 12 },
                                              { "ann:long\0enough", 15 },
                                              { "a\0n:long enough", 15 } };
        for (size_t i = 0; i < ELEMENTS_OF(pairs); i++)
                assert_int_equal(parse_basic(pairs[i].data, pairs[i].length, &credential), -EINVAL);
        char longest[GRANT_USER_MAX + 1 + PASSWORD_MAX + 2];
        memset(longest, 'a', sizeof(longest));
        longest[GRANT_USER_MAX] = ':';
        assert_int_equal(parse_basic(longest, sizeof(longest) - 2, &credential), 0);
        assert_int_equal(parse_basic(longest, sizeof(longest) - 1, &credential), -EINVAL);
}

static void a_password_is_the_one_that_was_hashed(void **state) {
        char one[PASSWORD_HASH_MAX + 1], two[PASSWORD_HASH_MAX + 1];
        (void) state;
        assert_int_equal(password_hash("correct horse", one), 0);
        assert_int_equal(password_hash("correct horse", two), 0);
        assert_string_not_equal(one, two);
        assert_memory_equal(one, "$y$", 3);
        assert_int_equal(password_check("correct horse", one), 1);
        assert_int_equal(password_check("correct hors", one), 0);
        assert_int_equal(password_check("correct horse", ""), 0);
        assert_int_equal(password_check("correct horse", "*0"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tokens_are_random_and_recognised),
                cmocka_unit_test(a_password_may_have_colons),
                cmocka_unit_test(what_nobody_can_have_is_refused),
                cmocka_unit_test(a_password_is_the_one_that_was_hashed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
