/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* [auth]: ccodes-auth, which keeps users and tokens. */

struct config_auth {
        uint64_t grant_lifetime; /* us */
        uint64_t key_rotation;   /* us */
        const char *socket;      /* where the gateway hands its connections to ccodes-auth */
        const char *public_keys; /* file of the keys that grants are checked with */
        uint64_t remember;       /* us: how long the gateway asks no more about what was good */
        bool sandbox;            /* false: without seccomp and Landlock, for debugging */
};

extern const struct config_table config_auth_table;
