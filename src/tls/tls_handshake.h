/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/error.h"
#include "tls/tls_certificate.h"

/* The decisions of a handshake: certificate by name, protocol by ALPN, stapled OCSP response, ticket keys. */
struct tls_context;

/* Lets the certificate be shown by default, beside one with another kind of key, if OpenSSL takes it at its security level. */
int tls_handshake_use_certificate(SSL_CTX *ssl, const struct tls_certificate *certificate, struct error *error);

/* Puts the default certificates and the callbacks into the context's SSL_CTX. */
int tls_handshake_prepare(struct tls_context *context, struct error *error);
