/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"
#include "cli/services.h"
#include "cli/unit_manager.h"

/* Runs a job of systemd to its end. While it takes long, a terminal is told which connections are waited for; when it
 * fails, what the unit wrote meanwhile is printed. As unit_manager_run_job. */
int service_job_run(struct cli *cli, struct unit_manager *manager, enum unit_job job, const char *unit,
                    struct error *error);
