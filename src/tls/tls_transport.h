/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"
#include "tls/tls_context.h"
#include "tls/transport.h"

/*
 * A TLS connection on the server's side as a transport. One recv(2) and one send(2) for a small exchange; gives OpenSSL's
 * buffers back while nothing is in them; with kernel TLS (found out with the first connection, used silently) send_file
 * becomes SSL_sendfile and write a plain write. Takes a reference to the context, and borrows the descriptor, which is
 * non-blocking. -ENOMEM.
 */
int tls_transport_new(struct tls_context *context, int fd, struct transport **ret_transport);

/* All of these: of a transport of tls_transport_new, after its handshake. Views live as long as the transport. */
enum tls_protocol tls_transport_protocol(const struct transport *transport);
struct slice tls_transport_server_name(const struct transport *transport); /* SNI in lower case; data == NULL: none */
const char *tls_transport_version(const struct transport *transport);      /* "TLSv1.3" */
const char *tls_transport_cipher(const struct transport *transport);
bool tls_transport_is_resumed(const struct transport *transport);
struct slice tls_transport_client_subject(const struct transport *transport); /* of a verified client certificate */
struct tls_context *tls_transport_context(const struct transport *transport);

/* Whether the kernel can do TLS on this connected TCP socket, by attaching it (setsockopt TCP_ULP "tls", without effect
 * until keys are given). -ENOENT: the kernel has no TLS; other errors say nothing about other sockets. Asked of a connection
 * because a sandboxed daemon can make no socket of its own. */
int tls_kernel_attach(int fd);
