/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"

/* The opening handshake (RFC 6455 section 4.2, RFC 8441 section 5) as pure checks and answers on a request. */

/* What permessage-deflate was agreed to (RFC 7692 section 7.1). */
struct websocket_extension {
        bool has_deflate;
        bool server_no_context_takeover, client_no_context_takeover;
        uint8_t server_window_bits, client_window_bits; /* 9 to 15 */
        bool says_client_window;                        /* the answer names client_max_window_bits */
};

/* Whether this is a right opening handshake. CAUSE_NONE, or what it lacks, with a static detail. */
enum cause websocket_check_request(const struct http_request *request, bool any_origin, const char **ret_detail);

/* "Sec-WebSocket-Accept" for a key: base64 of SHA-1 (section 4.2.2); 28 characters, no NUL. */
#define WEBSOCKET_ACCEPT_LENGTH 28
int websocket_accept_key(struct slice key, char ret_accept[WEBSOCKET_ACCEPT_LENGTH]);

/* The first offer of permessage-deflate that can be met, within `max_window_bits`; has_deflate is false when there is none. */
void websocket_negotiate(const struct http_fields *fields, uint8_t max_window_bits,
                         struct websocket_extension *ret_extension);

/* The answer to it: "permessage-deflate; …". The arena's memory; data == NULL without any. */
struct slice websocket_extension_answer(const struct websocket_extension *extension, struct arena *arena);

/* The first of `protocols` that the client offers too, or NULL. */
const char *websocket_choose_protocol(const struct http_fields *fields, const char *const *protocols);
