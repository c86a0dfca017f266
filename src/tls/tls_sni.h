/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"
#include "tls/tls_certificate.h"

/*
 * Which certificates stand behind a server name (SNI, RFC 6066 section 3): an exact name first, then a wildcard, then the
 * default. Of one name at most one certificate of each kind of key, the first in the listener's order; the client's
 * signature algorithms decide between kinds.
 */
struct tls_choice {
        const struct tls_certificate *of[TLS_KEY_KINDS]; /* NULL: none of this kind; never all */
};

struct tls_sni_entry {
        struct slice name; /* the certificate's */
        struct tls_choice choice;
};

struct tls_sni {
        struct tls_sni_entry *entries; /* by name */
        size_t count;
        struct tls_choice fallback; /* the first certificate, and those that stand beside it under its first name */
};

/* The certificates, at least one, outlive the table. -ENOMEM. */
int tls_sni_init(const struct tls_certificate *certificates, size_t count, struct tls_sni *ret_sni);
void tls_sni_done(struct tls_sni *sni);

/* `name` in lower case; data == NULL: the client named nothing. */
const struct tls_choice *tls_sni_choose(const struct tls_sni *sni, struct slice name);

/* Whether every certificate of the choice covers the host: which one was shown is not known later. */
bool tls_choice_covers(const struct tls_choice *choice, struct slice host);
