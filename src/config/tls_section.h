/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* [tls] and [[certificate]]: what holds for every TLS listener. */

enum config_tls_version {
        CONFIG_TLS_1_2,
        CONFIG_TLS_1_3,
};

struct config_tls {
        int minimum_version;          /* enum config_tls_version */
        const char *ciphers;          /* OpenSSL list for TLS 1.2 */
        const char *ciphersuites;     /* TLS 1.3 */
        struct config_strings groups; /* key exchange groups, best first */
        bool tickets;                 /* stateless session resumption */
        uint64_t ticket_rotation;     /* us; a ticket is valid for up to twice as long */
        bool kernel_tls;              /* use kernel TLS where there is one */
        uint64_t certificate_check;   /* us between looks at the certificate files for changes */
};

struct config_certificate {
        struct config_origin origin;
        const char *name;
        const char *certificate; /* PEM file: leaf first, then the chain */
        const char *key;         /* PEM file */
        const char *ocsp;        /* DER file with an OCSP response; NULL: none */
};

extern const struct config_table config_tls_table;
extern const struct config_table config_certificate_table;
