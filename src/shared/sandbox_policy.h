/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/sandbox.h"

/*
 * The policies as tables: made from policy/ by policy/embed_policy.py, carried out by sandbox_seccomp.c and
 * sandbox_landlock.c. Nobody else includes this.
 */
enum sandbox_action {
        SANDBOX_ALLOW,
        SANDBOX_REFUSE,
        SANDBOX_KILL,
};

/* Holds when the argument's bits under `mask` are `value`. */
struct sandbox_condition {
        unsigned argument;
        uint64_t mask, value;
};

/* One system call; several rules of one call are alternatives. */
struct sandbox_rule {
        const char *call;
        int number; /* on the architecture that the program was built for */
        enum sandbox_action action;
        int error; /* positive errno of SANDBOX_REFUSE */
        unsigned condition_count;
        struct sandbox_condition conditions[2]; /* all of them must hold */
};

struct sandbox_place {
        const char *path; /* "$NAME": the folders in this environment variable, parted by colons */
        unsigned access;  /* enum sandbox_access */
        bool optional;    /* may be absent */
};

struct sandbox_policy {
        const char *name;
        enum sandbox_action default_action;
        int default_error;
        const struct sandbox_rule *rules;
        size_t rule_count;
        const struct sandbox_place *places;
        size_t place_count;
};

extern const struct sandbox_policy sandbox_policies[];
extern const size_t sandbox_policy_count;

/* Sets no_new_privs and gives up every capability, for good. Of the calling thread. */
int sandbox_drop_privileges(struct error *error);

/*
 * Restricts the calling thread, and those that it will start, to the policy's places and `paths`. `abi` is that of
 * the kernel and at least 1. `ret_count` is the number of places.
 */
int sandbox_landlock_enter(const struct sandbox_policy *policy, const struct sandbox_path *paths, size_t path_count,
                           int abi, struct error *error, size_t *ret_count);

/* Filters the system calls of all threads. With `log_only` nothing is refused, only logged. `ret_count` is the number
 * of allowed calls. */
int sandbox_seccomp_enter(const struct sandbox_policy *policy, bool log_only, struct error *error, size_t *ret_count);
