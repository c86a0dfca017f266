/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>

#include "shared/cause.h"

/* What is wrong with a message, when something says -EBADMSG of it. */
struct http_fault {
        enum cause cause;
        const char *detail; /* static: the rule that was broken, with the RFC's section */
};

/* Fills a fault. Returns -EBADMSG, for `return http_fault_set(...)`. */
static inline int http_fault_set(struct http_fault *ret_fault, enum cause cause, const char *detail) {
        *ret_fault = (struct http_fault) { cause, detail };
        return -EBADMSG;
}
