/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"
#include "shared/config_fault.h"

/* What no section can see alone: listeners that overlap, hosts of two sites, two default sites, certificates that do not
 * exist or that are missing. */
void config_cross_check(const struct config_root *root, struct config_faults *faults);
