/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for websocket_deflate.c in a build without zlib: nothing is negotiated, so nothing else is ever called. */
#include "http/websocket/websocket_deflate.h"

#include <errno.h>

int websocket_deflate_new(const struct websocket_extension *extension, struct websocket_deflate **ret_deflate) {
        (void) extension, (void) ret_deflate;
        return -EOPNOTSUPP;
}

void websocket_deflate_free(struct websocket_deflate *deflate) {
        (void) deflate;
}

int websocket_deflate_compress(struct websocket_deflate *deflate, struct slice message, struct text *out) {
        (void) deflate, (void) message, (void) out;
        return -EOPNOTSUPP;
}

int websocket_deflate_expand(struct websocket_deflate *deflate, struct slice payload, size_t limit, struct text *out) {
        (void) deflate, (void) payload, (void) limit, (void) out;
        return -EOPNOTSUPP;
}
