/* SPDX-License-Identifier: Apache-2.0 */
/* Building TLS contexts: what is refused and in which words, what is only warned of, when files have changed, client
 * certificates, and the certificate for development. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls_testing.h"

#include "shared/atomic_file.h"
#include "shared/syscall.h"

struct fixture {
        struct test_folder folder;
        struct identity identity, other, authority;
        struct config_certificate config;
        struct config_tls tls;
        struct config_listener listener;
        struct error error;
        char warnings[4096];
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        test_folder_init(&fixture->folder);
        identity_make(&(struct identity_options) { .common_name = "ca", .is_authority = true }, &fixture->authority);
        identity_make(&(struct identity_options) { .common_name = "x", .names = "DNS:a.example" }, &fixture->identity);
        identity_make(&(struct identity_options) { .common_name = "y", .names = "DNS:b.example" }, &fixture->other);
        fixture->config = test_folder_write_identity(&fixture->folder, "blog", &fixture->identity, NULL);
        fixture->tls = test_tls;
        fixture->listener = test_listener;
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        identity_done(&fixture->identity);
        identity_done(&fixture->other);
        identity_done(&fixture->authority);
        test_folder_done(&fixture->folder);
        free(fixture);
        return 0;
}

static void note_warning(const char *text, void *userdata) {
        struct fixture *fixture = userdata;
        size_t length = strlen(fixture->warnings);
        (void) snprintf(fixture->warnings + length, sizeof(fixture->warnings) - length, "%s\n", text);
}

/* Builds with the fixture's configuration; the error or the warnings are in the fixture. */
static int build(struct fixture *fixture, struct tls_context **ret_context) {
        const struct tls_context_options options = {
                .tls = &fixture->tls,
                .listener = &fixture->listener,
                .certificates = &fixture->config,
                .certificate_count = fixture->config.name ? 1 : 0,
        };
        struct tls_context *context = NULL;
        fixture->error = ERROR_INIT;
        fixture->warnings[0] = '\0';
        int r = tls_context_new(&options, &fixture->error, &context);
        if (r < 0) {
                assert_int_equal(fixture->error.code, r);
                return r;
        }
        tls_context_each_warning(context, note_warning, fixture);
        if (ret_context)
                *ret_context = context;
        else
                tls_context_unref(context);
        return 0;
}

static void expect_refusal(struct fixture *fixture, int code, const char *const parts[]) {
        assert_int_equal(build(fixture, NULL), code);
        for (size_t i = 0; parts[i]; i++)
                if (!strstr(fixture->error.text, parts[i]))
                        fail_msg("'%s' is not in: %s", parts[i], fixture->error.text);
}

#define REFUSED(fixture, code, ...) expect_refusal(fixture, code, (const char *const[]) { __VA_ARGS__, NULL })

static void expect_warning(struct fixture *fixture, const char *part) {
        assert_int_equal(build(fixture, NULL), 0);
        if (part ? !strstr(fixture->warnings, part) : fixture->warnings[0])
                fail_msg("expected '%s', got: %s", part ? part : "nothing", fixture->warnings);
}

static void a_sound_certificate_needs_no_words(void **state) {
        expect_warning(*state, NULL);
}

static void a_missing_file_is_named(void **state) {
        struct fixture *fixture = *state;
        fixture->config.origin = (struct config_origin) { "/etc/ccodes/ccodes.toml", 12, 3 };
        fixture->config.certificate = "/nonexistent/blog.pem";
        REFUSED(fixture, -ENOENT, "/etc/ccodes/ccodes.toml:12:3: certificate 'blog': ",
                "reading certificate /nonexistent/blog.pem: No such file");
}

static void a_file_without_permission_says_who_must_read_it(void **state) {
        struct fixture *fixture = *state;
        bool is_root = geteuid() == 0; /* who may read everything, and so steps down for the moment */
        assert_return_code(chmod(fixture->folder.path, 0755), errno);
        assert_return_code(chmod(fixture->config.certificate, 0644), errno);
        assert_return_code(chmod(fixture->config.key, 0), errno);
        if (is_root)
                assert_return_code(seteuid(65534), errno);
        int r = build(fixture, NULL);
        if (is_root)
                assert_return_code(seteuid(0), errno);
        assert_int_equal(r, -EACCES);
        assert_non_null(strstr(fixture->error.text, "certificate 'blog': reading key "));
        assert_non_null(strstr(fixture->error.text, fixture->config.key));
        assert_non_null(strstr(fixture->error.text, ": Permission denied; the group ccodes must be able to read it"));
}

static void a_half_renewed_pair_is_refused(void **state) {
        struct fixture *fixture = *state;
        (void) test_folder_write_key(&fixture->folder, "blog.key", &fixture->other);
        REFUSED(fixture, -EKEYREJECTED, "certificate 'blog': key ", "does not belong to", "blog.pem", "still the old");
}

static void a_chain_with_the_leaf_last_is_explained(void **state) {
        struct fixture *fixture = *state;
        const struct identity *const wrong[] = { &fixture->authority, &fixture->identity };
        (void) test_folder_write_certificates(&fixture->folder, "blog.pem", wrong, 2);
        REFUSED(fixture, -EKEYREJECTED, "belongs to certificate number 2", "must be the first");
}

static void files_of_another_kind_are_refused(void **state) {
        struct fixture *fixture = *state;
        const char *pem = fixture->config.certificate, *key = fixture->config.key;
        fixture->config.certificate = test_folder_write(&fixture->folder, "empty", "", 0);
        REFUSED(fixture, -EBADMSG, "has no certificate in PEM form");
        fixture->config.certificate = key;
        REFUSED(fixture, -EBADMSG, "has no certificate in PEM form");
        fixture->config.certificate = fixture->folder.path;
        REFUSED(fixture, -EISDIR, "reading certificate", "Is a directory");
        static const char torn[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
        fixture->config.certificate = test_folder_write(&fixture->folder, "torn", torn, sizeof(torn) - 1);
        REFUSED(fixture, -EBADMSG, "certificate number 1 in", "is damaged", "cut short");
        static const char wrong[] = "-----BEGIN CERTIFICATE-----\nMIIBabcd\n-----END CERTIFICATE-----\n";
        fixture->config.certificate = test_folder_write(&fixture->folder, "wrong", wrong, sizeof(wrong) - 1);
        REFUSED(fixture, -EBADMSG, "certificate number 1 in", "is damaged");
        fixture->config.certificate = pem;
        fixture->config.key = pem;
        REFUSED(fixture, -EBADMSG, "key ", "cannot be read");
}

static void a_passphrase_is_not_asked_for(void **state) {
        struct fixture *fixture = *state;
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_PrivateKey(bio, fixture->identity.key, EVP_aes_128_cbc(),
                                                  (const unsigned char *) "abc", 3, NULL, NULL),
                         1);
        char *data;
        long length = BIO_get_mem_data(bio, &data);
        (void) test_folder_write(&fixture->folder, "blog.key", data, (size_t) length);
        BIO_free(bio);
        REFUSED(fixture, -EBADMSG, "is protected by a passphrase", "openssl pkey");
}

static void a_short_key_is_refused(void **state) {
        struct fixture *fixture = *state;
        struct identity weak;
        identity_make(&(struct identity_options) { .common_name = "w", .names = "DNS:a.example", .key = "RSA-1024" },
                      &weak);
        fixture->config = test_folder_write_identity(&fixture->folder, "weak", &weak, NULL);
        identity_done(&weak);
        REFUSED(fixture, -EKEYREJECTED, "certificate 'weak'", "key is too short");
}

static void settings_that_do_not_exist_are_named(void **state) {
        struct fixture *fixture = *state;
        fixture->tls.ciphers = "FAST-AND-LOOSE";
        REFUSED(fixture, -EINVAL, "[tls] ciphers = \"FAST-AND-LOOSE\"", "no cipher suite of that name");
        fixture->tls.ciphers = NULL;
        fixture->tls.ciphersuites = "TLS_NONE";
        REFUSED(fixture, -EINVAL, "[tls] ciphersuites = \"TLS_NONE\"");
        fixture->tls.ciphersuites = NULL;
        const char *groups[] = { "X-none", "X25519" };
        fixture->tls.groups = (struct config_strings) { groups, 1 };
        REFUSED(fixture, -EINVAL, "[tls] groups");
        fixture->tls.groups.count = 2;
        expect_warning(fixture, "does not know the group 'X-none'");
        const char *names[] = { "none" };
        fixture->listener.certificates = (struct config_strings) { names, 1 };
        REFUSED(fixture, -ENOENT, "there is no certificate 'none'");
        fixture->listener.certificates.count = 0;
        fixture->config.name = NULL;
        REFUSED(fixture, -ENOENT, "there is no certificate for it");
}

static void warn_about(struct fixture *fixture, const struct identity_options *options, const char *expected) {
        struct identity identity;
        identity_make(options, &identity);
        fixture->config = test_folder_write_identity(&fixture->folder, "odd", &identity, NULL);
        identity_done(&identity);
        expect_warning(fixture, expected);
}

#define DAY (24L * 3600)

static void odd_certificates_are_served_with_a_warning(void **state) {
        struct fixture *fixture = *state;
        warn_about(fixture, &(struct identity_options) { "x", "DNS:a", .begins = -90 * DAY, .ends = -1 },
                   "Certificate 'odd' expired on");
        warn_about(fixture, &(struct identity_options) { "x", "DNS:a", .begins = 100, .ends = 90 * DAY },
                   "Certificate 'odd' is valid only from");
        warn_about(fixture, &(struct identity_options) { "x", "DNS:a", .begins = -85 * DAY, .ends = 5 * DAY },
                   "Certificate 'odd' expires on");
        warn_about(fixture, &(struct identity_options) { "x", "DNS:a", .begins = -70 * DAY, .ends = 20 * DAY }, NULL);
        warn_about(fixture, &(struct identity_options) { "x.example" }, "has no host name that clients look at");
        warn_about(fixture, &(struct identity_options) { "x", "DNS:a", .issuer = &fixture->authority },
                   "comes without its issuer's");
}

static void a_chain_is_checked_for_its_order(void **state) {
        struct fixture *fixture = *state;
        struct identity leaf;
        identity_make(&(struct identity_options) { "x", "DNS:a", .issuer = &fixture->authority }, &leaf);
        fixture->config = test_folder_write_identity(&fixture->folder, "chain", &leaf, &fixture->authority);
        expect_warning(fixture, NULL);
        fixture->config = test_folder_write_identity(&fixture->folder, "chain", &leaf, &fixture->other);
        expect_warning(fixture, "is not the issuer of number 1");
        identity_done(&leaf);
}

static void a_key_for_all_to_read_is_warned_of(void **state) {
        struct fixture *fixture = *state;
        assert_return_code(chmod(fixture->config.key, 0644), errno);
        expect_warning(fixture, "can be read by every user");
        assert_return_code(chmod(fixture->config.key, 0640), errno);
        expect_warning(fixture, NULL);
}

static void a_name_is_taken_from_the_subject_when_there_is_no_other(void **state) {
        struct fixture *fixture = *state;
        warn_about(fixture, &(struct identity_options) { "Old.Example" }, "no subjectAltName");
        struct tls_context *context = NULL;
        assert_int_equal(build(fixture, &context), 0);
        assert_true(tls_context_covers(context, SLICE_LITERAL("other"), SLICE_LITERAL("old.example")));
        tls_context_unref(context);
}

static void a_changed_file_makes_the_context_stale(void **state) {
        struct fixture *fixture = *state;
        const char *ocsp = fixture->config.ocsp = test_folder_path(&fixture->folder, "blog.ocsp");
        const char *files[] = { fixture->config.certificate, fixture->config.key, ocsp };
        struct tls_context *context = NULL;
        for (size_t i = 0; i < ELEMENTS_OF(files); i++) {
                assert_int_equal(build(fixture, &context), 0);
                assert_false(tls_context_is_stale(context));
                _cleanup_free_ char *data = NULL;
                size_t length = 0;
                if (files[i] != ocsp)
                        assert_int_equal(read_whole_file(AT_FDCWD, files[i], 100000, &data, &length), 0);
                assert_int_equal(atomic_file_write(files[i], data ? data : "", length, 0600), 0);
                assert_true(tls_context_is_stale(context));
                tls_context_unref(context);

                assert_int_equal(build(fixture, &context), 0);
                assert_false(tls_context_is_stale(context));
                assert_return_code(truncate(files[i], (off_t) length + 1), errno);
                assert_true(tls_context_is_stale(context));
                assert_int_equal(atomic_file_write(files[i], data ? data : "", length, 0600), 0);
                tls_context_unref(context);
        }
        /* Another file, though as long and as old. */
        assert_int_equal(build(fixture, &context), 0);
        struct stat status;
        assert_return_code(stat(fixture->config.key, &status), errno);
        _cleanup_free_ char *data = NULL;
        size_t length;
        assert_int_equal(read_whole_file(AT_FDCWD, fixture->config.key, 100000, &data, &length), 0);
        assert_int_equal(atomic_file_write(fixture->config.key, data, length, 0600), 0);
        const struct timespec times[2] = { status.st_atim, status.st_mtim };
        assert_return_code(utimensat(AT_FDCWD, fixture->config.key, times, 0), errno);
        assert_true(tls_context_is_stale(context));
        tls_context_unref(context);

        assert_int_equal(build(fixture, &context), 0);
        assert_return_code(unlink(fixture->config.key), errno);
        assert_true(tls_context_is_stale(context));
        tls_context_unref(context);
}

static void a_missing_ocsp_response_is_only_warned_of(void **state) {
        struct fixture *fixture = *state;
        fixture->config.ocsp = "/nonexistent/blog.ocsp";
        expect_warning(fixture, "The OCSP response for certificate 'blog' is not shown: reading "
                                "/nonexistent/blog.ocsp: No such file");
}

static void connect_with(struct tls_context *context, const struct identity *shown, int version, int expected,
                         const char *words) {
        SSL_CTX *client = test_client_new();
        if (shown) {
                assert_int_equal(SSL_CTX_use_certificate(client, shown->certificate), 1);
                assert_int_equal(SSL_CTX_use_PrivateKey(client, shown->key), 1);
        }
        assert_int_equal(SSL_CTX_set_max_proto_version(client, version), 1);
        struct test_connection connection;
        test_connection_init(&connection, context, client);
        assert_int_equal(test_connection_handshake(&connection), expected);
        if (expected < 0)
                assert_string_equal(connection.detail, words);
        else if (words)
                assert_true(slice_equal_text(tls_transport_client_subject(connection.transport), words));
        else
                assert_null(tls_transport_client_subject(connection.transport).data);
        test_connection_done(&connection);
        SSL_CTX_free(client);
}

static void clients_show_certificates_of_our_authorities(void **state) {
        struct fixture *fixture = *state;
        struct identity member, expired;
        identity_make(&(struct identity_options) { "Ann, \"Ops\"", .issuer = &fixture->authority }, &member);
        identity_make(&(struct identity_options) { "late", .issuer = &fixture->authority, .begins = -9, .ends = -1 },
                      &expired);
        const struct identity *const authorities[] = { &fixture->authority };
        fixture->listener.client_ca = test_folder_write_certificates(&fixture->folder, "ca.pem", authorities, 1);
        static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                struct tls_context *context = NULL;
                fixture->listener.client_certificate_required = false;
                assert_int_equal(build(fixture, &context), 0);
                connect_with(context, NULL, versions[i], 0, NULL);
                connect_with(context, &member, versions[i], 0, "CN=Ann\\, \\\"Ops\\\"");
                connect_with(context, &fixture->other, versions[i], -EPROTO, "self-signed certificate");
                tls_context_unref(context);
                fixture->listener.client_certificate_required = true;
                assert_int_equal(build(fixture, &context), 0);
                connect_with(context, NULL, versions[i], -EPROTO, "the client showed no certificate");
                connect_with(context, &member, versions[i], 0, "CN=Ann\\, \\\"Ops\\\"");
                connect_with(context, &expired, versions[i], -EPROTO, "certificate has expired");
                tls_context_unref(context);
        }
        struct tls_context *context = NULL;
        assert_int_equal(build(fixture, &context), 0);
        (void) test_folder_write_certificates(&fixture->folder, "ca.pem", authorities, 1);
        assert_true(tls_context_is_stale(context));
        tls_context_unref(context);
        identity_done(&member);
        identity_done(&expired);

        fixture->listener.client_ca = "/nonexistent/ca.pem";
        REFUSED(fixture, -ENOENT, "reading client_ca /nonexistent/ca.pem");
        fixture->listener.client_ca = fixture->config.key;
        REFUSED(fixture, -EBADMSG, fixture->config.key, "has no certificate");
}

static void the_oldest_version_is_configured(void **state) {
        struct fixture *fixture = *state;
        struct tls_context *context = NULL;
        fixture->tls.minimum_version = CONFIG_TLS_1_3;
        assert_int_equal(build(fixture, &context), 0);
        connect_with(context, NULL, TLS1_3_VERSION, 0, NULL);
        connect_with(context, NULL, TLS1_2_VERSION, -EPROTO, "the client offers no TLS version that is allowed here");
        tls_context_unref(context);
}

static X509 *read_certificate(const char *path) {
        BIO *bio = BIO_new_file(path, "r");
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        assert_non_null(certificate);
        BIO_free(bio);
        return certificate;
}

static void the_certificate_for_development_serves_this_machine(void **state) {
        struct fixture *fixture = *state;
        fixture->config = (struct config_certificate) {
                .name = "development",
                .certificate = test_folder_path(&fixture->folder, "d.pem"),
                .key = test_folder_path(&fixture->folder, "d.key"),
        };
        assert_int_equal(tls_make_development_certificate(fixture->config.certificate, fixture->config.key, 30,
                                                          &fixture->error),
                         0);
        struct stat status;
        assert_return_code(stat(fixture->config.key, &status), errno);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_return_code(stat(fixture->config.certificate, &status), errno);
        assert_int_equal(status.st_mode & 07777, 0644);
        expect_warning(fixture, NULL);

        X509 *certificate = read_certificate(fixture->config.certificate);
        char name[256] = "";
        assert_return_code(gethostname(name, sizeof(name) - 1), errno);
        assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(certificate, name, 0, 0, NULL), 1);
        assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
        assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
        assert_int_equal(X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0), 1);
        time_t later = time(NULL) + 30 * DAY;
        assert_true(X509_cmp_time(X509_get0_notAfter(certificate), &(time_t) { later - 100 }) > 0);
        assert_true(X509_cmp_time(X509_get0_notAfter(certificate), &(time_t) { later + 100 }) < 0);
        X509_free(certificate);

        struct tls_context *context = NULL;
        assert_int_equal(build(fixture, &context), 0);
        assert_true(tls_context_covers(context, SLICE_LITERAL("localhost"), SLICE_LITERAL("app.localhost")));
        tls_context_unref(context);

        fixture->error = ERROR_INIT;
        assert_int_equal(tls_make_development_certificate("/nonexistent/d.pem", fixture->config.key, 30,
                                                          &fixture->error),
                         -ENOENT);
        assert_string_equal(fixture->error.text, "writing /nonexistent/d.pem: No such file or directory");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_sound_certificate_needs_no_words),
                TEST(a_missing_file_is_named),
                TEST(a_file_without_permission_says_who_must_read_it),
                TEST(a_half_renewed_pair_is_refused),
                TEST(a_chain_with_the_leaf_last_is_explained),
                TEST(files_of_another_kind_are_refused),
                TEST(a_passphrase_is_not_asked_for),
                TEST(a_short_key_is_refused),
                TEST(settings_that_do_not_exist_are_named),
                TEST(odd_certificates_are_served_with_a_warning),
                TEST(a_chain_is_checked_for_its_order),
                TEST(a_key_for_all_to_read_is_warned_of),
                TEST(a_name_is_taken_from_the_subject_when_there_is_no_other),
                TEST(a_changed_file_makes_the_context_stale),
                TEST(a_missing_ocsp_response_is_only_warned_of),
                TEST(clients_show_certificates_of_our_authorities),
                TEST(the_oldest_version_is_configured),
                TEST(the_certificate_for_development_serves_this_machine),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
