/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl start|stop|restart|enable|disable: jobs of systemd, waited for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/service_job.h"
#include "cli/verbs.h"

static int begin(const struct cli_arguments *arguments, struct error *error, const struct cli_service **ret_service,
                 struct unit_manager **ret_manager) {
        int r = cli_service_find(arguments->operand_count > 0 ? arguments->operands[0] : NULL, error, ret_service);
        return r < 0 ? r : unit_manager_open(error, ret_manager);
}

static int report(struct cli *cli, const struct cli_service *service, const char *result, const char *words) {
        char message[CLI_UNIT_NAME_SIZE + 64];
        (void) snprintf(message, sizeof(message), "%s %s", service->unit, words);
        cli_report(cli, result, message);
        return CLI_DONE;
}

static int run_job(struct cli *cli, const struct cli_arguments *arguments, enum unit_job job, const char *result,
                   const char *words, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const struct cli_service *service;
        int r = begin(arguments, error, &service, &manager);
        if (r >= 0)
                r = service_job_run(cli, manager, job, service->unit, error);
        return r < 0 ? r : report(cli, service, result, words);
}

int verb_start(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        return run_job(cli, arguments, UNIT_START, "started", "runs", error);
}

int verb_restart(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        return run_job(cli, arguments, UNIT_RESTART, "restarted", "has started anew", error);
}

struct stopping {
        struct cli *cli;
        struct unit_manager *manager;
        struct error *error;
        int result;
};

static void stop_socket(const char *name, const char *load, const char *active, const char *sub, void *userdata) {
        struct stopping *stopping = userdata;
        (void) load;
        (void) sub;
        if (stopping->result >= 0 && strcmp(active, "inactive") != 0)
                stopping->result = service_job_run(stopping->cli, stopping->manager, UNIT_STOP, name, stopping->error);
}

/* The sockets go first: then no connection can start again what is being stopped, and whoever has got one before is
 * served to the end. */
static int stop_all(struct cli *cli, struct unit_manager *manager, const struct cli_service *service,
                    struct error *error) {
        struct stopping stopping = { cli, manager, error, 0 };
        struct unit_state standby = { .active = "inactive" };
        int r = unit_manager_list(manager, service->listener_units, stop_socket, &stopping, error);
        if (r >= 0)
                r = stopping.result;
        if (r >= 0 && service->standby)
                r = unit_manager_get(manager, service->standby, error, &standby);
        if (r >= 0 && strcmp(standby.active, "inactive") != 0)
                r = service_job_run(cli, manager, UNIT_STOP, service->standby, error);
        return r < 0 ? r : service_job_run(cli, manager, UNIT_STOP, service->unit, error);
}

int verb_stop(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const struct cli_service *service;
        int r = begin(arguments, error, &service, &manager);
        if (r >= 0)
                r = stop_all(cli, manager, service, error);
        return r < 0 ? r : report(cli, service, "stopped", "and its sockets are stopped");
}

int verb_enable(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const struct cli_service *service;
        int r = begin(arguments, error, &service, &manager);
        if (r >= 0)
                r = unit_manager_enable(manager, service->unit, true, error);
        if (r >= 0)
                r = service_job_run(cli, manager, UNIT_START, service->unit, error);
        return r < 0 ? r : report(cli, service, "enabled", "runs, and starts at each boot");
}

int verb_disable(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const struct cli_service *service;
        int r = begin(arguments, error, &service, &manager);
        if (r >= 0)
                r = unit_manager_enable(manager, service->unit, false, error);
        if (r >= 0)
                r = stop_all(cli, manager, service, error);
        return r < 0 ? r : report(cli, service, "disabled", "is stopped, and does not start at boot");
}
