/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl config check: the text is checked here, files and rights by the daemon, which is the one to use them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/config_check.h"
#include "cli/config_fault_list.h"
#include "cli/verbs.h"

static int report_faults(struct cli *cli, const char *file, const struct error *faults) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string("invalid"));
        json_object_object_add(object, "file", output_json_string(file));
        config_fault_list_add(object, faults->text);
        cli_report_object(cli, object);
        output_print(&cli->err, OUTPUT_PLAIN, "%s\n", faults->text);
        return CLI_FAILED;
}

/* A daemon that is reached by unix sockets alone has no listeners to be configured. */
static bool lacks_listeners(const struct cli_service *service, const struct config *config) {
        return service->listeners && service->listeners(&config->root)->count == 0;
}

/* What is no fault of the text, and yet hardly what was meant. */
static void note_what_is_missing(struct cli *cli, const char *file, const struct config *config) {
        if (access(file, F_OK) < 0 && errno == ENOENT) /* the default one, for which conf.d may stand in */
                cli_note(cli, "there is no %s; what is not in conf.d has its default", file);
        for (const struct cli_service *service = cli_services; service->name; service++)
                if (lacks_listeners(service, config))
                        cli_note(cli,
                                 "no [[%s.listener]] is configured: %s has nothing to listen on and will not start",
                                 service->name, service->program);
}

int verb_config_check(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        const char *file = cli_argument(arguments, "config");
        struct error faults = ERROR_INIT;
        _cleanup_config_ struct config *config = NULL;
        if (!file)
                file = CONFIG_DEFAULT_FILE;
        int r = config_load(file, &faults, &config);
        if (r < 0)
                return report_faults(cli, file, &faults);
        note_what_is_missing(cli, file, config);

        bool looked = cli_argument(arguments, "no-files") == NULL;
        for (const struct cli_service *service = cli_services; looked && service->name; service++) {
                if (lacks_listeners(service, config))
                        continue; /* which was said already */
                r = config_check_files(cli, service, file, &faults);
                if (r == -EINVAL)
                        return report_faults(cli, file, &faults);
                if (r == -EACCES) {
                        cli_note(cli, "%s; with sudo the files are looked at with the rights of %s", faults.text,
                                 service->user);
                        looked = false;
                } else if (r < 0) {
                        cli_note(cli, "the files that it names were not looked at: %s", faults.text);
                        looked = false;
                }
        }
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string("valid"));
        json_object_object_add(object, "file", output_json_string(file));
        json_object_object_add(object, "files_checked", json_object_new_boolean(looked));
        cli_report_object(cli, object);
        if (!cli->json)
                output_print(&cli->out, OUTPUT_PLAIN, "%s is valid\n",
                             access(file, F_OK) == 0 ? file : "the configuration");
        (void) error;
        return CLI_DONE;
}
