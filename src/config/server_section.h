/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/listener_section.h"
#include "shared/config_table.h"

/* [server]: ccodes-server itself. */

struct config_file_cache {
        uint64_t max_bytes;  /* bodies in memory, of all workers together */
        int64_t max_entries; /* names, of each worker */
        uint64_t max_file;   /* a file up to this size is kept in memory */
        uint64_t revalidate; /* us after which a name is looked up again */
};

struct config_server {
        int64_t workers;        /* 0: one for each CPU that the process may use */
        uint64_t drain_timeout; /* us that open connections have at a stop */
        bool public_health;     /* /healthz, /readyz on the public listeners too */
        bool public_metrics;    /* /metrics on the public listeners too */
        bool sandbox;           /* false: without seccomp and Landlock, for debugging */
        struct config_file_cache cache;
        struct config_list listeners; /* key "listener": struct config_listener */
};

extern const struct config_table config_server_table;
