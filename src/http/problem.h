/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"

/* Prepares exchange->response for a failure: status, Ccodes-Cause, and a body that says what happened, as problem
 * details (RFC 9457) or as an HTML page for a client that prefers one. Without a body when memory is out. */
void http_problem_prepare(struct http_exchange *exchange, enum cause cause);

/* Adds what each answer to a failure has, whatever its body: Ccodes-Cause, and Retry-After with 429 and 503. */
void http_problem_add_fields(struct http_exchange *exchange, enum cause cause);
