/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb says: to people in lines, to programs as one JSON object. The one place that prints an error. */
#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/error.h"

static struct json_object *result_object(const char *result, const char *message) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string(result));
        json_object_object_add(object, "message", output_json_string(message));
        return object;
}

void cli_report_failure(struct cli *cli, const char *message) {
        output_print(&cli->err, OUTPUT_STRONG, CLI_PROGRAM ": ");
        output_print(&cli->err, OUTPUT_PLAIN, "%s\n", message);
        if (cli->json && !cli->reported)
                output_json(&cli->out, result_object("failed", message));
        cli->reported = true;
}

int cli_refuse(struct cli *cli, const char *format, ...) {
        char message[ERROR_TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        cli_report_failure(cli, message);
        return CLI_USAGE;
}

void cli_note(struct cli *cli, const char *format, ...) {
        char message[ERROR_TEXT_MAX];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        output_print(&cli->err, OUTPUT_WARNING, "%s\n", message);
}

void cli_report(struct cli *cli, const char *result, const char *message) {
        if (cli->json)
                cli_report_object(cli, result_object(result, message));
        else
                output_print(&cli->out, OUTPUT_PLAIN, "%s\n", message);
}

void cli_report_object(struct cli *cli, struct json_object *object) {
        if (cli->json)
                output_json(&cli->out, object);
        else
                json_object_put(object);
        cli->reported = true;
}
