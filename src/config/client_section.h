/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* [http.clients]: what one client address (of IPv6: one /64) may hold of a daemon at a time. 0: no limit. */
struct config_clients {
        int64_t max_connections;
        int64_t max_requests;         /* under way */
        uint64_t max_head_memory;     /* bytes that unfinished heads hold */
        int64_t max_slow_reads;       /* answers that are taken more slowly than slow_read_rate */
        uint64_t slow_read_rate;      /* bytes a second */
        struct config_strings exempt; /* networks that have no limits */
};

extern const struct config_table config_clients_table;
