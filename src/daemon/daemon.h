/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/engine.h"
#include "http/generation.h"

/*
 * The life of a daemon that serves HTTP, the same for each of them: options, configuration, sockets from systemd or its
 * own, the sandbox, workers, role sockets, reload, watchdog, drain. A daemon's main.c gives its program and calls
 * daemon_main.
 */

/*
 * A unix socket for those who may do one thing: who reaches it has the authority. Under systemd a socket unit opens it
 * (FileDescriptorName= is the role's name; SocketUser=, SocketGroup= and SocketMode= say who may). In the foreground the
 * daemon opens STATE/COMMAND-NAME.sock itself ("--state /tmp/x" and ccodes-auth's role "users":
 * /tmp/x/auth-users.sock).
 *
 * The handlers run on the main loop, where nothing may wait; what takes longer goes to a pool of exchange->worker->services. They see
 * the program's snapshot as the handlers of its listeners do, and may ask who the peer is (http_exchange_peer_credentials).
 * A flood on one role takes nothing from another: each has its own count of connections.
 *
 * Who is confined so that it cannot connect hands over its connections instead: the socket of such a role takes datagrams
 * (ListenDatagram= of the unit), each with one end of a socketpair (shared/descriptor_passing.h).
 *
 * Every daemon has the role "admin" already (STATE/NAME.sock): health, metrics, status, reload.
 */
struct daemon_role {
        const char *name;
        /* Of the socket's file in the foreground: 0600 for the daemon's own user and root, 0660 for `group` too. */
        unsigned mode;
        const char *group;                          /* NULL: the daemon's own */
        bool is_handed;                             /* connections are handed over: see below */
        const struct http_application *application; /* its snapshot_free is not called: the program's is */
};

/* What the program's own parts are made with. */
struct daemon_environment {
        const struct config_root *root;
        const char *state_folder; /* --state, or the first of $STATE_DIRECTORY; NULL: none was given. To be copied */
        struct loop *loop;        /* the main one, on which the roles are served; not in a mere check: NULL */
        struct thread_pool *pool, *writers, *compute; /* as `loop`; see struct http_services */
        struct metrics *metrics;                      /* series can be added */
        struct log_producer *log;                     /* the main thread's; in a check NULL */
};

struct daemon_program {
        const char *name;                           /* "server": of the policies and the sockets */
        const char *command;                        /* "ccodes-server": of the log and --help */
        const char *summary;                        /* one line for --help */
        const struct http_application *application; /* of the listeners; also frees the snapshot */

        /* Unix sockets beside "admin", each with its application; none: NULL and 0. */
        const struct daemon_role *roles;
        size_t role_count;

        /* Whether it writes files of its own in the state folder: then --state opens that in the sandbox (under systemd the
         * policy's $STATE_DIRECTORY does). */
        bool keeps_state;

        /* What this daemon takes from the configuration. `listeners` and `workers` are NULL where it has roles only. */
        const struct config_list *(*listeners)(const struct config_root *root);
        unsigned (*workers)(const struct config_root *root);       /* 0: one for each CPU */
        uint64_t (*drain_timeout)(const struct config_root *root); /* us */
        bool (*sandbox)(const struct config_root *root);

        /* Calls back for every place beyond the policy file's that this configuration needs. NULL: none. */
        void (*each_path)(const struct config_root *root,
                          void (*add)(const char *path, unsigned access, void *userdata), void *userdata);

        /* What is kept over reloads (NULL: nothing); made within the sandbox, before the first snapshot, and freed last. */
        int (*state_new)(const struct daemon_environment *environment, struct error *error, void **ret_state);
        /* Ends threads of its own, while the loop to which their results go is still there; from then on nothing may be begun.
         * NULL: it has none. */
        void (*state_stop)(void *state);
        void (*state_free)(void *state);

        /* Builds a snapshot from a configuration. May block: it is called on the thread pool. */
        int (*snapshot_new)(struct config *config, void *state, struct error *error, void **ret_snapshot);
};

/* Returns the exit status: 0; 1 for a failure while running; 2 for wrong options; 78 (EX_CONFIG) for a configuration that is not
 * valid, which systemd does not restart. */
int daemon_main(const struct daemon_program *program, int argc, char **argv);
