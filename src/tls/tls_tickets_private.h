/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/evp.h>

#include "tls/tls_tickets.h"

#define TLS_TICKETS_NAME_SIZE 16

/* What OpenSSL's ticket callback does (SSL_CTX_set_tlsext_ticket_key_evp_cb), any thread: 1 the contexts are ready, 2 they
 * are and a new ticket should be given out, 0 no key of this name, -1 a failure. */
int tls_tickets_seal(const struct tls_tickets *tickets, unsigned char ret_name[TLS_TICKETS_NAME_SIZE],
                     unsigned char ret_iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
int tls_tickets_open(const struct tls_tickets *tickets, const unsigned char name[TLS_TICKETS_NAME_SIZE],
                     const unsigned char iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);
