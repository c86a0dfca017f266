/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "shared/metrics.h"

/* Whole answers for endpoints of our own. Each ends like http_exchange_respond. */

/* Copies the body into the exchange's memory, which is bounded: for what is small. `type` is a static media type. The answer is not to be stored. */
void http_respond_text(struct http_exchange *exchange, int status, struct slice type, struct slice body);

/* The same with bytes that outlive the exchange by other means: an answer of any length. */
void http_respond_memory(struct http_exchange *exchange, int status, struct slice type,
                         struct http_body_memory *memory);

/* 200 "ok", or 503 with the cause. */
void http_respond_health(struct http_exchange *exchange, enum cause cause);

/* OpenMetrics, or the older text format for a client that does not ask for it. */
void http_respond_metrics(struct http_exchange *exchange, struct metrics *metrics);
