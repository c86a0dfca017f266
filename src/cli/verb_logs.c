/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl logs: from options to a query of the journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/journal.h"
#include "cli/services.h"
#include "cli/time_expression.h"
#include "cli/verbs.h"
#include "shared/nearest.h"
#include "shared/syscall.h"

#define LINES_DEFAULT 100

static const char *const priorities[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", NULL };

static int parse_priority(const char *text, struct error *error, int *ret_priority) {
        for (int i = 0; priorities[i]; i++)
                if (strcmp(text, priorities[i]) == 0 || (text[0] == '0' + i && !text[1])) {
                        *ret_priority = i;
                        return 0;
                }
        const char *nearest = nearest_of(text, priorities);
        return error_set(error, -EINVAL, "--priority: '%s' is no level; did you mean '%s'?", text,
                         nearest ? nearest : "info");
}

static int parse_lines(const char *text, struct error *error, uint64_t *ret_lines) {
        uint64_t lines = 0;
        if (strcmp(text, "all") == 0) {
                *ret_lines = UINT64_MAX;
                return 0;
        }
        const char *digit = text;
        for (; *digit >= '0' && *digit <= '9' && lines < INT32_MAX; digit++)
                lines = 10 * lines + (uint64_t) (*digit - '0');
        if (digit == text || *digit)
                return error_set(error, -EINVAL, "--lines takes a number or \"all\", not '%s'", text);
        *ret_lines = lines;
        return 0;
}

static int parse_times(const struct cli_arguments *arguments, struct error *error, struct journal_query *query) {
        const char *since = cli_argument(arguments, "since"), *until = cli_argument(arguments, "until");
        int64_t now = (int64_t) time(NULL) * 1000000;
        int r = since ? time_expression_parse(since, now, error, &query->since) : 0;
        if (r >= 0 && until)
                r = time_expression_parse(until, now, error, &query->until);
        return r;
}

static int parse_query(const struct cli_arguments *arguments, struct error *error, struct journal_query *query) {
        const char *priority = cli_argument(arguments, "priority"), *lines = cli_argument(arguments, "lines");
        query->directory = cli_argument(arguments, "directory");
        query->follow = cli_argument(arguments, "follow") != NULL;
        query->fields = arguments->operands;
        query->field_count = arguments->operand_count;
        int r = priority ? parse_priority(priority, error, &query->priority) : 0;
        if (r >= 0)
                r = parse_times(arguments, error, query);
        if (r < 0)
                return r;
        query->lines = query->since ? UINT64_MAX : LINES_DEFAULT;
        return lines ? parse_lines(lines, error, &query->lines) : 0;
}

/* "server" is the service in both of its instances, "x.socket" that unit. */
static int add_units(const char *name, const char **units, size_t *count, struct error *error) {
        const struct cli_service *service = NULL;
        int r = cli_service_find(name, error, &service);
        if (r < 0 && !strchr(name, '.'))
                return r;
        units[(*count)++] = service ? service->unit : name;
        if (service && service->standby)
                units[(*count)++] = service->standby;
        return 0;
}

int verb_logs(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        struct journal_query query = JOURNAL_QUERY_INIT;
        struct error wrong = ERROR_INIT;
        if (parse_query(arguments, &wrong, &query) < 0)
                return cli_refuse(cli, "%s", wrong.text);
        _cleanup_free_ const char **units = calloc(2 * arguments->given_count + 1, sizeof(*units));
        if (!units)
                return error_set_errno(error, -ENOMEM, "reading the journal");
        for (size_t i = 0; i < arguments->given_count; i++) {
                const struct cli_given *given = &arguments->given[i];
                if (strcmp(given->option->name, "unit") != 0)
                        continue;
                struct error unknown = ERROR_INIT;
                if (add_units(given->value, units, &query.unit_count, &unknown) < 0)
                        return cli_refuse(cli, "--unit: %s", unknown.text);
        }
        query.units = units;
        cli->reported = true; /* a stream of objects */
        int r = journal_show(cli, &query, NULL, error);
        return r < 0 ? r : CLI_DONE;
}
