/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "cli/services.h"
#include "cli/unit_manager.h"

/* One instance of a service, as systemd sees it and as it sees itself. */
struct instance {
        const struct cli_service *service;
        const char *unit, *socket;
        bool has_state; /* systemd knows the unit */
        struct unit_state state;
        struct json_object *status; /* what the daemon says (GET /status); NULL: not asked, or no answer */
        double rate;                /* requests a second just now; below 0: not known */
        char *problem;              /* NULL, or why the daemon was not heard though it seems to run */
};

/* Fills in the rest of an instance whose service, unit and socket are set. Takes a third of a second for the rate. The
 * daemon is asked only when it runs, or when `manager` is NULL. */
void instance_look(struct instance *instance, struct unit_manager *manager);
void instance_done(struct instance *instance);

/* Requests a second since it has started. */
double instance_average_rate(const struct instance *instance);

/* All of it, for --json. */
struct json_object *instance_object(const struct instance *instance);
