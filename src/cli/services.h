/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "shared/error.h"

/* The daemons that ccodesctl knows, and what belongs to each. */
struct cli_service {
        const char *name;    /* "server" */
        const char *program; /* "ccodes-server"; units and the journal's identifier begin with it */
        const char *unit;    /* the instance that a person knows */
        const char *standby; /* the one that serves while the first is replaced; NULL: connections wait meanwhile */
        const char *listener_units; /* pattern of the socket units of listeners and administration */
        const char *socket;         /* the admin sockets of the two */
        const char *standby_socket;
        const char *user;
        bool on_demand; /* it runs once somebody asks: that it does not is no fault */

        const struct config_list *(*listeners)(const struct config_root *root); /* NULL: role sockets only */
};

#define CLI_SOCKET_FOLDER "/run/ccodes"

extern const struct cli_service cli_services[]; /* ends with a NULL name; the server is the first */

/* By "server", "ccodes-server" or "ccodes-server.service"; NULL is the first one. -ENOENT with an error that names the
 * nearest. */
int cli_service_find(const char *name, struct error *error, const struct cli_service **ret_service);

/* The socket unit of a listener, in a buffer of CLI_UNIT_NAME_SIZE. -ENAMETOOLONG. */
#define CLI_UNIT_NAME_SIZE 256
int cli_service_listener_unit(const struct cli_service *service, const char *listener, char *ret_unit);
