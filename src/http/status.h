/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/slice.h"

/* "HTTP/1.1 404 Not Found\r\n" ready to send; for a number outside of the registry the reason is empty. `status` is
 * 100 to 599. The view is static. */
struct slice http_status_line(int status);

/* "404". As above. */
static inline struct slice http_status_digits(int status) {
        return (struct slice) { http_status_line(status).data + sizeof("HTTP/1.1 ") - 1, 3 };
}

/* The reason phrase of the IANA registry, "" when unknown. */
const char *http_status_reason(int status);

/* Whether an answer with this status never has content (RFC 9110 section 6.4.1): 1xx, 204, 304. */
static inline bool http_status_is_bodyless(int status) {
        return status < 200 || status == 204 || status == 304;
}
