/* SPDX-License-Identifier: Apache-2.0 */
/* A job of systemd as a person wants to see it: progress while it takes long, the journal's words when it fails. */
#include "cli/service_job.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/admin_client.h"
#include "cli/journal.h"

#define LINES 10

struct progress {
        struct cli *cli;
        const char *unit, *socket;
        bool shown;
};

/* The admin socket of the instance, or NULL for other units. */
static const char *socket_of(const char *unit) {
        for (const struct cli_service *service = cli_services; service->name; service++) {
                if (strcmp(unit, service->unit) == 0)
                        return service->socket;
                if (service->standby && strcmp(unit, service->standby) == 0)
                        return service->standby_socket;
        }
        return NULL;
}

static void on_wait(void *userdata) {
        struct progress *progress = userdata;
        _cleanup_json_ struct json_object *status = NULL;
        if (!progress->cli->err.terminal || !progress->socket ||
            admin_get_json(progress->socket, "/status", NULL, &status) < 0 ||
            strcmp(json_member_string(status, "state", ""), "draining") != 0)
                return;
        fprintf(progress->cli->err.stream, "\r\033[K%s drains: %" PRId64 " connections are open", progress->unit,
                json_member_integer(status, "connections"));
        fflush(progress->cli->err.stream);
        progress->shown = true;
}

static void explain(struct cli *cli, const char *unit, int64_t since) {
        struct cli plain = *cli;
        struct journal_query query = JOURNAL_QUERY_INIT;
        query.units = &unit;
        query.unit_count = 1;
        query.since = since;
        query.lines = LINES;
        plain.json = false;
        (void) journal_show(&plain, &query, &cli->err, NULL);
}

int service_job_run(struct cli *cli, struct unit_manager *manager, enum unit_job job, const char *unit,
                    struct error *error) {
        struct progress progress = { .cli = cli, .unit = unit, .socket = socket_of(unit) };
        struct unit_state state;
        int64_t began = (int64_t) time(NULL) * 1000000;
        int r = unit_manager_run_job(manager, job, unit, on_wait, &progress, error);
        if (progress.shown)
                fputs("\r\033[K", cli->err.stream);
        if (r != -EIO)
                return r;
        explain(cli, unit, began);
        if (unit_manager_get(manager, unit, NULL, &state) >= 0 && state.result[0])
                cli_note(cli, "%s is %s (%s); 'ccodesctl logs' shows more", unit, state.active, state.result);
        return r;
}
