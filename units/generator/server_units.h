/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"
#include "generator/unit_set.h"

/*
 * What the configuration means for ccodes-server's units: a socket unit for each listener, and one drop-in, the same
 * for the service and for its second instance, with the sockets, the time to drain and the places that the sandbox has to
 * show. `file` stands in the comments. `processors` is the number of sockets in a TCP listener's SO_REUSEPORT group: as
 * many as there could ever be workers, so that a unit does not change with their number.
 *
 * -EINVAL for what no unit can hold, -ENOMEM.
 */
int server_units_make(const struct config_root *root, const char *file, unsigned processors, struct error *error,
                      struct unit_set *ret_set);
