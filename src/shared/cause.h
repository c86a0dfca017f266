/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/slice.h"

/*
 * The table of causes: why an answer is not a success.
 *
 * The code is stable: it stands in the response (problem details, RFC 9457, and the field Ccodes-Cause), in the
 * journal (CCODES_CAUSE=), as a metric's label and in `ccodesctl explain CODE`. The rows are in cause_table.h.
 */
enum cause {
        CAUSE_NONE,
#define CAUSE(identifier, code, status, sentence, advice) CAUSE_##identifier,
#include "shared/cause_table.h"
#undef CAUSE
        CAUSE_COUNT,
};

struct cause_entry {
        const char *code;     /* "range-unsatisfiable" */
        int status;           /* HTTP status; 0 where the connection is only closed */
        const char *sentence; /* for people: what happened */
        const char *advice;   /* for the operator: what can be done */
};

/* The entry of any cause, CAUSE_NONE included (code "none", status 200). */
const struct cause_entry *cause_entry(enum cause cause);

/* CAUSE_NONE when there is no such code. */
enum cause cause_from_code(struct slice code);
