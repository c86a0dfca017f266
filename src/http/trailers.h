/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"

/*
 * Trailers of requests, for sessions: fields after the body (RFC 9110 section 6.5), kept in the exchange's arena and shown to the
 * handler as request.trailers.
 */

/* Keeps one more; name and value are copied. -E2BIG above max_fields, -ENOMEM. */
int http_request_add_trailer(struct http_exchange *exchange, struct slice name, struct slice value);

/* The trailers of a chunked body: lines that were checked, as they came. As above. */
int http_request_take_trailers(struct http_exchange *exchange, struct slice lines);
