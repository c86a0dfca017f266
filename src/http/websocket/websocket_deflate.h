/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/websocket/websocket_handshake.h"
#include "shared/text.h"

/* The two halves of permessage-deflate (RFC 7692 section 7.2): raw DEFLATE, the last empty block left out. Memory for each half comes with
 * its first message. */
struct websocket_deflate;

/* -ENOMEM. -EOPNOTSUPP in a build without zlib: then nothing is negotiated. */
int websocket_deflate_new(const struct websocket_extension *extension, struct websocket_deflate **ret_deflate);
void websocket_deflate_free(struct websocket_deflate *deflate);

/* Appends the compressed message. -ENOMEM. */
int websocket_deflate_compress(struct websocket_deflate *deflate, struct slice message, struct text *out);

/* Appends the message. -EMSGSIZE as soon as it is larger than `limit`, -EBADMSG when it is not DEFLATE, -ENOMEM. */
int websocket_deflate_expand(struct websocket_deflate *deflate, struct slice payload, size_t limit, struct text *out);
