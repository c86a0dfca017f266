/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* The command line of a daemon; the same for each of them. Strings are views of argv. */
struct daemon_options {
        const char *config; /* file */
        const char *state;  /* folder for role sockets and what the daemon keeps; NULL: what systemd gives */
        int log_target;     /* enum log_target */
        bool check;         /* only check the configuration */
};

/* Returns -1 to go on, or the exit status after --help, --version or a mistake (which was printed). */
int daemon_options_parse(int argc, char **argv, const char *command, const char *summary,
                         struct daemon_options *ret_options);
