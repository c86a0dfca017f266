/* SPDX-License-Identifier: Apache-2.0 */
/* Puts OpenSSL's codes into words. What operators and clients really run into has a sentence of ours; the rest keeps
 * OpenSSL's own reason, which is a static string as well. */
#include "tls/tls_words.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/asn1err.h>
#include <openssl/err.h>
#include <openssl/pemerr.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>

#include "shared/syscall.h"

struct words {
        int library, reason;
        const char *text;
};

static const struct words known_words[] = {
        /* What comes to a TLS port and is not a client that we can serve. */
        { ERR_LIB_SSL, SSL_R_HTTP_REQUEST, "plain HTTP was spoken to a port for TLS" },
        { ERR_LIB_SSL, SSL_R_HTTPS_PROXY_REQUEST, "plain HTTP (CONNECT) was spoken to a port for TLS" },
        { ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS" },
        { ERR_LIB_SSL, SSL_R_UNSUPPORTED_PROTOCOL, "the client offers no TLS version that is allowed here" },
        { ERR_LIB_SSL, SSL_R_VERSION_TOO_LOW, "the client offers no TLS version that is allowed here" },
        { ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER, "the client offers no cipher suite that is allowed here" },
        { ERR_LIB_SSL, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
          "the client can verify none of the certificates' signature algorithms" },
        { ERR_LIB_SSL, SSL_R_NO_SUITABLE_KEY_SHARE, "the client offers no key exchange group that is allowed here" },
        { ERR_LIB_SSL, SSL_R_NO_SHARED_GROUPS, "the client offers no key exchange group that is allowed here" },
        { ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL, "the client offers no application protocol that is spoken here" },
        { ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING, "the client closed the connection" },
        /* What the client thought of us. */
        { ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the client does not know who issued the certificate" },
        { ERR_LIB_SSL, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the client does not accept the certificate" },
        { ERR_LIB_SSL, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the client does not accept the certificate" },
        { ERR_LIB_SSL, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the client finds the certificate expired" },
        { ERR_LIB_SSL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the client refuses the TLS version" },
        { ERR_LIB_SSL, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the client found nothing in common" },
        { ERR_LIB_SSL, SSL_R_TLSV1_ALERT_USER_CANCELLED, "the client cancelled" },
        /* Client certificates. */
        { ERR_LIB_SSL, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client showed no certificate" },
        { ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, "the client's certificate is not valid here" },
        /* Files. */
        { ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL, "its key is too short (RSA needs 2048 bits, ECDSA P-256)" },
        { ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL, "an issuer's key is too short (RSA needs 2048 bits)" },
        { ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK, "it is signed with a hash that is too weak (SHA-1 or MD5)" },
        { ERR_LIB_SSL, SSL_R_NO_CIPHER_MATCH, "no cipher suite of that name is known" },
        { ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, "the key does not belong to the certificate" },
        { ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH, "the key does not belong to the certificate" },
        { ERR_LIB_PEM, PEM_R_NO_START_LINE, "no PEM block (-----BEGIN ...) of the kind that is needed" },
        { ERR_LIB_PEM, PEM_R_BAD_END_LINE, "a PEM block is cut short" },
        { ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE, "a PEM block is damaged" },
        { ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ, "it is protected by a passphrase" },
};

static const char *find_words(unsigned long code) {
        for (size_t i = 0; i < ELEMENTS_OF(known_words); i++)
                if (known_words[i].library == ERR_GET_LIB(code) && known_words[i].reason == ERR_GET_REASON(code))
                        return known_words[i].text;
        return NULL;
}

const char *tls_words(unsigned long code) {
        const char *words = find_words(code);
        if (!words)
                words = ERR_reason_error_string(code);
        return words ? words : "no reason was given";
}

/* The cause is the oldest entry that says something to people; decoders put down every attempt before it. */
static const char *words_of_queue(void) {
        const char *oldest = NULL, *known = NULL;
        unsigned long code;
        while ((code = ERR_get_error())) {
                if (!oldest)
                        oldest = tls_words(code);
                if (!known)
                        known = find_words(code);
        }
        return known ? known : oldest ? oldest : "no reason was given";
}

int tls_words_set(struct error *error, int code, const char *format, ...) {
        const char *words = words_of_queue();
        char text[ERROR_TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return error_set(error, code, "%s: %s", text, words);
}

void tls_words_clear(void) {
        if (ERR_peek_error()) /* a fifth of the cost of clearing an empty queue */
                ERR_clear_error();
}
