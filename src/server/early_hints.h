/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "server/rules.h"

/*
 * 103 Early Hints (RFC 8297): the links of the rules that ask for it go out before the file is looked up, to browsers that navigate.
 * Others would make nothing of them, and some that are old take a 103 for the answer; what says so is Sec-Fetch-Mode, which
 * those do not send.
 */
void early_hints_send(struct http_exchange *exchange, const struct rules *rules);
