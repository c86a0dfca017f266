/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "shared/error.h"
#include "shared/text.h"

/* What a pipe takes before anybody reads it. */
#define CHILD_INPUT_MAX 65536

/* Other programs, as children. */
struct child_options {
        const char *const *argv; /* [0] is the path */
        const char *user;        /* run as this user, with its groups; NULL: as we are */
        bool own_group;          /* a process group of its own, so that a terminal's Ctrl-C does not reach it */
        bool dies_with_us;       /* gets SIGTERM when this thread ends */
        struct slice input;      /* standard input; at most CHILD_INPUT_MAX bytes; data == NULL: ours */
        struct text *output;     /* takes standard output and standard error; NULL: ours */
        bool keeps_errors;       /* standard error is ours all the same */
};

/* Starts it. Only without `input` and `output`. -ENOENT and the like when it cannot be executed. */
int child_start(const struct child_options *options, struct error *error, pid_t *ret_pid);

/* Waits for the end. Returns the exit status; 128 and the signal's number when a signal ended it. */
int child_wait(pid_t pid);

/* Starts it and waits. Returns as child_wait, or a negative errno. */
int child_run(const struct child_options *options, struct error *error);
