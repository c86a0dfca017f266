/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "config/listener_section.h"
#include "config/tls_section.h"
#include "shared/error.h"
#include "shared/slice.h"
#include "tls/tls_tickets.h"

/*
 * TLS for one listener, server side: settings, and the certificates it may show, chosen by SNI.
 *
 * Immutable once built and shared by all workers by reference count; a changed certificate file makes a new context,
 * which later connections take. Certificates of the same names with different key types (RSA, ECDSA) stand side by
 * side: the client's signature algorithms decide.
 */
struct tls_context;

enum tls_protocol {
        TLS_PROTOCOL_NONE, /* no ALPN (with nothing in common the handshake fails, RFC 7301 section 3.2) */
        TLS_PROTOCOL_HTTP1,
        TLS_PROTOCOL_HTTP2,
};

struct tls_context_options {
        const struct config_tls *tls;
        const struct config_tree *tree; /* that it was bound from, to say where; or NULL */
        const struct config_listener *listener;
        const struct config_certificate *certificates; /* all of them: the listener's list of names chooses */
        size_t certificate_count;
        bool http2;                  /* offer "h2" by ALPN */
        struct tls_tickets *tickets; /* NULL: no tickets; a reference is taken */
};

/* Reads the files and builds the context. Errors name the certificate, the file and what to do: no such file, not
 * readable by this user, key does not belong to the certificate, expired (a warning, see below), no chain. */
int tls_context_new(const struct tls_context_options *options, struct error *error, struct tls_context **ret_context);
struct tls_context *tls_context_ref(struct tls_context *context);
struct tls_context *tls_context_unref(struct tls_context *context); /* NULL */

/* What an operator should know though it does not prevent service: expired or soon to expire, no name in it, stale OCSP response.
 * Calls back for each; `text` is a whole sentence that names the certificate. */
void tls_context_each_warning(const struct tls_context *context, void (*warn)(const char *text, void *userdata),
                              void *userdata);

/* Whether any file the context was made of has changed since (device, inode, size, mtime): time to build a new one. Blocks on the disk. */
bool tls_context_is_stale(const struct tls_context *context);

/* Whether a request for `host` may come over a connection that was opened for `sni` (both lower case, `sni` with data == NULL when
 * the client named nothing): it is the same name, or whatever certificate is shown for `sni` covers it too. If not, the
 * request is misdirected (421, RFC 9110 section 15.5.20). A client that named nothing could not be shown anything else. */
bool tls_context_covers(const struct tls_context *context, struct slice sni, struct slice host);

/* Makes a self-signed ECDSA P-256 certificate for development, for localhost, *.localhost, 127.0.0.1, ::1 and the
 * machine's name, valid for `days`, and writes both PEM files (key with mode 0600), each atomically, the key first. */
int tls_make_development_certificate(const char *certificate_path, const char *key_path, int days, struct error *error);
