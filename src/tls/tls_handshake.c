/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's callbacks. They run on the workers, several at a time, and only read the context: it is found as the
 * application data of the SSL_CTX. */
#include "tls/tls_handshake.h"

#include <openssl/err.h>

#include "shared/syscall.h"
#include "tls/tls_context_private.h"
#include "tls/tls_tickets_private.h"
#include "tls/tls_words.h"

static const struct tls_context *context_of(const SSL *ssl) {
        return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* The choice for the name that the client sends. `buffer` holds the longest name that SNI can carry. */
static const struct tls_choice *choice_of(const SSL *ssl) {
        char buffer[TLSEXT_MAXLEN_host_name + 1];
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        size_t length = 0;
        if (!name)
                return tls_sni_choose(&context_of(ssl)->sni, SLICE_NULL);
        for (; name[length] && length < sizeof(buffer); length++)
                buffer[length] = (char) (name[length] >= 'A' && name[length] <= 'Z' ? name[length] | 0x20
                                                                                    : name[length]);
        return tls_sni_choose(&context_of(ssl)->sni, (struct slice) { buffer, length });
}

static int show(SSL *ssl, const struct tls_choice *choice) {
        SSL_certs_clear(ssl);
        for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++) {
                const struct tls_certificate *certificate = choice->of[kind];
                if (certificate &&
                    SSL_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain, 1) != 1)
                        return -ENOMEM;
        }
        return 0;
}

static int on_server_name(SSL *ssl, int *ret_alert, void *userdata) {
        const struct tls_context *context = userdata;
        if (SSL_session_reused(ssl)) /* no certificate is shown */
                return SSL_TLSEXT_ERR_OK;
        const struct tls_choice *choice = choice_of(ssl), *there = &context->sni.fallback;
        if (choice != there && memcmp(choice, there, sizeof(*choice)) != 0 && show(ssl, choice) < 0) {
                *ret_alert = SSL_AD_INTERNAL_ERROR;
                return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        return SSL_TLSEXT_ERR_OK;
}

/* In the order of our preference (RFC 7301 section 3.1). */
static const unsigned char protocols[] = "\x02h2\x08http/1.1\x08http/1.0";
#define PROTOCOLS_WITHOUT_HTTP2 3

static int on_protocols(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                        const unsigned char *offered, unsigned offered_length, void *userdata) {
        (void) ssl;
        const struct tls_context *context = userdata;
        unsigned skip = context->http2 ? 0 : PROTOCOLS_WITHOUT_HTTP2;
        /* A client that speaks something else is refused, lest its bytes be taken for HTTP. */
        if (SSL_select_next_proto((unsigned char **) ret_name, ret_length, protocols + skip,
                                  (unsigned) sizeof(protocols) - 1 - skip, offered,
                                  offered_length) != OPENSSL_NPN_NEGOTIATED)
                return SSL_TLSEXT_ERR_ALERT_FATAL;
        return SSL_TLSEXT_ERR_OK;
}

static const struct tls_certificate *shown_certificate(SSL *ssl) {
        const X509 *leaf = SSL_get_certificate(ssl);
        const struct tls_choice *choice = choice_of(ssl);
        for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++)
                if (choice->of[kind] && choice->of[kind]->leaf == leaf)
                        return choice->of[kind];
        return NULL;
}

static int on_status_request(SSL *ssl, void *userdata) {
        (void) userdata;
        const struct tls_certificate *certificate = shown_certificate(ssl);
        if (!certificate || !certificate->staple.response || time(NULL) >= certificate->staple.expires)
                return SSL_TLSEXT_ERR_NOACK;
        unsigned char *copy = OPENSSL_memdup(certificate->staple.response, certificate->staple.length);
        if (!copy)
                return SSL_TLSEXT_ERR_NOACK;
        (void) SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long) certificate->staple.length);
        return SSL_TLSEXT_ERR_OK;
}

/* Clients of TLS 1.3 use a ticket once (RFC 8446 appendix C.4), so each resumption brings the next one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int is_sealing) {
        const struct tls_tickets *tickets = context_of(ssl)->tickets;
        if (is_sealing)
                return tls_tickets_seal(tickets, name, iv, cipher, mac);
        int r = tls_tickets_open(tickets, name, iv, cipher, mac);
        return r == 1 && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : r;
}

int tls_handshake_use_certificate(SSL_CTX *ssl, const struct tls_certificate *certificate, struct error *error) {
        tls_words_clear();
        if (SSL_CTX_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain, 1) != 1)
                return tls_words_set(error, -EKEYREJECTED, "OpenSSL does not accept it");
        return 0;
}

static int use_fallback(SSL_CTX *ssl, const struct tls_choice *fallback, struct error *error) {
        for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++) {
                if (!fallback->of[kind])
                        continue;
                int r = tls_handshake_use_certificate(ssl, fallback->of[kind], error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int tls_handshake_prepare(struct tls_context *context, struct error *error) {
        SSL_CTX *ssl = context->ssl;
        int r = use_fallback(ssl, &context->sni.fallback, error);
        if (r < 0)
                return r;
        if (SSL_CTX_set_app_data(ssl, context) != 1)
                return tls_words_set(error, -ENOMEM, "making a TLS context");
        (void) SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
        (void) SSL_CTX_set_tlsext_servername_arg(ssl, context);
        SSL_CTX_set_alpn_select_cb(ssl, on_protocols, context);
        (void) SSL_CTX_set_tlsext_status_cb(ssl, on_status_request);
        if (context->tickets)
                (void) SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
        return 0;
}
