/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* [log]: what is written, and where to. */

enum config_access_target {
        CONFIG_ACCESS_OFF,
        CONFIG_ACCESS_JOURNAL, /* or the console, in the foreground */
        CONFIG_ACCESS_FILE,
};

enum config_access_format {
        CONFIG_ACCESS_JSON,     /* an object a line */
        CONFIG_ACCESS_COMBINED, /* Apache's "combined" */
};

struct config_access_log {
        int target;           /* enum config_access_target */
        const char *path;     /* CONFIG_ACCESS_FILE */
        int format;           /* enum config_access_format */
        int64_t maximum_rate; /* records a second to the journal; above it successes are sampled */
};

struct config_log {
        int level; /* index into "error", "warning", "notice", "info", "debug": enum log_level is this + LOG_LEVEL_ERROR */
        struct config_access_log access;
};

extern const struct config_table config_log_table;
