/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/services.h"
#include "cli/unit_manager.h"

/*
 * Puts a checked configuration in force by new instances, so that at each moment one accepts on every address that
 * stays.
 *
 * What systemd does, and the order follows from: a socket unit cannot start while its service runs; one whose address
 * was changed loses its sockets at daemon-reload and stays "active" with none; a start of the service starts the
 * socket units that are not active. So the standby instance serves what stays, changed socket units are stopped, and
 * the main instance's restart opens what is new.
 */
struct apply_operations {
        int (*reload_units)(void *userdata, struct error *error);

        /* 1 or 0. */
        int (*is_up)(void *userdata, const char *unit, struct error *error);

        int (*run_job)(void *userdata, enum unit_job job, const char *unit, struct error *error);

        /* The address that the main instance has really opened for a listener: 1; it has none: 0; a negative errno when
         * it does not say. */
        int (*bound_address)(void *userdata, const char *listener, char **ret_address);

        /* Calls back for each socket unit of the service that is active. */
        int (*each_socket)(void *userdata, void (*on_socket)(const char *unit, void *userdata), void *on_userdata,
                           struct error *error);

        void (*say)(void *userdata, const char *text);
};

/* The error says what serves now and what to do. */
int apply_run(const struct apply_operations *operations, void *userdata, const struct cli_service *service,
              const struct config_list *listeners, struct error *error);
