/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses: which are shown, which are not and why, and that clients who ask get them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>

#include "tls_testing.h"

#include "shared/syscall.h"
#include "tls/tls_context_private.h"

struct fixture {
        struct test_folder folder;
        struct identity authority, leaf, other;
        time_t now;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        test_folder_init(&fixture->folder);
        identity_make(&(struct identity_options) { "ca", .is_authority = true }, &fixture->authority);
        identity_make(&(struct identity_options) { "leaf", "DNS:a.example", .issuer = &fixture->authority },
                      &fixture->leaf);
        identity_make(&(struct identity_options) { "other", "DNS:b.example", .issuer = &fixture->authority },
                      &fixture->other);
        fixture->now = time(NULL);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        identity_done(&fixture->authority);
        identity_done(&fixture->leaf);
        identity_done(&fixture->other);
        test_folder_done(&fixture->folder);
        free(fixture);
        return 0;
}

struct statement {
        const struct identity *about, *signer;
        int status;        /* V_OCSP_CERTSTATUS_ */
        long begins, ends; /* seconds from now; `ends` 0: not said */
        const EVP_MD *digest;
};

static size_t make_response(const struct fixture *fixture, const struct statement *statement, unsigned char **ret_der) {
        OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
        const EVP_MD *digest = statement->digest ? statement->digest : EVP_sha1();
        OCSP_CERTID *id = OCSP_cert_to_id(digest, statement->about->certificate, fixture->authority.certificate);
        ASN1_TIME *begin = X509_gmtime_adj(NULL, statement->begins), *end = NULL;
        if (statement->ends)
                end = X509_gmtime_adj(NULL, statement->ends);
        ASN1_TIME *revoked = statement->status == V_OCSP_CERTSTATUS_REVOKED ? begin : NULL;
        assert_non_null(OCSP_basic_add1_status(basic, id, statement->status, 0, revoked, begin, end));
        assert_int_equal(OCSP_basic_sign(basic, statement->signer->certificate, statement->signer->key, EVP_sha256(),
                                         NULL, OCSP_NOCERTS),
                         1);
        OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
        *ret_der = NULL;
        int length = i2d_OCSP_RESPONSE(response, ret_der);
        assert_true(length > 0);
        OCSP_RESPONSE_free(response);
        OCSP_BASICRESP_free(basic);
        OCSP_CERTID_free(id);
        ASN1_TIME_free(begin);
        ASN1_TIME_free(end);
        return (size_t) length;
}

static int check_bytes(const struct fixture *fixture, const void *bytes, size_t length, struct error *error) {
        struct tls_staple staple = { 0 };
        int r = tls_staple_check(bytes, length, fixture->leaf.certificate, fixture->authority.certificate, fixture->now,
                                 error, &staple);
        if (r == 0) {
                assert_int_equal(staple.length, length);
                assert_memory_equal(staple.response, bytes, length);
        }
        tls_staple_done(&staple);
        return r;
}

static void expect(const struct fixture *fixture, const struct statement *statement, int code, const char *words) {
        unsigned char *der;
        size_t length = make_response(fixture, statement, &der);
        struct error error = ERROR_INIT;
        assert_int_equal(check_bytes(fixture, der, length, &error), code);
        OPENSSL_free(der);
        if (words && !strstr(error.text, words))
                fail_msg("'%s' is not in: %s", words, error.text);
}

static void a_current_response_is_shown(void **state) {
        const struct fixture *fixture = *state;
        expect(fixture, &(struct statement) { &fixture->leaf, &fixture->authority, V_OCSP_CERTSTATUS_GOOD, -60, 3600 },
               0, NULL);
        expect(fixture,
               &(struct statement) { &fixture->leaf, &fixture->authority, V_OCSP_CERTSTATUS_GOOD, 60, 3600,
                                     EVP_sha256() },
               0, NULL);
}

static void others_are_not(void **state) {
        const struct fixture *fixture = *state;
        const struct identity *leaf = &fixture->leaf, *ca = &fixture->authority;
        expect(fixture, &(struct statement) { leaf, ca, V_OCSP_CERTSTATUS_REVOKED, -60, 3600 }, -EKEYREVOKED,
               "revoked");
        expect(fixture, &(struct statement) { leaf, ca, V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600 }, -EBADMSG,
               "does not say that the certificate is good");
        expect(fixture, &(struct statement) { leaf, ca, V_OCSP_CERTSTATUS_GOOD, -7200, -1 }, -ESTALE, "out of date");
        expect(fixture, &(struct statement) { leaf, ca, V_OCSP_CERTSTATUS_GOOD, 3600, 7200 }, -ESTALE, "the future");
        expect(fixture, &(struct statement) { leaf, ca, V_OCSP_CERTSTATUS_GOOD, -60, 0 }, -EBADMSG, "until when");
        expect(fixture, &(struct statement) { &fixture->other, ca, V_OCSP_CERTSTATUS_GOOD, -60, 3600 }, -EBADMSG,
               "about another certificate");
        expect(fixture, &(struct statement) { leaf, &fixture->other, V_OCSP_CERTSTATUS_GOOD, -60, 3600 }, -EBADMSG,
               "not signed by the issuer");
}

static void bytes_that_are_no_response_are_refused(void **state) {
        const struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        assert_int_equal(check_bytes(fixture, "", 0, &error), -EBADMSG);
        assert_int_equal(check_bytes(fixture, "-----BEGIN", 10, &error), -EBADMSG);
        assert_string_equal(error.text, "it is not an OCSP response in DER");
        static const unsigned char later[] = { 0x30, 0x03, 0x0a, 0x01, 0x03 };
        error = ERROR_INIT;
        assert_int_equal(check_bytes(fixture, later, sizeof(later), &error), -EBADMSG);
        assert_string_equal(error.text, "the responder answered 'trylater'");

        unsigned char *der;
        size_t length = make_response(
                        fixture,
                        &(struct statement) { &fixture->leaf, &fixture->authority, V_OCSP_CERTSTATUS_GOOD, -60, 3600 },
                        &der);
        for (size_t cut = 0; cut < length; cut++)
                assert_true(check_bytes(fixture, der, cut, NULL) < 0);
        for (size_t i = 0; i < length; i++) {
                der[i] ^= 0x81;
                assert_true(check_bytes(fixture, der, length, NULL) < 0);
                der[i] ^= 0x81;
        }
        struct tls_staple staple = { 0 };
        error = ERROR_INIT;
        assert_int_equal(tls_staple_check((char *) der, length, fixture->leaf.certificate, NULL, fixture->now, &error,
                                          &staple),
                         -EBADMSG);
        assert_non_null(strstr(error.text, "without the issuer's certificate"));
        OPENSSL_free(der);
}

static int remember_response(SSL *ssl, void *userdata) {
        const unsigned char *response;
        *(long *) userdata = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
        return 1;
}

static void expect_staple(struct tls_context *context, bool asks, int version, long expected) {
        long length = -2;
        SSL_CTX *client = test_client_new();
        (void) SSL_CTX_set_max_proto_version(client, version);
        (void) SSL_CTX_set_tlsext_status_cb(client, remember_response);
        (void) SSL_CTX_set_tlsext_status_arg(client, &length);
        struct test_connection connection;
        test_connection_init(&connection, context, client);
        if (asks)
                assert_int_equal(SSL_set_tlsext_status_type(connection.client, TLSEXT_STATUSTYPE_ocsp), 1);
        test_connection_establish(&connection);
        assert_int_equal(length, expected);
        test_connection_done(&connection);
        SSL_CTX_free(client);
}

static void note_warning(const char *text, void *userdata) {
        (void) snprintf(userdata, 512, "%s", text);
}

static void clients_that_ask_are_shown_it(void **state) {
        struct fixture *fixture = *state;
        unsigned char *der;
        size_t length = make_response(
                        fixture,
                        &(struct statement) { &fixture->leaf, &fixture->authority, V_OCSP_CERTSTATUS_GOOD, -60, 3600 },
                        &der);
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->leaf, &fixture->authority);
        config.ocsp = test_folder_write(&fixture->folder, "main.ocsp", der, length);
        OPENSSL_free(der);
        struct tls_context *context = test_context_new(&config, 1, NULL, NULL, false);
        static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                expect_staple(context, true, versions[i], (long) length);
                expect_staple(context, false, versions[i], -2);
        }
        context->certificates[0].staple.expires = time(NULL); /* as if it had grown old since */
        expect_staple(context, true, TLS1_3_VERSION, -1);
        tls_context_unref(context);

        /* A stale one is not, and the operator hears of it. */
        length = make_response(
                        fixture,
                        &(struct statement) { &fixture->leaf, &fixture->authority, V_OCSP_CERTSTATUS_GOOD, -7200, -60 },
                        &der);
        (void) test_folder_write(&fixture->folder, "main.ocsp", der, length);
        OPENSSL_free(der);
        context = test_context_new(&config, 1, NULL, NULL, false);
        expect_staple(context, true, TLS1_3_VERSION, -1);
        char warning[512] = "";
        tls_context_each_warning(context, note_warning, warning);
        assert_non_null(strstr(warning, "The OCSP response for certificate 'main' is not shown: "));
        assert_non_null(strstr(warning, "main.ocsp: it is out of date; fetch a new one."));
        tls_context_unref(context);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_current_response_is_shown),
                cmocka_unit_test(others_are_not),
                cmocka_unit_test(bytes_that_are_no_response_are_refused),
                cmocka_unit_test(clients_that_ask_are_shown_it),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
