/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/x509.h>

#include "shared/slice.h"

/* The names that a certificate is for, in lower case: host names, wildcards ("*.example.org"), addresses as text. */
struct tls_names {
        char **items;
        size_t count;
};

/* Of the subjectAltName; if there is none at all, the common name, which clients no longer look at. -ENOMEM. */
int tls_names_of(const X509 *certificate, struct tls_names *ret_names, bool *ret_only_common_name);
void tls_names_done(struct tls_names *names);

/* Whether one of the names is `host` (lower case; an IPv6 address with or without brackets), or a wildcard that stands for
 * its first label (RFC 9525 section 6.3). */
bool tls_names_cover(const struct tls_names *names, struct slice host);

/* The wildcard that would cover `host`, without its "*": ".example.org". data == NULL: none could. */
struct slice tls_names_wildcard_tail(struct slice host);
