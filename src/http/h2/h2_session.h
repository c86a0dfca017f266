/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"

/*
 * HTTP/2 on a connection (RFC 9113): many exchanges at a time, the same to a handler as those of HTTP/1.
 */
int h2_session_start(struct http_connection *connection);

/* The same for a client that began in clear text with the preface (RFC 9113 section 3.3): `bytes` are what it has sent so far. Takes the
 * place of the session that read them, which the caller has freed. */
int h2_session_take_over(struct http_connection *connection, struct slice bytes);

/* The preface that HTTP/2 begins with (RFC 9113 section 3.4). */
#define H2_PREFACE SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
