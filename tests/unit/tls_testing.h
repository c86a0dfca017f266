/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "tls/tls_context.h"
#include "tls/tls_transport.h"

/* What the tests of TLS share: certificates made on the spot, and an OpenSSL client at the other end of a socket pair.
 * Every function fails the test when it cannot do its work. */

/* A certificate with its key. */
struct identity {
        X509 *certificate;
        EVP_PKEY *key;
};

struct identity_options {
        const char *common_name;
        const char *names;             /* subjectAltName as in x509v3_config(5); NULL: none */
        const char *key;               /* "P-256" (default), "P-384", "RSA", "RSA-1024", "ED25519" */
        const struct identity *issuer; /* NULL: itself */
        bool is_authority;
        long begins, ends; /* seconds from now; both 0: a year around now */
};

void identity_make(const struct identity_options *options, struct identity *ret_identity);
void identity_done(struct identity *identity);

/* A folder that goes with everything in it. */
struct test_folder {
        char path[64];
        char *names[32];
        size_t count;
};

void test_folder_init(struct test_folder *folder);
void test_folder_done(struct test_folder *folder);

/* Writes PEM or bytes; the path lives as long as the folder. A name may be used again, for another content. */
const char *test_folder_write(struct test_folder *folder, const char *name, const void *bytes, size_t length);
const char *test_folder_write_certificates(struct test_folder *folder, const char *name,
                                           const struct identity *const identities[], size_t count);
const char *test_folder_write_key(struct test_folder *folder, const char *name, const struct identity *identity);
const char *test_folder_path(struct test_folder *folder, const char *name);

/* Writes NAME.pem (with the issuer's, if given) and NAME.key, and gives their configuration. */
struct config_certificate test_folder_write_identity(struct test_folder *folder, const char *name,
                                                     const struct identity *identity, const struct identity *issuer);

/* Defaults as they are configured, without kernel TLS; certificates and so on are for the test to set. */
extern const struct config_tls test_tls;
extern const struct config_listener test_listener;

struct tls_context *test_context_new(const struct config_certificate *certificates, size_t count,
                                     const struct config_listener *listener, struct tls_tickets *tickets, bool http2);

/* A server's transport and a client, connected. */
struct test_connection {
        struct transport *transport;
        SSL *client;
        int server_fd, client_fd;
        const char *detail; /* of a handshake that the server refused */
};

/* The client's settings: verifies nothing, TLS 1.2 and 1.3, unless the test changes it. */
SSL_CTX *test_client_new(void);

void test_connection_init(struct test_connection *connection, struct tls_context *context, SSL_CTX *client);
void test_connection_init_tcp(struct test_connection *connection, struct tls_context *context, SSL_CTX *client);
void test_connection_done(struct test_connection *connection);

/* Lets both work until both are done or one refuses; the result of the server's last step. */
int test_connection_handshake(struct test_connection *connection);

/* The handshake, and a byte each way, so that tickets have come. */
void test_connection_establish(struct test_connection *connection);

void test_write_all(struct transport *transport, const char *text);
void test_client_expect(SSL *client, const char *text);
void test_client_write(SSL *client, const char *text);
void test_transport_expect(struct transport *transport, const char *text);
