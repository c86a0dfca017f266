/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/cause.h"
#include "shared/slice.h"

/*
 * The target of a request (RFC 9112 section 3.2) and its one canonical path, which everything after it uses: percent
 * escapes decoded once, dot segments removed (RFC 3986 section 5.2.4), repeated slashes merged. What could be read in two ways is
 * refused: %00 and other control characters, an incomplete escape, an encoded slash, dots above the root.
 */
enum http_target_form {
        HTTP_TARGET_ORIGIN,    /* "/path?query" */
        HTTP_TARGET_ABSOLUTE,  /* "http://host/path?query" */
        HTTP_TARGET_AUTHORITY, /* "host:port", CONNECT only */
        HTTP_TARGET_ASTERISK,  /* "*", OPTIONS only */
};

struct http_target {
        enum http_target_form form;
        struct slice scheme;    /* of the absolute form */
        struct slice authority; /* of the absolute and authority forms, as sent */
        struct slice raw_path;  /* as sent, without query; "/" when the absolute form has none */
        struct slice query;     /* after '?', as sent; data == NULL when there is none */
};

/* Splits the target. -EBADMSG for what is none of the four forms (CAUSE_REQUEST_MALFORMED). A fragment is refused. */
int http_target_parse(struct slice target, bool is_connect, struct http_target *ret_target);

/*
 * The canonical path: a view of `raw` where it is canonical already (the usual case, found with one pass), otherwise written to
 * `scratch`, which has room for raw.length bytes. Begins with '/'. -EBADMSG (CAUSE_PATH_MALFORMED) when it cannot be made safely.
 */
int http_path_canonicalize(struct slice raw, char *scratch, struct slice *ret_path);

/*
 * Checks and splits "host", "host:port", "[v6]:port" (RFC 3986 section 3.2, without user information). The host is given in
 * lower case in `scratch` (authority.length bytes) without a final dot; brackets are kept; `ret_port` is 0 when there is none.
 */
int http_authority_parse(struct slice authority, char *scratch, struct slice *ret_host, uint16_t *ret_port);
