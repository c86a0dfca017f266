/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate stands behind a name: the table by itself, and what clients are really shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls_testing.h"

#include "shared/syscall.h"
#include "tls/tls_sni.h"

/* Certificates of which only kind and names count. */
static struct tls_certificate fake(enum tls_key_kind kind, const char *const *names) {
        struct tls_certificate certificate = { .kind = kind };
        certificate.names.items = (char **) names;
        while (names[certificate.names.count])
                certificate.names.count++;
        return certificate;
}

static const struct tls_certificate *chosen(const struct tls_sni *sni, const char *name, enum tls_key_kind kind) {
        return tls_sni_choose(sni, slice_of(name))->of[kind];
}

static void an_exact_name_beats_a_wildcard_beats_the_first(void **state) {
        (void) state;
        const struct tls_certificate certificates[] = {
                fake(TLS_KEY_ECDSA, (const char *const[]) { "first.example", "b.example.org", NULL }),
                fake(TLS_KEY_ECDSA, (const char *const[]) { "*.example.org", NULL }),
                fake(TLS_KEY_ECDSA, (const char *const[]) { "example.org", "a.example.org", "first.example", NULL }),
                fake(TLS_KEY_RSA, (const char *const[]) { "first.example", "*.a.example.org", NULL }),
                fake(TLS_KEY_RSA, (const char *const[]) { "first.example", NULL }),
        };
        struct tls_sni sni;
        assert_int_equal(tls_sni_init(certificates, ELEMENTS_OF(certificates), &sni), 0);
        assert_ptr_equal(chosen(&sni, "a.example.org", TLS_KEY_ECDSA), &certificates[2]);
        assert_ptr_equal(chosen(&sni, "b.example.org", TLS_KEY_ECDSA), &certificates[0]);
        assert_ptr_equal(chosen(&sni, "c.example.org", TLS_KEY_ECDSA), &certificates[1]);
        assert_null(chosen(&sni, "c.example.org", TLS_KEY_RSA));
        assert_ptr_equal(chosen(&sni, "example.org", TLS_KEY_ECDSA), &certificates[2]);
        assert_ptr_equal(chosen(&sni, "x.a.example.org", TLS_KEY_RSA), &certificates[3]);
        assert_null(chosen(&sni, "x.a.example.org", TLS_KEY_ECDSA));

        /* The first of each kind under one name; the same for no name and for an unknown one. */
        static const char *const names[] = {
                "first.example", NULL, "unknown.example", "x.y.a.example.org", ".", "", "a.", ".example.org"
        };
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                assert_ptr_equal(chosen(&sni, names[i], TLS_KEY_ECDSA), &certificates[0]);
                assert_ptr_equal(chosen(&sni, names[i], TLS_KEY_RSA), &certificates[3]);
                assert_null(chosen(&sni, names[i], TLS_KEY_EDWARDS));
        }
        tls_sni_done(&sni);
}

static void a_long_name_is_only_unknown(void **state) {
        (void) state;
        const struct tls_certificate certificate = fake(TLS_KEY_RSA, (const char *const[]) { NULL });
        struct tls_sni sni;
        assert_int_equal(tls_sni_init(&certificate, 1, &sni), 0);
        char name[2000];
        memset(name, 'a', sizeof(name));
        name[1] = '.';
        assert_ptr_equal(tls_sni_choose(&sni, (struct slice) { name, sizeof(name) })->of[TLS_KEY_RSA], &certificate);
        tls_sni_done(&sni);
}

static void every_one_of_many_names_is_found(void **state) {
        (void) state;
        enum { COUNT = 1000 };
        struct tls_certificate *certificates = calloc(COUNT, sizeof(*certificates));
        for (int i = 0; i < COUNT; i++) {
                struct tls_names *names = &certificates[i].names;
                names->items = calloc(2, sizeof(char *));
                names->count = 2;
                assert_true(asprintf(&names->items[0], "host%d.example", (i * 7919) % COUNT) > 0);
                assert_true(asprintf(&names->items[1], "*.host%d.example", (i * 7919) % COUNT) > 0);
        }
        struct tls_sni sni;
        assert_int_equal(tls_sni_init(certificates, COUNT, &sni), 0);
        for (int i = 0; i < COUNT; i++) {
                char name[64];
                (void) snprintf(name, sizeof(name), "host%d.example", (i * 7919) % COUNT);
                assert_ptr_equal(chosen(&sni, name, TLS_KEY_ECDSA), &certificates[i]);
                (void) snprintf(name, sizeof(name), "www.host%d.example", (i * 7919) % COUNT);
                assert_ptr_equal(chosen(&sni, name, TLS_KEY_ECDSA), &certificates[i]);
        }
        tls_sni_done(&sni);
        for (int i = 0; i < COUNT; i++)
                tls_names_done(&certificates[i].names);
        free(certificates);
}

static bool covers(const char *name, const char *host) {
        const struct tls_names names = { (char *[]) { (char *) name }, 1 };
        return tls_names_cover(&names, slice_of(host));
}

static void wildcards_stand_for_one_label(void **state) {
        (void) state;
        assert_true(covers("a.example", "a.example"));
        assert_false(covers("a.example", "b.a.example"));
        assert_true(covers("*.example", "a.example"));
        assert_false(covers("*.example", "example"));
        assert_false(covers("*.example", ".example"));
        assert_false(covers("*.example", "a.b.example"));
        assert_true(covers("127.0.0.1", "127.0.0.1"));
        assert_true(covers("::1", "[::1]"));
        assert_true(covers("::1", "::1"));
        assert_false(covers("a.example", ""));
}

static void add_name(GENERAL_NAMES *names, const char *bytes, int length) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *string = ASN1_IA5STRING_new();
        assert_int_equal(ASN1_STRING_set(string, bytes, length), 1);
        GENERAL_NAME_set0_value(name, GEN_DNS, string);
        assert_true(sk_GENERAL_NAME_push(names, name) > 0);
}

static void names_that_could_deceive_are_left_out(void **state) {
        (void) state;
        struct identity identity;
        identity_make(&(struct identity_options) { "x" }, &identity);
        GENERAL_NAMES *alternatives = sk_GENERAL_NAME_new_null();
        add_name(alternatives, "good.example\0.evil.example", 26);
        add_name(alternatives, "two words.example", 17);
        add_name(alternatives, "", 0);
        add_name(alternatives, "Fine.Example", 12);
        assert_int_equal(X509_add1_ext_i2d(identity.certificate, NID_subject_alt_name, alternatives, 0, 0), 1);
        GENERAL_NAMES_free(alternatives);
        struct tls_names names;
        bool only_common_name;
        assert_int_equal(tls_names_of(identity.certificate, &names, &only_common_name), 0);
        assert_false(only_common_name);
        assert_int_equal(names.count, 1);
        assert_string_equal(names.items[0], "fine.example");
        tls_names_done(&names);
        identity_done(&identity);
}

/* What a client that names `name` and knows `algorithms` is shown. */
static void expect_shown(struct tls_context *context, SSL_CTX *client, const char *name, const char *algorithms,
                         int version, const struct identity *expected) {
        struct test_connection connection;
        test_connection_init(&connection, context, client);
        if (name)
                assert_int_equal(SSL_set_tlsext_host_name(connection.client, name), 1);
        assert_int_equal(SSL_set1_sigalgs_list(connection.client, algorithms), 1);
        assert_int_equal(SSL_set_max_proto_version(connection.client, version), 1);
        int r = test_connection_handshake(&connection);
        if (expected) {
                assert_int_equal(r, 0);
                X509 *shown = SSL_get1_peer_certificate(connection.client);
                assert_int_equal(X509_cmp(shown, expected->certificate), 0);
                X509_free(shown);
        } else {
                assert_int_equal(r, -EPROTO);
        }
        test_connection_done(&connection);
}

#define ECDSA_ONLY "ECDSA+SHA256"
#define RSA_ONLY "RSA-PSS+SHA256:RSA+SHA256"
#define BOTH RSA_ONLY ":" ECDSA_ONLY

static void clients_are_shown_what_they_name_and_know(void **state) {
        (void) state;
        struct test_folder folder;
        test_folder_init(&folder);
        struct identity ecdsa, rsa, wild;
        identity_make(&(struct identity_options) { .common_name = "e", .names = "DNS:a.example,DNS:e.example" },
                      &ecdsa);
        identity_make(&(struct identity_options) { .common_name = "r", .names = "DNS:a.example", .key = "RSA" }, &rsa);
        identity_make(&(struct identity_options) { .common_name = "w", .names = "DNS:*.Wild.example" }, &wild);
        const struct config_certificate certificates[] = {
                test_folder_write_identity(&folder, "ecdsa", &ecdsa, NULL),
                test_folder_write_identity(&folder, "rsa", &rsa, NULL),
                test_folder_write_identity(&folder, "wild", &wild, NULL),
        };
        struct tls_context *context = test_context_new(certificates, 3, NULL, NULL, false);
        SSL_CTX *client = test_client_new();
        static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                int version = versions[i];
                expect_shown(context, client, "a.example", BOTH, version, &ecdsa);
                expect_shown(context, client, "A.Example", RSA_ONLY, version, &rsa);
                expect_shown(context, client, "a.example", ECDSA_ONLY, version, &ecdsa);
                expect_shown(context, client, "e.example", BOTH, version, &ecdsa);
                expect_shown(context, client, "e.example", RSA_ONLY, version, NULL);
                expect_shown(context, client, "x.wild.example", BOTH, version, &wild);
                expect_shown(context, client, NULL, RSA_ONLY, version, &rsa);
                expect_shown(context, client, "unknown.example", ECDSA_ONLY, version, &ecdsa);
        }

        /* A listener that names its certificates shows no others, and the first named by default. */
        const char *chosen_names[] = { "wild", "rsa" };
        struct config_listener listener = test_listener;
        listener.certificates = (struct config_strings) { chosen_names, 2 };
        struct tls_context *narrow = test_context_new(certificates, 3, &listener, NULL, false);
        expect_shown(narrow, client, "e.example", BOTH, TLS1_3_VERSION, &wild);
        expect_shown(narrow, client, "a.example", BOTH, TLS1_3_VERSION, &rsa);
        expect_shown(narrow, client, NULL, BOTH, TLS1_3_VERSION, &wild);

        SSL_CTX_free(client);
        tls_context_unref(context);
        tls_context_unref(narrow);
        identity_done(&ecdsa);
        identity_done(&rsa);
        identity_done(&wild);
        test_folder_done(&folder);
}

static void requests_may_come_for_what_the_certificate_covers(void **state) {
        (void) state;
        struct test_folder folder;
        test_folder_init(&folder);
        struct identity ecdsa, rsa;
        identity_make(&(struct identity_options) { .common_name = "e",
                                                   .names = "DNS:a.example,DNS:b.example,"
                                                            "DNS:*.c.example,IP:127.0.0.1,IP:::1" },
                      &ecdsa);
        identity_make(&(struct identity_options) { .common_name = "r", .names = "DNS:a.example", .key = "RSA" }, &rsa);
        const struct config_certificate certificates[] = {
                test_folder_write_identity(&folder, "ecdsa", &ecdsa, NULL),
                test_folder_write_identity(&folder, "rsa", &rsa, NULL),
        };
        struct tls_context *context = test_context_new(certificates, 2, NULL, NULL, false);
        static const struct {
                const char *sni, *host;
                bool covered;
        } cases[] = {
                { "a.example", "a.example", true },
                { "b.example", "a.example", true },
                { "a.example", "b.example", false }, /* the RSA certificate, which may have been shown, has it not */
                { "b.example", "x.c.example", true },
                { "b.example", "c.example", false },
                { "b.example", "127.0.0.1", true },
                { "b.example", "[::1]", true },
                { "b.example", "[::2]", false },
                { NULL, "whatever.example", true },
                { "other.example", "other.example", true },
                { "other.example", "a.example", true },
                { "other.example", "b.example", false },
                { "other.example", "third.example", false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_int_equal(tls_context_covers(context, slice_of(cases[i].sni), slice_of(cases[i].host)),
                                 cases[i].covered);
        tls_context_unref(context);
        identity_done(&ecdsa);
        identity_done(&rsa);
        test_folder_done(&folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_exact_name_beats_a_wildcard_beats_the_first),
                cmocka_unit_test(a_long_name_is_only_unknown),
                cmocka_unit_test(every_one_of_many_names_is_found),
                cmocka_unit_test(wildcards_stand_for_one_label),
                cmocka_unit_test(names_that_could_deceive_are_left_out),
                cmocka_unit_test(clients_are_shown_what_they_name_and_know),
                cmocka_unit_test(requests_may_come_for_what_the_certificate_covers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
