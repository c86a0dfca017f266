/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons that `ccodesctl run` starts: from the program's path to what its end means. */
#include "cli/run_daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cli/admin_client.h"
#include "cli/child.h"
#include "cli/program_path.h"

#define SIGNAL_EXIT 128 /* child_wait's, for an end by signal */

int run_daemon_start(struct run_daemon *daemon, const struct cli_service *service, const struct state_folder *folder,
                     const char *config, struct error *error) {
        _cleanup_free_ char *program = NULL;
        daemon->service = service;
        daemon->socket = state_folder_file(folder, service->name, ".sock");
        int r = daemon->socket ? program_path_find(service->name, service->program, error, &program) : -ENOMEM;
        if (r < 0)
                return error_set_errno(error, r, "starting %s", service->program);
        const struct child_options options = {
                .argv = (const char *const[]) { program, "--config", config, "--state", folder->path, "--log",
                                                "console", NULL },
                .own_group = true,
                .dies_with_us = true,
        };
        /* Not ours to hand on: the daemon's state is told by its admin socket. */
        (void) unsetenv("NOTIFY_SOCKET");
        (void) unsetenv("WATCHDOG_USEC");
        return child_start(&options, error, &daemon->pid);
}

void run_daemon_done(struct run_daemon *daemon) {
        free(daemon->socket);
        *daemon = (struct run_daemon) { 0 };
}

int run_daemon_has_ended(struct run_daemon *daemon, int *ret_status) {
        siginfo_t info = { 0 };
        if (daemon->pid == 0)
                return 1;
        if (waitid(P_PID, (id_t) daemon->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
                return 0;
        *ret_status = child_wait(daemon->pid);
        daemon->pid = 0;
        return 1;
}

bool run_daemon_is_ready(const struct run_daemon *daemon) {
        _cleanup_admin_response_ struct admin_response response = { 0 };
        return admin_request(daemon->socket, "GET", "/readyz", NULL, 1, NULL, &response) >= 0 && response.status == 200;
}

void run_daemon_signal(const struct run_daemon *daemon, int number) {
        if (daemon->pid > 0)
                (void) kill(daemon->pid, number);
}

int run_daemon_explain_end(const struct run_daemon *daemon, int status, struct error *error) {
        if (status == 0)
                return 0;
        return error_set(error, -ECHILD, "%s has ended with %s %d", daemon->service->program,
                         status > SIGNAL_EXIT ? "signal" : "exit status",
                         status > SIGNAL_EXIT ? status - SIGNAL_EXIT : status);
}
