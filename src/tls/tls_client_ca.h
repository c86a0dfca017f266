/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/ssl.h>

#include "config/listener_section.h"
#include "shared/error.h"
#include "tls/tls_files.h"

/* Makes `ssl` ask for client certificates that are signed by those in the listener's client_ca, and insist if it is so
 * configured. The file's text is given back, for the caller to free. */
int tls_client_ca_load(SSL_CTX *ssl, const struct config_listener *listener, struct tls_files *files,
                       struct error *error, char **ret_text, size_t *ret_length);
