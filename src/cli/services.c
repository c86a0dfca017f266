/* SPDX-License-Identifier: Apache-2.0 */
/* The table of daemons. The names are those of the units in units/. */
#include "cli/services.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/nearest.h"
#include "shared/text.h"

static const struct config_list *server_listeners(const struct config_root *root) {
        return &root->server.listeners;
}

const struct cli_service cli_services[] = {
        {
                        .name = "server",
                        .program = "ccodes-server",
                        .unit = "ccodes-server.service",
                        .standby = "ccodes-server@standby.service",
                        .listener_units = "ccodes-server-*.socket",
                        .socket = CLI_SOCKET_FOLDER "/server.sock",
                        .standby_socket = CLI_SOCKET_FOLDER "/server-standby.sock",
                        .user = "ccodes-server",
                        .listeners = server_listeners,
        },
        {
                        .name = "auth",
                        .program = "ccodes-auth",
                        .unit = "ccodes-auth.service",
                        .listener_units = "ccodes-auth-*.socket",
                        .socket = CLI_SOCKET_FOLDER "/auth.sock",
                        .user = "ccodes-auth",
                        .on_demand = true,
        },
        { 0 },
};

int cli_service_find(const char *name, struct error *error, const struct cli_service **ret_service) {
        const struct cli_service *nearest = NULL;
        unsigned best = NEAREST_NONE;
        for (const struct cli_service *service = cli_services; service->name; service++) {
                if (!name || strcmp(name, service->name) == 0 || strcmp(name, service->program) == 0 ||
                    strcmp(name, service->unit) == 0) {
                        *ret_service = service;
                        return 0;
                }
                unsigned distance = nearest_distance(name, service->name);
                if (distance < best) {
                        best = distance;
                        nearest = service;
                }
        }
        if (nearest)
                return error_set(error, -ENOENT, "there is no service '%s'; did you mean '%s'?", name, nearest->name);
        _cleanup_text_ struct text names = TEXT_INIT;
        for (const struct cli_service *service = cli_services; service->name; service++)
                text_printf(&names, "%s'%s'", names.length > 0 ? ", " : "", service->name);
        return error_set(error, -ENOENT, "there is no service '%s'; there are %s", name,
                         names.data ? names.data : "none");
}

int cli_service_listener_unit(const struct cli_service *service, const char *listener, char *ret_unit) {
        int length = snprintf(ret_unit, CLI_UNIT_NAME_SIZE, "%s-%s.socket", service->program, listener);
        return length < 0 || length >= CLI_UNIT_NAME_SIZE ? -ENAMETOOLONG : 0;
}
