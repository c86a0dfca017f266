/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"

/*
 * What a connection begins with: the handshake of TLS, which is a session of its own until it has settled (ALPN, RFC 7301) which
 * protocol follows; or, where there is none, HTTP/1. May close the connection.
 */
void http_handshake_start(struct http_connection *connection);
