/* SPDX-License-Identifier: Apache-2.0 */
/* Grants as a thief would use them: forged, stale, widened, for another request, under another key. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "auth/grant_signer.h"
#include "shared/base64.h"
#include "shared/syscall.h"

#define NOW 1000000
#define LIFETIME 30

static const struct grant_request request = {
        .audience = { "server", 6 },
        .method = { "PUT", 3 },
        .host = { "files.example", 13 },
        .path = { "/in/a", 5 },
};
static const struct slice scope = { "upload:in", 9 };

struct fixture {
        char folder[32], secret[64], public_file[64];
        struct grant_signer *signer;
        struct grant_keys keys;
        struct grant_binding binding;
        struct text text; /* a good grant */
};

static struct slice text_of(const struct fixture *fixture) {
        return (struct slice) { fixture->text.data, fixture->text.length };
}

static void read_keys(struct fixture *fixture) {
        _cleanup_free_ char *data = NULL;
        size_t length;
        struct error error = ERROR_INIT;
        assert_int_equal(read_whole_file(AT_FDCWD, fixture->public_file, 4096, &data, &length), 0);
        assert_int_equal(grant_keys_parse((struct slice) { data, length }, &error, &fixture->keys), 0);
}

static struct grant make_grant(const struct fixture *fixture) {
        return (struct grant) { .issued = NOW,
                                .lifetime = LIFETIME,
                                .role = ROLE_OPERATOR,
                                .binding = fixture->binding,
                                .user = "ann",
                                .scope = "upload:in" };
}

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        struct error error = ERROR_INIT;
        strcpy(fixture->folder, "/tmp/test-grant-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        (void) snprintf(fixture->secret, sizeof(fixture->secret), "%s/secret", fixture->folder);
        (void) snprintf(fixture->public_file, sizeof(fixture->public_file), "%s/public", fixture->folder);
        assert_int_equal(grant_signer_new(fixture->secret, fixture->public_file, NOW, &error, &fixture->signer), 0);
        assert_int_equal(grant_binding_make(&request, &fixture->binding), 0);
        read_keys(fixture);
        struct grant grant = make_grant(fixture);
        assert_int_equal(grant_signer_sign(fixture->signer, &grant, &fixture->text), 0);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        grant_signer_free(fixture->signer);
        text_done(&fixture->text);
        (void) unlink(fixture->secret);
        (void) unlink(fixture->public_file);
        assert_int_equal(rmdir(fixture->folder), 0);
        free(fixture);
        return 0;
}

static int check(const struct fixture *fixture, struct slice text) {
        struct grant grant;
        return grant_check(text, &fixture->keys, &fixture->binding, scope, NOW + 1, &grant);
}

static void a_good_grant_says_who_and_what(void **state) {
        struct fixture *fixture = *state;
        struct grant grant;
        assert_int_equal(grant_check(text_of(fixture), &fixture->keys, &fixture->binding, scope, NOW, &grant), 0);
        assert_string_equal(grant.user, "ann");
        assert_string_equal(grant.scope, "upload:in");
        assert_int_equal(grant.role, ROLE_OPERATOR);
        assert_int_equal(grant_expires(&grant), NOW + LIFETIME);
        assert_true(fixture->text.length <= GRANT_TEXT_MAX);
}

static void a_stale_grant_is_refused_and_one_from_the_future(void **state) {
        struct fixture *fixture = *state;
        struct grant grant;
        static const struct {
                int64_t now;
                int expected;
        } rows[] = {
                { NOW + LIFETIME - 1, 0 },
                { NOW + LIFETIME, -EKEYEXPIRED },
                { NOW - GRANT_SKEW_MAX, 0 },
                { NOW - GRANT_SKEW_MAX - 1, -EKEYEXPIRED },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++)
                assert_int_equal(grant_check(text_of(fixture), &fixture->keys, &fixture->binding, scope, rows[i].now,
                                             &grant),
                                 rows[i].expected);
}

static void each_part_of_the_request_is_bound(void **state) {
        struct fixture *fixture = *state;
        const struct slice other = SLICE_LITERAL("other");
        for (unsigned part = 0; part < 5; part++) {
                struct grant_request replayed = request;
                struct slice *parts[] = { &replayed.audience, &replayed.method, &replayed.host, &replayed.path,
                                          &replayed.query };
                *parts[part] = other;
                struct grant_binding binding;
                struct grant grant;
                assert_int_equal(grant_binding_make(&replayed, &binding), 0);
                assert_int_equal(grant_check(text_of(fixture), &fixture->keys, &binding, scope, NOW, &grant), -EBADE);
        }
}

static void parts_of_a_request_cannot_run_into_each_other(void **state) {
        struct grant_request one = { .method = { "PUT", 3 }, .host = { "ab", 2 } };
        struct grant_request two = { .method = { "PUTa", 4 }, .host = { "b", 1 } };
        struct grant_binding first, second;
        (void) state;
        assert_int_equal(grant_binding_make(&one, &first), 0);
        assert_int_equal(grant_binding_make(&two, &second), 0);
        assert_memory_not_equal(&first, &second, sizeof(first));
}

static void another_scope_is_refused_and_a_role_that_cannot_have_it(void **state) {
        struct fixture *fixture = *state;
        _cleanup_text_ struct text text = TEXT_INIT;
        struct grant grant;
        assert_int_equal(grant_check(text_of(fixture), &fixture->keys, &fixture->binding, SLICE_LITERAL("upload:inn"),
                                     NOW, &grant),
                         -EACCES);
        struct grant viewer = make_grant(fixture);
        viewer.role = ROLE_VIEWER;
        assert_int_equal(grant_signer_sign(fixture->signer, &viewer, &text), 0);
        assert_int_equal(check(fixture, (struct slice) { text.data, text.length }), -EACCES);
}

/* Every bit: what is widened, prolonged or put in another name is no longer what was signed. */
static void a_changed_bit_anywhere_is_refused(void **state) {
        struct fixture *fixture = *state;
        for (size_t i = 0; i < fixture->text.length; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        fixture->text.data[i] ^= (char) (1U << bit);
                        int r = check(fixture, text_of(fixture));
                        if (r != -EBADMSG && r != -ENOKEY && r != -EKEYREJECTED)
                                fail_msg("byte %zu, bit %u: %d", i, bit, r);
                        fixture->text.data[i] ^= (char) (1U << bit);
                }
        assert_int_equal(check(fixture, text_of(fixture)), 0);
}

static void a_widened_grant_has_a_wrong_signature(void **state) {
        struct fixture *fixture = *state;
        unsigned char message[GRANT_MESSAGE_MAX], signature[GRANT_SIGNATURE_SIZE];
        struct grant grant;
        size_t length;
        assert_int_equal(grant_decode(text_of(fixture), message, &length, signature, &grant), 0);
        for (unsigned way = 0; way < 4; way++) {
                struct grant wide = grant;
                _cleanup_text_ struct text text = TEXT_INIT;
                wide.role = way == 0 ? ROLE_ADMIN : wide.role;
                wide.lifetime = way == 1 ? GRANT_LIFETIME_MAX : wide.lifetime;
                wide.user[0] = way == 2 ? 'x' : wide.user[0];
                wide.issued += way == 3 ? 1 : 0;
                grant_append(&text, message, grant_encode(&wide, message), signature);
                assert_int_equal(check(fixture, (struct slice) { text.data, text.length }), -EKEYREJECTED);
        }
}

static void a_cut_or_longer_grant_is_malformed(void **state) {
        struct fixture *fixture = *state;
        for (size_t length = 0; length < fixture->text.length; length++)
                assert_int_not_equal(check(fixture, (struct slice) { fixture->text.data, length }), 0);
        for (unsigned i = 0; i < 4; i++) {
                text_append_char(&fixture->text, 'A');
                assert_int_not_equal(check(fixture, text_of(fixture)), 0);
        }
}

static void another_key_is_not_enough(void **state) {
        struct fixture *fixture = *state, *other = NULL;
        void *slot = NULL;
        (void) set_up(&slot);
        other = slot;
        assert_int_equal(check(fixture, text_of(other)), -ENOKEY);
        /* The thief names the right key, but signs with his own. */
        unsigned char message[GRANT_MESSAGE_MAX], signature[GRANT_SIGNATURE_SIZE];
        struct grant grant;
        size_t length;
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(grant_decode(text_of(other), message, &length, signature, &grant), 0);
        memcpy(grant.key_id, fixture->keys.items[0].id, sizeof(grant.key_id));
        grant_append(&text, message, grant_encode(&grant, message), signature);
        assert_int_equal(check(fixture, (struct slice) { text.data, text.length }), -EKEYREJECTED);
        (void) tear_down(&slot);
}

static void keys_are_kept_and_rotated_with_an_overlap(void **state) {
        struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        struct stat status;
        assert_int_equal(stat(fixture->secret, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(stat(fixture->public_file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0644);
        assert_false(grant_signer_is_due(fixture->signer, NOW + 9, 10));
        assert_true(grant_signer_is_due(fixture->signer, NOW + 10, 10));

        assert_int_equal(grant_signer_rotate(fixture->signer, NOW + 10, &error), 0);
        assert_false(grant_signer_is_due(fixture->signer, NOW + 10, 10));
        _cleanup_text_ struct text text = TEXT_INIT;
        struct grant grant = make_grant(fixture);
        assert_int_equal(grant_signer_sign(fixture->signer, &grant, &text), 0);
        struct slice fresh = { text.data, text.length };
        assert_int_equal(check(fixture, fresh), -ENOKEY); /* the verifier has to read the keys again */
        read_keys(fixture);
        assert_int_equal(fixture->keys.count, 2);
        assert_int_equal(check(fixture, fresh), 0);
        assert_int_equal(check(fixture, text_of(fixture)), 0);

        /* A restart has the same keys; two rotations later the first one is gone. */
        grant_signer_free(fixture->signer);
        fixture->signer = NULL;
        assert_int_equal(grant_signer_new(fixture->secret, fixture->public_file, NOW, &error, &fixture->signer), 0);
        assert_int_equal(check(fixture, fresh), 0);
        assert_int_equal(grant_signer_rotate(fixture->signer, NOW + 20, &error), 0);
        read_keys(fixture);
        assert_int_equal(check(fixture, fresh), 0);
        assert_int_equal(check(fixture, text_of(fixture)), -ENOKEY);
}

static void a_damaged_file_of_keys_is_not_replaced(void **state) {
        struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        struct grant_signer *signer = NULL;
        FILE *file = fopen(fixture->secret, "w");
        assert_non_null(file);
        fputs("ed25519 1 AAAA\n", file);
        fclose(file);
        assert_int_equal(grant_signer_new(fixture->secret, fixture->public_file, NOW, &error, &signer), -EBADMSG);
        assert_non_null(strstr(error.text, "holds no signing keys"));
}

static void base64url_has_one_form(void **state) {
        static const struct {
                const char *text, *bytes;
                ssize_t length;
        } rows[] = {
                { "", "", 0 },
                { "Zg", "f", 1 },
                { "Zm8", "fo", 2 },
                { "Zm9v", "foo", 3 },
                { "-_8", "\xfb\xff", 2 },
                { "Zh", NULL, -EINVAL },
                { "Zm9", NULL, -EINVAL },
                { "Z", NULL, -EINVAL },
                { "Zg==", NULL, -EINVAL },
                { "+/8", NULL, -EINVAL },
                { "Zm9vZm9v", NULL, -ENOBUFS },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                char bytes[4], text[8];
                assert_int_equal(base64url_decode(slice_of(rows[i].text), bytes, sizeof(bytes)), rows[i].length);
                if (rows[i].length < 0)
                        continue;
                assert_memory_equal(bytes, rows[i].bytes, (size_t) rows[i].length);
                base64url_encode(bytes, (size_t) rows[i].length, text);
                assert_memory_equal(text, rows[i].text, strlen(rows[i].text));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_good_grant_says_who_and_what, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_stale_grant_is_refused_and_one_from_the_future, set_up, tear_down),
                cmocka_unit_test_setup_teardown(each_part_of_the_request_is_bound, set_up, tear_down),
                cmocka_unit_test(parts_of_a_request_cannot_run_into_each_other),
                cmocka_unit_test_setup_teardown(another_scope_is_refused_and_a_role_that_cannot_have_it, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_changed_bit_anywhere_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_widened_grant_has_a_wrong_signature, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_cut_or_longer_grant_is_malformed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(another_key_is_not_enough, set_up, tear_down),
                cmocka_unit_test_setup_teardown(keys_are_kept_and_rotated_with_an_overlap, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_damaged_file_of_keys_is_not_replaced, set_up, tear_down),
                cmocka_unit_test(base64url_has_one_form),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
