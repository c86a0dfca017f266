/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"

/*
 * What of the configuration is in force: what a reload does not change stays as the process began with it, and waits for
 * a new process, however many reloads there are meanwhile. Immutable once made.
 */
struct daemon_in_force {
        struct config *started, *loaded; /* references */
        struct arena arena;
        struct config_root root; /* put together of the two */
};

/* -ENOMEM. */
int daemon_in_force_new(struct config *started, struct config *loaded, struct daemon_in_force **ret_in_force);
void daemon_in_force_free(struct daemon_in_force *in_force); /* takes NULL */

/* What is configured and not in force, as a JSON array of objects with key, in_force, configured (null: absent) and effect. */
void daemon_in_force_append_pending(const struct daemon_in_force *in_force, struct text *text);

/* One line for people: how many values have changed from what was in force before, and which wait for a new process. */
void daemon_in_force_describe(const struct daemon_in_force *before, const struct daemon_in_force *in_force,
                              struct text *text);
