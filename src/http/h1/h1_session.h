/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"

/*
 * HTTP/1.0 and 1.1 on a connection (RFC 9112): one exchange at a time, pipelined requests answered in order and their
 * answers gathered into as few writes as can be.
 */
int h1_session_start(struct http_connection *connection);

/* Answers what was no request to begin with, and ends the connection. */
void h1_session_refuse(struct http_connection *connection, enum cause cause, const char *detail);
