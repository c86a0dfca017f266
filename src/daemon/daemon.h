/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/engine.h"
#include "http/generation.h"

/*
 * The life of a daemon that serves HTTP, the same for each of them: options, configuration, sockets from systemd or its
 * own, the sandbox, workers, the admin socket, reload, watchdog, drain. A daemon's main.c gives its program and calls
 * daemon_main.
 */
struct daemon_program {
        const char *name;    /* "server": of the policies and the admin socket */
        const char *command; /* "ccodes-server": of the log and --help */
        const char *summary; /* one line for --help */
        const struct http_application *application;

        /* What this daemon takes from the configuration. */
        const struct config_list *(*listeners)(const struct config_root *root);
        unsigned (*workers)(const struct config_root *root); /* 0: one for each CPU */
        uint64_t (*drain_timeout)(const struct config_root *root);
        bool (*sandbox)(const struct config_root *root);

        /* Calls back for every place beyond the policy file's that this configuration needs. */
        void (*each_path)(const struct config_root *root,
                          void (*add)(const char *path, unsigned access, void *userdata), void *userdata);

        /* What is kept over reloads (NULL: nothing); made before the first snapshot, and freed last. */
        int (*state_new)(const struct config_root *root, struct metrics *metrics, struct error *error,
                         void **ret_state);
        void (*state_free)(void *state);

        /* Builds a snapshot from a configuration. May block: it is called on the thread pool. */
        int (*snapshot_new)(struct config *config, void *state, struct error *error, void **ret_snapshot);
};

/* Returns the exit status: 0; 1 for a failure while running; 2 for wrong options; 78 (EX_CONFIG) for a configuration that is not
 * valid, which systemd does not restart. */
int daemon_main(const struct daemon_program *program, int argc, char **argv);
