/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and a client for the tests of TLS. Both ends of a connection run on the test's thread by turns, so
 * that every step is where the test put it. */
#include "tls_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "shared/atomic_file.h"
#include "shared/syscall.h"

#define YEAR (365L * 24 * 3600)

static EVP_PKEY *make_key(const char *kind) {
        if (!kind)
                return EVP_EC_gen("P-256");
        if (strcmp(kind, "RSA") == 0)
                return EVP_RSA_gen(2048);
        if (strcmp(kind, "RSA-1024") == 0)
                return EVP_RSA_gen(1024);
        if (strcmp(kind, "ED25519") == 0)
                return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        return EVP_EC_gen(kind);
}

static void add_extension(X509 *certificate, int nid, const char *value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

void identity_make(const struct identity_options *options, struct identity *ret_identity) {
        struct identity identity = { .certificate = X509_new(), .key = make_key(options->key) };
        X509 *certificate = identity.certificate;
        assert_non_null(certificate);
        assert_non_null(identity.key);
        const struct identity *issuer = options->issuer ? options->issuer : &identity;

        uint64_t serial;
        assert_int_equal(RAND_bytes((unsigned char *) &serial, sizeof(serial)), 1);
        assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1), 1);
        assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
        bool has_dates = options->begins || options->ends;
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), has_dates ? options->begins : -YEAR / 2));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), has_dates ? options->ends : YEAR / 2));
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                                    (const unsigned char *) options->common_name, -1, -1, 0),
                         1);
        assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate)), 1);
        assert_int_equal(X509_set_pubkey(certificate, identity.key), 1);
        if (options->names)
                add_extension(certificate, NID_subject_alt_name, options->names);
        if (options->is_authority)
                add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
        const EVP_MD *digest = EVP_PKEY_is_a(issuer->key, "ED25519") ? NULL : EVP_sha256();
        assert_true(X509_sign(certificate, issuer->key, digest) > 0);
        *ret_identity = identity;
}

void identity_done(struct identity *identity) {
        X509_free(identity->certificate);
        EVP_PKEY_free(identity->key);
}

void test_folder_init(struct test_folder *folder) {
        *folder = (struct test_folder) { .path = "/tmp/test_tls.XXXXXX" };
        assert_non_null(mkdtemp(folder->path));
}

void test_folder_done(struct test_folder *folder) {
        for (size_t i = 0; i < folder->count; i++) {
                (void) unlink(folder->names[i]);
                free(folder->names[i]);
        }
        assert_return_code(rmdir(folder->path), errno);
}

const char *test_folder_path(struct test_folder *folder, const char *name) {
        char *path;
        assert_true(asprintf(&path, "%s/%s", folder->path, name) > 0);
        for (size_t i = 0; i < folder->count; i++) {
                if (strcmp(folder->names[i], path) == 0) {
                        free(path);
                        return folder->names[i];
                }
        }
        assert_true(folder->count < ELEMENTS_OF(folder->names));
        return folder->names[folder->count++] = path;
}

const char *test_folder_write(struct test_folder *folder, const char *name, const void *bytes, size_t length) {
        const char *path = test_folder_path(folder, name);
        assert_int_equal(atomic_file_write(path, bytes, length, 0600), 0);
        return path;
}

static const char *write_bio(struct test_folder *folder, const char *name, BIO *bio) {
        char *data;
        long length = BIO_get_mem_data(bio, &data);
        const char *path = test_folder_write(folder, name, data, (size_t) length);
        BIO_free(bio);
        return path;
}

const char *test_folder_write_certificates(struct test_folder *folder, const char *name,
                                           const struct identity *const identities[], size_t count) {
        BIO *bio = BIO_new(BIO_s_mem());
        for (size_t i = 0; i < count; i++)
                assert_int_equal(PEM_write_bio_X509(bio, identities[i]->certificate), 1);
        return write_bio(folder, name, bio);
}

const char *test_folder_write_key(struct test_folder *folder, const char *name, const struct identity *identity) {
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL), 1);
        return write_bio(folder, name, bio);
}

struct config_certificate test_folder_write_identity(struct test_folder *folder, const char *name,
                                                     const struct identity *identity, const struct identity *issuer) {
        char file[64];
        struct config_certificate config = { .name = name };
        (void) snprintf(file, sizeof(file), "%s.pem", name);
        config.certificate = test_folder_write_certificates(
                        folder, file, (const struct identity *const[]) { identity, issuer }, issuer ? 2 : 1);
        (void) snprintf(file, sizeof(file), "%s.key", name);
        config.key = test_folder_write_key(folder, file, identity);
        return config;
}

static const char *const default_groups[] = { "X25519", "P-256", "P-384" };

const struct config_tls test_tls = {
        .minimum_version = CONFIG_TLS_1_2,
        .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
        .ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
        .groups = { (const char **) default_groups, ELEMENTS_OF(default_groups) },
        .tickets = true,
        .ticket_rotation = 12 * 3600 * 1000000ULL,
};

const struct config_listener test_listener = { .name = "https", .tls = true };

struct tls_context *test_context_new(const struct config_certificate *certificates, size_t count,
                                     const struct config_listener *listener, struct tls_tickets *tickets, bool http2) {
        const struct tls_context_options options = {
                .tls = &test_tls,
                .listener = listener ? listener : &test_listener,
                .certificates = certificates,
                .certificate_count = count,
                .http2 = http2,
                .tickets = tickets,
        };
        struct error error = ERROR_INIT;
        struct tls_context *context = NULL;
        if (tls_context_new(&options, &error, &context) < 0)
                fail_msg("%s", error.text);
        return context;
}

SSL_CTX *test_client_new(void) {
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        assert_non_null(client);
        assert_int_equal(SSL_CTX_set_min_proto_version(client, TLS1_2_VERSION), 1);
        return client;
}

/* TCP may take a moment to deliver, even within a machine. */
static void wait_readable(int first, int second) {
        struct pollfd polled[] = { { .fd = first, .events = POLLIN }, { .fd = second, .events = POLLIN } };
        (void) poll(polled, 2, 20);
}

static void connect_ends(struct test_connection *connection, const int fds[2], struct tls_context *context,
                         SSL_CTX *client) {
        *connection = (struct test_connection) { .server_fd = fds[0], .client_fd = fds[1] };
        assert_int_equal(tls_transport_new(context, fds[0], &connection->transport), 0);
        assert_true(connection->transport->is_secure);
        connection->client = SSL_new(client);
        assert_non_null(connection->client);
        assert_int_equal(SSL_set_fd(connection->client, fds[1]), 1);
        SSL_set_connect_state(connection->client);
}

void test_connection_init(struct test_connection *connection, struct tls_context *context, SSL_CTX *client) {
        int fds[2];
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), errno);
        connect_ends(connection, fds, context, client);
}

void test_connection_init_tcp(struct test_connection *connection, struct tls_context *context, SSL_CTX *client) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        struct sockaddr *generic = (struct sockaddr *) &address;
        int fds[2];
        _cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(bind(listener, generic, length), errno);
        assert_return_code(listen(listener, 1), errno);
        assert_return_code(getsockname(listener, generic, &length), errno);
        fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(connect(fds[1], generic, length), errno);
        fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_return_code(fds[0], errno);
        assert_return_code(fcntl(fds[1], F_SETFL, O_NONBLOCK), errno);
        connect_ends(connection, fds, context, client);
}

void test_connection_done(struct test_connection *connection) {
        if (connection->transport)
                transport_free(connection->transport);
        SSL_free(connection->client);
        close_fd(connection->server_fd);
        close_fd(connection->client_fd);
}

int test_connection_handshake(struct test_connection *connection) {
        int server = -EAGAIN, client = 0;
        for (int turns = 0; turns < 500; turns++) {
                if (client != 1)
                        client = SSL_do_handshake(connection->client);
                if (server == -EAGAIN)
                        server = transport_handshake(connection->transport, &connection->detail);
                if (server != -EAGAIN && (server < 0 || client == 1))
                        return server;
                if (client != 1 && SSL_get_error(connection->client, client) != SSL_ERROR_WANT_READ)
                        client = 1; /* it gave up, and has said so */
                if (!connection->transport->wants_write)
                        wait_readable(connection->server_fd, connection->client_fd);
        }
        return server;
}

void test_write_all(struct transport *transport, const char *text) {
        struct iovec vector = { (char *) text, strlen(text) };
        assert_int_equal(transport_write(transport, &vector, 1, false), strlen(text));
}

void test_client_write(SSL *client, const char *text) {
        assert_int_equal(SSL_write(client, text, (int) strlen(text)), strlen(text));
}

void test_client_expect(SSL *client, const char *text) {
        char buffer[256];
        size_t length = strlen(text), received = 0;
        assert_true(length < sizeof(buffer));
        while (received < length) {
                int count = SSL_read(client, buffer + received, (int) (sizeof(buffer) - received));
                for (int i = 0; i < 100 && count < 0 && SSL_get_error(client, count) == SSL_ERROR_WANT_READ; i++) {
                        wait_readable(SSL_get_fd(client), -1);
                        count = SSL_read(client, buffer + received, (int) (sizeof(buffer) - received));
                }
                assert_true(count > 0);
                received += (size_t) count;
        }
        assert_int_equal(received, length);
        assert_memory_equal(buffer, text, length);
}

void test_transport_expect(struct transport *transport, const char *text) {
        char buffer[256];
        ssize_t count = transport_read(transport, buffer, sizeof(buffer));
        for (int i = 0; i < 100 && count == -EAGAIN; i++) {
                wait_readable(transport->fd, -1);
                count = transport_read(transport, buffer, sizeof(buffer));
        }
        assert_int_equal(count, strlen(text));
        assert_memory_equal(buffer, text, strlen(text));
}

void test_connection_establish(struct test_connection *connection) {
        int r = test_connection_handshake(connection);
        if (r < 0)
                fail_msg("handshake: %s: %s", strerror(-r), connection->detail ? connection->detail : "");
        test_client_write(connection->client, "?");
        test_transport_expect(connection->transport, "?");
        test_write_all(connection->transport, "!");
        test_client_expect(connection->client, "!");
}
