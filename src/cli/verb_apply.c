/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl apply: checks the configuration, then takes the steps of apply.c with the real systemd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/apply.h"
#include "cli/config_check.h"
#include "cli/service_job.h"
#include "cli/verbs.h"

struct applying {
        struct cli *cli;
        struct unit_manager *manager;
        const struct cli_service *service;
};

static int reload_units(void *userdata, struct error *error) {
        struct applying *applying = userdata;
        return unit_manager_reload(applying->manager, error);
}

static int is_up(void *userdata, const char *unit, struct error *error) {
        struct applying *applying = userdata;
        struct unit_state state;
        int r = unit_manager_get(applying->manager, unit, error, &state);
        return r < 0 ? r : unit_state_is_up(&state);
}

static int run_job(void *userdata, enum unit_job job, const char *unit, struct error *error) {
        struct applying *applying = userdata;
        return service_job_run(applying->cli, applying->manager, job, unit, error);
}

static int bound_address(void *userdata, const char *listener, char **ret_address) {
        struct applying *applying = userdata;
        _cleanup_json_ struct json_object *status = NULL;
        int r = admin_get_json(applying->service->socket, "/status", NULL, &status);
        if (r < 0)
                return r;
        struct json_object *array = json_member_array(status, "listeners");
        if (!array)
                return -EPROTO;
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                struct json_object *entry = json_object_array_get_idx(array, i);
                if (strcmp(json_member_string(entry, "name", ""), listener) != 0)
                        continue;
                const char *bound = json_member_string(entry, "address", NULL);
                if (!json_object_object_get_ex(entry, "configured", NULL))
                        return -EPROTO; /* an older version: the address is the configured one */
                if (!bound)
                        return 0;
                *ret_address = strdup(bound);
                return *ret_address ? 1 : -ENOMEM;
        }
        return 0;
}

struct socket_walk {
        void (*on_socket)(const char *unit, void *userdata);
        void *userdata;
};

static void on_unit(const char *name, const char *load, const char *active, const char *sub, void *userdata) {
        struct socket_walk *walk = userdata;
        (void) load;
        (void) sub;
        if (strcmp(active, "active") == 0)
                walk->on_socket(name, walk->userdata);
}

static int each_socket(void *userdata, void (*on_socket)(const char *unit, void *userdata), void *on_userdata,
                       struct error *error) {
        struct applying *applying = userdata;
        struct socket_walk walk = { on_socket, on_userdata };
        return unit_manager_list(applying->manager, applying->service->listener_units, on_unit, &walk, error);
}

static void say(void *userdata, const char *text) {
        struct applying *applying = userdata;
        output_print(&applying->cli->err, OUTPUT_PLAIN, "%s\n", text);
}

static const struct apply_operations operations = {
        .reload_units = reload_units,
        .is_up = is_up,
        .run_job = run_job,
        .bound_address = bound_address,
        .each_socket = each_socket,
        .say = say,
};

/* What the daemon would refuse is refused here, before anything is touched. Not being able to ask it is no obstacle: a new
 * instance says the same, while the old one serves. */
static int check(struct cli *cli, const struct cli_service *service, const char *file, struct error *error) {
        struct error faults = ERROR_INIT;
        if (geteuid() != 0)
                return 0; /* others may not read what the daemon may */
        int r = config_check_files(cli, service, file, &faults);
        if (r == -EINVAL)
                return error_set(error, r, "%s", faults.text);
        if (r < 0)
                cli_note(cli, "the files that the configuration names were not looked at: %s", faults.text);
        return 0;
}

/* Those without a standby: who asks them meanwhile waits in their sockets. One that does not run is started by being
 * asked, and has everything in force then. */
static int restart_others(struct applying *applying, struct error *error) {
        for (const struct cli_service *service = cli_services; service->name; service++) {
                int r = service->standby ? 0 : is_up(applying, service->unit, error);
                if (r > 0) {
                        _cleanup_free_ char *text = text_format("restarting %s", service->unit);
                        say(applying, text ? text : service->unit);
                        r = run_job(applying, UNIT_RESTART, service->unit, error);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int verb_apply_all(struct cli *cli, struct error *error) {
        _cleanup_config_ struct config *config = NULL;
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const struct cli_service *service = &cli_services[0];
        int r = unit_manager_open(error, &manager);
        if (r >= 0)
                r = config_load(CONFIG_DEFAULT_FILE, error, &config);
        if (r >= 0)
                r = check(cli, service, CONFIG_DEFAULT_FILE, error);
        if (r < 0)
                return r;
        struct applying applying = { cli, manager, service };
        r = apply_run(&operations, &applying, service, service->listeners(&config->root), error);
        return r < 0 ? r : restart_others(&applying, error);
}

int verb_apply(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        (void) arguments;
        int r = verb_apply_all(cli, error);
        if (r < 0)
                return r;
        cli_report(cli, "applied", "The configuration is in force.");
        return CLI_DONE;
}
