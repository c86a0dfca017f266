/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"

/* The endpoint that a site's key `echo` names, for trying out clients, proxies and this server: sends each message of a WebSocket back,
 * and to whom asks for server-sent events, a count of seconds that goes on from Last-Event-ID. Ends like http_exchange_respond. */
void echo_answer(struct http_exchange *exchange);
