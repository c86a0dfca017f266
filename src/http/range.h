/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shared/slice.h"

/* Byte ranges (RFC 9110 section 14). */
#define HTTP_RANGE_MAX 32 /* more of them in one request are answered with the whole */

struct http_range {
        uint64_t first, length;
};

/*
 * Reads a Range field against a representation of `size` bytes. Returns the number of satisfiable ranges (at most
 * HTTP_RANGE_MAX, overlapping and touching ones joined when there are more than two, in the order asked for); 0 when the field is to be ignored (another
 * unit, malformed, too many); -ERANGE when none is satisfiable (416).
 */
ssize_t http_range_parse(struct slice field, uint64_t size, struct http_range ret_ranges[HTTP_RANGE_MAX]);
