/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "http/fault.h"
#include "http/target.h"

/*
 * What a request is for, made canonical and checked alike for every protocol: host, path and query of exchange->request.
 * 0, -ENOMEM, or -EBADMSG with a fault.
 */

/* `authority` is the one that counts: Host's, or that of the target or pseudo-field, which wins. In HTTP/1.0 it may be absent. */
int http_request_take_authority(struct http_exchange *exchange, struct slice authority, struct http_fault *ret_fault);

/* The path and query of a target that was split. */
int http_request_take_path(struct http_exchange *exchange, const struct http_target *target,
                           struct http_fault *ret_fault);

/* Finds out how long the body may be (exchange->max_body), once it is known what the request is for. A fault when its length is told
 * and is more. */
int http_request_limit_body(struct http_exchange *exchange, struct http_fault *ret_fault);

/* A request for a host that the certificate shown on this connection does not cover came the wrong way (RFC 9110 section 15.5.20). */
int http_request_check_direction(const struct http_exchange *exchange, struct http_fault *ret_fault);
