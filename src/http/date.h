/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "shared/slice.h"

/* HTTP dates (RFC 9110 section 5.6.7). */
#define HTTP_DATE_LENGTH 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes exactly HTTP_DATE_LENGTH bytes, no NUL. */
void http_date_format(time_t when, char *ret_text);

/* Reads any of the three forms; a two-digit year is taken as RFC 9110 says, by `now`. -EINVAL. */
int http_date_parse(struct slice text, time_t now, time_t *ret_when);
