/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl reload: asks the daemon itself, waits, and hands on what it says. ExecReload= of the units calls it too. */
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "cli/admin_client.h"
#include "cli/config_fault_list.h"
#include "cli/services.h"
#include "cli/unit_manager.h"
#include "cli/verbs.h"
#include "shared/service.h"

#define RELOAD_SECONDS 60

static int report_refusal(struct cli *cli, const char *message) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string("failed"));
        json_object_object_add(object, "message", output_json_string(message));
        config_fault_list_add(object, message);
        cli_report_object(cli, object);
        if (!service_stderr_is_journal())
                output_print(&cli->err, OUTPUT_PLAIN, "%s\nThe old configuration stays in force.\n", message);
        return CLI_FAILED;
}

static int reload(struct cli *cli, const char *socket, struct error *error) {
        _cleanup_admin_response_ struct admin_response response = { 0 };
        int r = admin_request(socket, "POST", "/reload", NULL, RELOAD_SECONDS, error, &response);
        if (r < 0)
                return r;
        _cleanup_json_ struct json_object *object = json_tokener_parse(response.body);
        const char *message = json_member_string(object, "message", NULL);
        if (response.status == 422 && message)
                return report_refusal(cli, message);
        if (response.status != 200 || !message)
                return error_set(error, -EPROTO, "%s answers with status %d%s%s", socket, response.status,
                                 message ? ": " : "", message ? message : "");
        if (cli->json || !service_stderr_is_journal()) /* where the daemon has said it already */
                cli_report(cli, "reloaded", message);
        return CLI_DONE;
}

/* Those that run only when they are asked: they have the same files to read. One that does not run reads them when it starts. */
static int reload_others(struct cli *cli, struct error *error) {
        for (const struct cli_service *service = cli_services; service->name; service++) {
                _cleanup_admin_response_ struct admin_response response = { 0 };
                struct error found = ERROR_INIT;
                if (!service->on_demand || unit_manager_require_running(service, NULL) < 0)
                        continue;
                int r = admin_request(service->socket, "POST", "/reload", NULL, RELOAD_SECONDS, &found, &response);
                if (r == -ESRCH)
                        continue;
                if (r < 0)
                        return error_set(error, r, "%s", found.text);
                _cleanup_json_ struct json_object *object = json_tokener_parse(response.body);
                const char *message = json_member_string(object, "message", "it does not say why");
                if (response.status != 200)
                        return error_set(error, -EIO, "%s did not reload: %s", service->program, message);
                if (!cli->json)
                        output_print(&cli->out, OUTPUT_PLAIN, "%s: %s\n", service->program, message);
        }
        return CLI_DONE;
}

int verb_reload(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        const char *direct = cli_argument(arguments, "direct"), *socket = cli_argument(arguments, "socket");
        const struct cli_service *service;
        char path[sizeof(((struct sockaddr_un *) NULL)->sun_path)];
        int r = cli_service_find(arguments->operand_count > 0 ? arguments->operands[0] : NULL, error, &service);
        if (r < 0)
                return r;
        if (socket)
                return reload(cli, socket, error);
        if (direct) {
                int length = snprintf(path, sizeof(path), "%s/%s.sock", CLI_SOCKET_FOLDER, direct);
                if (length < 0 || (size_t) length >= sizeof(path))
                        return cli_refuse(cli, "--direct: the name is too long");
                return reload(cli, path, error);
        }
        r = unit_manager_require_running(service, error);
        if (r >= 0)
                r = reload(cli, service->socket, error);
        return r == CLI_DONE && arguments->operand_count == 0 ? reload_others(cli, error) : r;
}
