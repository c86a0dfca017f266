/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/cause.h"

/* Why an upload ended, gathered on the thread pool and answered on the loop. The first one counts. */
struct upload_fault {
        enum cause cause;   /* CAUSE_NONE: it has not */
        const char *detail; /* for the log; static; NULL: none */
};

/* Notes the fault. Always returns -ECANCELED, for `return upload_fault_set(…)`. */
int upload_fault_set(struct upload_fault *fault, enum cause cause, const char *detail);

/* The same for what the system said of the folder or the disk: a negative errno. */
int upload_fault_set_errno(struct upload_fault *fault, int code);
