/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "server/upload/upload_mount.h"

/* Whether the request may change something beneath the mount: CAUSE_NONE, or why not. Asked once for each request, before
 * its body is read. */
enum cause upload_access_check(const struct upload_mount *mount, const struct http_exchange *exchange);
