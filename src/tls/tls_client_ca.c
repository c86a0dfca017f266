/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates: whose signatures count, and the names of those that clients are told of. The store holds these
 * authorities alone, never the system's. */
#include "tls/tls_client_ca.h"

#include <errno.h>

#include "shared/syscall.h"
#include "tls/tls_certificate.h"
#include "tls/tls_words.h"

static int trust(SSL_CTX *ssl, STACK_OF(X509) *authorities, const char *path, struct error *error) {
        X509_STORE *store = SSL_CTX_get_cert_store(ssl);
        for (int i = 0; i < sk_X509_num(authorities); i++) {
                X509 *authority = sk_X509_value(authorities, i);
                if (X509_STORE_add_cert(store, authority) != 1 || SSL_CTX_add_client_CA(ssl, authority) != 1)
                        return tls_words_set(error, -EBADMSG, "client_ca %s", path);
        }
        return 0;
}

int tls_client_ca_load(SSL_CTX *ssl, const struct config_listener *listener, struct tls_files *files,
                       struct error *error, char **ret_text, size_t *ret_length) {
        _cleanup_free_ char *text = NULL;
        size_t length;
        _cleanup_(tls_certificates_free) STACK_OF(X509) *authorities = NULL;
        int r = tls_files_read(files, listener->client_ca, "reading client_ca", error, &text, &length);
        if (r == 0)
                r = tls_certificate_parse(text, length, listener->client_ca, error, &authorities);
        if (r == 0)
                r = trust(ssl, authorities, listener->client_ca, error);
        if (r < 0) {
                struct config_origin origin = config_origin_of_key(&listener->origin, "client_ca");
                config_origin_place(&origin, error);
                return r;
        }
        SSL_CTX_set_verify(
                        ssl,
                        SSL_VERIFY_PEER | (listener->client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                        NULL);
        *ret_text = take_pointer(text);
        *ret_length = length;
        return 0;
}
