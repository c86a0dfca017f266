/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "cli/output.h"

#define CLI_PROGRAM "ccodesctl"

/* Exit statuses; ccodesctl(1) says them. */
enum cli_exit {
        CLI_DONE,
        CLI_FAILED,
        CLI_USAGE,
        CLI_NOT_RUNNING,
        CLI_NOT_PERMITTED,
};

struct cli {
        struct output out, err; /* standard output and standard error */
        bool json;
        bool reported; /* the JSON object of this run was printed */
};

/* A failure: on standard error, and with --json as an object too, if none was printed. */
void cli_report_failure(struct cli *cli, const char *message);

/* Says that the command line makes no sense. Returns CLI_USAGE. */
int cli_refuse(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line on standard error, for what is worth knowing and no failure. */
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* With --json prints {"result", "message"}, otherwise the message, each of its lines. */
void cli_report(struct cli *cli, const char *result, const char *message);

/* Prints the object with --json, and gives up its reference in any case. */
void cli_report_object(struct cli *cli, struct json_object *object);
