/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct http_exchange;

/* Tells the operator that a stored file was found to be damaged or cannot be opened for want of its key; says nothing for other
 * errors. `detail` may be NULL. */
void content_damage_log(struct http_exchange *exchange, int error, const char *detail);
