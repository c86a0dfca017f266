/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/error.h"

/*
 * A moment as people write it: "now", "today", "yesterday", "tomorrow" (their midnight), "18:30", "18:30:15",
 * "2026-05-01", "2026-05-01 18:30:15" or with a T between and a Z behind (then in UTC), "@1777660200", a span back from
 * now ("15min", "2h ago", "-2h") or ahead of it ("+5min").
 *
 * `now` and *ret_usec are microseconds since 1970; without a zone the time zone is the process's. -EINVAL with an error.
 */
int time_expression_parse(const char *text, int64_t now, struct error *error, int64_t *ret_usec);
