/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/ssl.h>

#include "tls/tls_certificate.h"
#include "tls/tls_context.h"
#include "tls/tls_files.h"
#include "tls/tls_notes.h"
#include "tls/tls_sni.h"

/* What a context is made of; for the files that implement it and the transport. */

enum tls_kernel_state {
        TLS_KERNEL_OFF,     /* not configured, or this kernel has no TLS */
        TLS_KERNEL_UNTRIED, /* the first connection will show */
        TLS_KERNEL_ON,
};

struct tls_context {
        _Atomic unsigned references;
        SSL_CTX *ssl;
        BIO_METHOD *stream_method;
        struct tls_tickets *tickets; /* a reference; NULL: no resumption */
        struct tls_certificate *certificates;
        size_t certificate_count;
        struct tls_sni sni;
        struct tls_files files;
        struct tls_notes notes;
        bool http2;
        bool asks_client;       /* for a certificate */
        _Atomic int kernel_tls; /* enum tls_kernel_state; the one thing that changes after the context is built */
};
