/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include <openssl/ssl.h>

#include "config/tls_section.h"
#include "shared/error.h"
#include "tls/tls_files.h"
#include "tls/tls_names.h"
#include "tls/tls_notes.h"
#include "tls/tls_ocsp.h"

/* One [[certificate]]: the leaf, its chain, its key, the names it is for, and the OCSP response that goes with it. */
enum tls_key_kind {
        TLS_KEY_ECDSA,
        TLS_KEY_RSA,
        TLS_KEY_EDWARDS,
        TLS_KEY_KINDS,
};

struct tls_certificate {
        X509 *leaf;
        STACK_OF(X509) *chain; /* without the leaf */
        EVP_PKEY *key;
        enum tls_key_kind kind;
        struct tls_names names;
        struct tls_staple staple;
};

/*
 * Reads and checks the files; -errno with an error that names the certificate, the file and the remedy. What does not
 * prevent service becomes a note. `now` is the wall clock.
 */
int tls_certificate_load(const struct config_certificate *config, time_t now, struct tls_files *files,
                         struct tls_notes *notes, struct error *error, struct tls_certificate *ret_certificate);
void tls_certificate_done(struct tls_certificate *certificate);

/* The PEM certificates of a file's text, in order; `path` is for the error. */
int tls_certificate_parse(const char *text, size_t length, const char *path, struct error *error,
                          STACK_OF(X509) **ret_certificates);

/* The subject as in RFC 2253, on the heap. -ENOMEM. */
int tls_certificate_subject(const X509 *certificate, char **ret_subject);

/* A clean-up for a list of certificates and what is in it. */
void tls_certificates_free(STACK_OF(X509) **certificates);
