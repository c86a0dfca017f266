/* SPDX-License-Identifier: Apache-2.0 */
/* Signed addresses: what was signed is taken, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/pace.h"
#include "http/signed_address.h"
#include "shared/syscall.h"

#define NOW 1764201600
#define HOST SLICE_LITERAL("example.org")
#define PATH SLICE_LITERAL("/files/a b.pdf")

/* As openssl(1) has it:
 *   printf 'ccodes-signed-1\0read\0example.org\0/files/a b.pdf\0%s\0old\0%s\0%s\0' 1764205200 '' '' |
 *       openssl dgst -sha256 -mac HMAC -macopt hexkey:11…11 -binary | basenc --base64url
 */
#define KNOWN "expires=1764205200&key=old&signature=5KvdlnrhxaJ-nlJe0AvWLMMoYygbdmi5vw2ciCAAiNY"

static struct key_ring *make_ring(void) {
        struct key_ring *ring;
        assert_int_equal(key_ring_parse(SLICE_LITERAL("ccodes-keys 1 sign\n"
                                                      "old "
                                                      "1111111111111111111111111111111111111111111111111111111111111111"
                                                      "\n"
                                                      "new "
                                                      "2222222222222222222222222222222222222222222222222222222222222222"
                                                      "\n"),
                                        KEY_PURPOSE_SIGN, NULL, &ring),
                         0);
        return ring;
}

static int check(const struct key_ring *ring, struct slice query, struct slice host, struct slice path, int64_t now) {
        struct signed_address address;
        int r = signed_address_parse(query, &address);
        return r < 0 ? r : signed_address_check(&address, ring, host, path, now);
}

static char *write_query(const struct key_ring *ring, const char *name, uint64_t rate) {
        const struct signed_request request = {
                .host = HOST, .path = PATH, .expires_at = NOW + 3600, .name = slice_of(name), .rate = rate
        };
        struct text text = TEXT_INIT;
        assert_int_equal(signed_address_write(&request, ring, &text), 0);
        char *query = NULL;
        assert_int_equal(text_finish(&text, &query, NULL), 0);
        return query;
}

static void it_is_what_openssl_makes(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        assert_int_equal(check(ring, SLICE_LITERAL(KNOWN), HOST, PATH, NOW), 0);
}

static void what_was_signed_is_taken(void **state) {
        static const char *const names[] = { NULL, "x", "report.pdf", "Übersicht 100%.pdf", "a&b=c;d\"e" };
        static const uint64_t speeds[] = { 0, 1, 1048576, HTTP_PACE_RATE_MAX };
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                for (size_t j = 0; j < ELEMENTS_OF(speeds); j++) {
                        _cleanup_free_ char *query = write_query(ring, names[i], speeds[j]);
                        struct signed_address address;
                        assert_int_equal(signed_address_parse(slice_of(query), &address), 0);
                        assert_int_equal(address.rate_bytes, speeds[j]);
                        assert_int_equal(address.expires_at, NOW + 3600);
                        assert_true(slice_equal_text(address.key, "new"));
                        assert_int_equal(signed_address_check(&address, ring, HOST, PATH, NOW), 0);
                }
        }
}

static void each_change_is_refused(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        _cleanup_free_ char *query = write_query(ring, "a.pdf", 1000);
        struct slice whole = slice_of(query);
        assert_int_equal(check(ring, whole, HOST, PATH, NOW), 0);
        assert_int_equal(check(ring, whole, SLICE_LITERAL("example.com"), PATH, NOW), -EKEYREJECTED);
        assert_int_equal(check(ring, whole, SLICE_NULL, PATH, NOW), -EKEYREJECTED);
        assert_int_equal(check(ring, whole, HOST, SLICE_LITERAL("/files/a b.pdg"), NOW), -EKEYREJECTED);
        assert_int_equal(check(ring, whole, HOST, SLICE_LITERAL("/files/"), NOW), -EKEYREJECTED);
        /* What moves from one to the other is not the same. */
        assert_int_equal(check(ring, whole, SLICE_LITERAL("example.org/files"), SLICE_LITERAL("/a b.pdf"), NOW),
                         -EKEYREJECTED);
        for (size_t at = 0; at < whole.length; at++) {
                for (unsigned bit = 0; bit < 8; bit++) {
                        query[at] ^= (char) (1 << bit);
                        if (check(ring, whole, HOST, PATH, NOW) == 0)
                                fail_msg("bit %u of character %zu was changed unseen: %s", bit, at, query);
                        query[at] ^= (char) (1 << bit);
                }
        }
        for (size_t length = 0; length < whole.length; length++)
                assert_int_not_equal(check(ring, (struct slice) { query, length }, HOST, PATH, NOW), 0);
}

static void it_ends_when_it_said(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        _cleanup_free_ char *query = write_query(ring, NULL, 0);
        assert_int_equal(check(ring, slice_of(query), HOST, PATH, NOW + 3599), 0);
        assert_int_equal(check(ring, slice_of(query), HOST, PATH, NOW + 3600), -EKEYEXPIRED);
        /* A forged one does not hear that it is late. */
        assert_int_equal(check(ring, slice_of(query), HOST, SLICE_LITERAL("/x"), NOW + 3600), -EKEYREJECTED);
}

static void keys_come_and_go(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        assert_int_equal(key_ring_remove(ring, SLICE_LITERAL("old")), 0);
        assert_int_equal(check(ring, SLICE_LITERAL(KNOWN), HOST, PATH, NOW), -ENOKEY);
}

#define SIGNATURE "&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void other_forms_are_malformed(void **state) {
        static const char *const queries[] = {
                "expires=&key=a" SIGNATURE,
                "expires=01&key=a" SIGNATURE,
                "expires=+1&key=a" SIGNATURE,
                "expires=-1&key=a" SIGNATURE,
                "expires=1x&key=a" SIGNATURE,
                "expires=1234567890123456789&key=a" SIGNATURE,
                "expires=1&key=" SIGNATURE,
                "expires=1&key=A" SIGNATURE,
                "expires=1&key=12345678901234567" SIGNATURE,
                "key=a&expires=1" SIGNATURE,
                "expires=1&expires=2&key=a" SIGNATURE,
                "expires=1&key=a&name=" SIGNATURE,
                "expires=1&key=a&name=%" SIGNATURE,
                "expires=1&key=a&name=%4" SIGNATURE,
                "expires=1&key=a&name=%zz" SIGNATURE,
                "expires=1&key=a&name=%00" SIGNATURE,
                "expires=1&key=a&name=a%0D%0Ab" SIGNATURE,
                "expires=1&key=a&name=..%2Fx" SIGNATURE,
                "expires=1&key=a&name=%5C" SIGNATURE,
                "expires=1&key=a&name=%FF" SIGNATURE,
                "expires=1&key=a&rate=0" SIGNATURE,
                "expires=1&key=a&rate=" SIGNATURE,
                "expires=1&key=a&rate=1099511627777" SIGNATURE,
                "expires=1&key=a&rate=1&name=a" SIGNATURE,
                "expires=1&key=a" SIGNATURE "A",
                "expires=1&key=a" SIGNATURE "&x=1",
                "expires=1&key=a" SIGNATURE "&",
                "x=1&expires=1&key=a" SIGNATURE,
                "expires=1&key=a&signature=AA",
        };
        (void) state;
        struct signed_address address;
        assert_int_equal(signed_address_parse(SLICE_LITERAL("expires=1&key=a" SIGNATURE), &address), 0);
        for (size_t i = 0; i < ELEMENTS_OF(queries); i++)
                if (signed_address_parse(slice_of(queries[i]), &address) != -EINVAL)
                        fail_msg("taken: %s", queries[i]);
        assert_int_equal(signed_address_parse(SLICE_NULL, &address), -ENOENT);
        assert_int_equal(signed_address_parse(SLICE_LITERAL("sort=name&asignature=x"), &address), -ENOENT);
        char name[256 * 3 + 1] = "";
        for (unsigned i = 0; i < 256; i++)
                strcat(name, "%41");
        _cleanup_text_ struct text text = TEXT_INIT;
        text_printf(&text, "expires=1&key=a&name=%s" SIGNATURE, name);
        assert_int_equal(signed_address_parse((struct slice) { text.data, text.length }, &address), -EINVAL);
}

static void names_that_none_can_have_are_not_signed(void **state) {
        static const char *const names[] = { "", "a/b", "a\\b", "a\nb", "\xff", "\x7f" };
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                struct signed_request request = { .host = HOST, .path = PATH, .name = slice_of(names[i]) };
                _cleanup_text_ struct text text = TEXT_INIT;
                assert_int_equal(signed_address_write(&request, ring, &text), -EINVAL);
        }
}

static void names_are_told_to_browsers(void **state) {
        static const struct {
                const char *name, *disposition;
        } cases[] = {
                { NULL, "attachment" },
                { "report.pdf", "attachment; filename=\"report.pdf\"" },
                { "a b;c.txt", "attachment; filename=\"a b;c.txt\"" },
                { "a\"b.txt", "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt" },
                { "50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt" },
                { "\xc3\x84rger \xe2\x82\xac.txt",
                  "attachment; filename=\"_rger _.txt\"; filename*=UTF-8''%C3%84rger%20%E2%82%AC.txt" },
        };
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = make_ring();
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_free_ char *query = write_query(ring, cases[i].name, 0);
                struct signed_address address;
                assert_int_equal(signed_address_parse(slice_of(query), &address), 0);
                _cleanup_text_ struct text text = TEXT_INIT;
                signed_address_write_disposition(&address, &text);
                assert_string_equal(text.data, cases[i].disposition);
        }
}

static void signatures_are_found_for_the_log(void **state) {
        static const struct {
                const char *target, *signature;
        } cases[] = {
                { "/a?expires=1&key=k&signature=abc", "abc" },
                { "/a?signature=abc&x=y", "abc" },
                { "https://h/a?x&signature=abc", "abc" },
                { "/a?my_signature=no&signature=yes", "yes" },
                { "/a?my_signature=no", NULL },
                { "/signature=no", NULL },
                { "", NULL },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct slice found = signed_address_find_signature(slice_of(cases[i].target));
                if (!cases[i].signature)
                        assert_null(found.data);
                else
                        assert_true(slice_equal_text(found, cases[i].signature));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_what_openssl_makes),
                cmocka_unit_test(what_was_signed_is_taken),
                cmocka_unit_test(each_change_is_refused),
                cmocka_unit_test(it_ends_when_it_said),
                cmocka_unit_test(keys_come_and_go),
                cmocka_unit_test(other_forms_are_malformed),
                cmocka_unit_test(names_that_none_can_have_are_not_signed),
                cmocka_unit_test(names_are_told_to_browsers),
                cmocka_unit_test(signatures_are_found_for_the_log),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
