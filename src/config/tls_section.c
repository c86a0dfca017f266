/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of [tls] and [[certificate]]. The defaults are Mozilla's "intermediate" recommendation, of which the
 * suites with finite-field Diffie-Hellman are left out: they need parameters of their own, and cost the server far more
 * than the client. */
#include "config/tls_section.h"

#include "config/value_check.h"

static const char *const versions[] = {
        [CONFIG_TLS_1_2] = "1.2",
        [CONFIG_TLS_1_3] = "1.3",
        NULL,
};

static const struct config_key tls_keys[] = {
        {
                        .name = "minimum_version",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, minimum_version),
                        .fallback = "\"1.2\"",
                        .choices = versions,
                        .documentation = "The oldest version of TLS that is spoken.",
        },
        {
                        .name = "ciphers",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, ciphers),
                        .fallback = "\"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305\"",
                        .check = config_check_field_value,
                        .documentation = "Cipher suites of TLS 1.2, as OpenSSL names them in ciphers(1).",
        },
        {
                        .name = "ciphersuites",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, ciphersuites),
                        .fallback = "\"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256\"",
                        .check = config_check_field_value,
                        .documentation = "Cipher suites of TLS 1.3.",
        },
        {
                        .name = "groups",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, groups),
                        .fallback = "[\"X25519\", \"P-256\", \"P-384\"]",
                        .check = config_check_field_values,
                        .documentation = "Groups for the key exchange, the best one first.",
        },
        {
                        .name = "tickets",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, tickets),
                        .fallback = "true",
                        .documentation = "Let clients resume sessions by tickets, which cost the server no memory.",
        },
        {
                        .name = "ticket_rotation",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, ticket_rotation),
                        .fallback = "\"12h\"",
                        .minimum = 60 * 1000000LL,
                        .maximum = 84 * 3600 * 1000000LL, /* twice that is the seven days of RFC 8446 section 4.6.1 */
                        .documentation = "How often the key of the tickets changes. A ticket is good for up to twice "
                                         "as long.",
        },
        {
                        .name = "kernel_tls",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, kernel_tls),
                        .fallback = "true",
                        .documentation = "Let the kernel encrypt where it can, so that files need no copy. Elsewhere "
                                         "it changes nothing.",
        },
        {
                        .name = "certificate_check",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_tls, certificate_check),
                        .fallback = "\"1min\"",
                        .minimum = 1000000,
                        .maximum = INT64_MAX,
                        .documentation = "How often to look whether the files of certificates changed; changed ones "
                                         "are loaded without "
                                         "a reload.",
        },
};

const struct config_table config_tls_table = {
        .name = "tls",
        .size = sizeof(struct config_tls),
        .keys = tls_keys,
        .key_count = ELEMENTS_OF(tls_keys),
        .documentation = "What holds for every TLS listener.",
};

static const struct config_key certificate_keys[] = {
        {
                        .name = "name",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_certificate, name),
                        .example = "\"example.org\"",
                        .required = true,
                        .check = config_check_name,
                        .documentation = "What listeners call it. Which hosts it serves is read from the certificate "
                                         "itself.",
        },
        {
                        .name = "certificate",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_certificate, certificate),
                        .example = "\"/etc/ccodes/certificates/example.org.pem\"",
                        .required = true,
                        .documentation = "PEM file of the certificate and, behind it, the chain.",
        },
        {
                        .name = "key",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_certificate, key),
                        .example = "\"/etc/ccodes/certificates/example.org.key\"",
                        .required = true,
                        .documentation = "PEM file of the private key. The server must be able to read it, others must "
                                         "not.",
        },
        {
                        .name = "ocsp",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_certificate, ocsp),
                        .example = "\"/etc/ccodes/certificates/example.org.ocsp\"",
                        .documentation = "DER file of an OCSP response to staple.",
        },
};

const struct config_table config_certificate_table = {
        .name = "certificate",
        .size = sizeof(struct config_certificate),
        .keys = certificate_keys,
        .key_count = ELEMENTS_OF(certificate_keys),
        .documentation = "A certificate and its key. For one host there can be several, say RSA and ECDSA.",
};
