/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include <openssl/x509.h>

#include "shared/error.h"

/* An OCSP response that is shown with a certificate (RFC 6066 section 8). All zero: none. */
struct tls_staple {
        unsigned char *response; /* DER */
        size_t length;
        time_t expires; /* it is not shown from then on; the wall clock */
};

/*
 * Checks a response in DER: that it is signed by, or on behalf of, the issuer, is about this leaf, says that it is good, and
 * is current. -EBADMSG, -EKEYREVOKED or -ESTALE with an error that says what is wrong. `issuer` NULL: it cannot be checked.
 */
int tls_staple_check(const char *response, size_t length, X509 *leaf, X509 *issuer, time_t now, struct error *error,
                     struct tls_staple *ret_staple);
void tls_staple_done(struct tls_staple *staple);
