/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/tls_context.h"
#include "http/transport.h"
#include "shared/slice.h"

/*
 * A TLS connection on the server's side as a transport. One recv(2) and one send(2) for a small exchange; gives OpenSSL's
 * buffers back while nothing is in them; with kernel TLS (probed once, used silently) send_file becomes SSL_sendfile.
 */
int tls_transport_new(struct tls_context *context, int fd, struct transport **ret_transport);

/* After the handshake. Views live as long as the transport. */
enum tls_protocol tls_transport_protocol(const struct transport *transport);
struct slice tls_transport_server_name(const struct transport *transport); /* SNI in lower case; data == NULL: none */
const char *tls_transport_version(const struct transport *transport);      /* "TLSv1.3" */
const char *tls_transport_cipher(const struct transport *transport);
bool tls_transport_is_resumed(const struct transport *transport);
struct slice tls_transport_client_subject(const struct transport *transport); /* of a verified client certificate */
struct tls_context *tls_transport_context(const struct transport *transport);

/* Whether this kernel has TLS (setsockopt TCP_ULP "tls"). */
bool tls_kernel_supported(void);
