/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "cli/services.h"
#include "cli/state_folder.h"

/* A daemon of ours in the foreground, as a child of this process, with its sockets in the state folder. */
struct run_daemon {
        const struct cli_service *service;
        char *socket; /* of administration */
        pid_t pid;    /* 0: it was not started, or its end is known */
};

/* It dies with this thread. Its log goes to standard error. */
int run_daemon_start(struct run_daemon *daemon, const struct cli_service *service, const struct state_folder *folder,
                     const char *config, struct error *error);
void run_daemon_done(struct run_daemon *daemon);

/* 1 when it does not run (any more); *ret_status, as child_wait's, is written once its end is seen. */
int run_daemon_has_ended(struct run_daemon *daemon, int *ret_status);

/* Whether it says so. */
bool run_daemon_is_ready(const struct run_daemon *daemon);

/* Sends a signal, if it runs. */
void run_daemon_signal(const struct run_daemon *daemon, int number);

/* What its end means for people: 0 for one in order, -ECHILD. */
int run_daemon_explain_end(const struct run_daemon *daemon, int status, struct error *error);
