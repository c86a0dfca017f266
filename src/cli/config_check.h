/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/services.h"

/*
 * Lets the daemon look at the files that a configuration names (roots, certificates, rights). -EINVAL when it found
 * faults, which the error then lists, a line each; another negative errno when it could not be asked.
 */
int config_check_files(const struct cli_service *service, const char *file, struct error *error);
