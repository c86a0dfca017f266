/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"
#include "cli/services.h"

/*
 * Lets the daemon look at what it would need to start with a configuration (files, rights, addresses), and says its
 * notes. -EINVAL when it found faults, which the error then lists, a line each; -EACCES when there was no right to look,
 * and the service's user might have it; another negative errno when it could not be asked.
 */
int config_check_files(struct cli *cli, const struct cli_service *service, const char *file, struct error *error);
