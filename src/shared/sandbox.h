/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/error.h"
#include "shared/text.h"

/*
 * What a process gives up before it reads the first outside byte: capabilities, new privileges, all of the file
 * system but the named places (Landlock), all system calls but the listed ones (seccomp).
 *
 * The lists are the readable files policy/seccomp/NAME.policy and policy/landlock/NAME.policy, embedded in the binary at
 * build time. The unit's own sandbox stands around this one; this one also holds in the foreground mode.
 */
enum sandbox_access {
        SANDBOX_READ = 1 << 0,  /* files and folders: open for reading, list */
        SANDBOX_WRITE = 1 << 1, /* write, create, rename, remove beneath */
        /* reach unix sockets beneath (named for the reader; Landlock cannot tell them apart yet) */
        SANDBOX_CONNECT = 1 << 2,
};

/* A place beyond what the Landlock policy file names: a site's root, a log folder. */
struct sandbox_path {
        const char *path;
        unsigned access; /* enum sandbox_access */
};

enum sandbox_mode {
        SANDBOX_OFF,      /* no seccomp, no Landlock; new privileges and capabilities are still dropped */
        SANDBOX_LOG,      /* seccomp logs what it would refuse; Landlock is off */
        SANDBOX_PARTIAL,  /* a kernel without seccomp or without Landlock is put up with, and the summary says so */
        SANDBOX_ENFORCED, /* seccomp and Landlock must be there; of Landlock, all that the kernel's ABI has */
};

struct sandbox {
        const char *name; /* of the two policy files: "server" */
        enum sandbox_mode mode;
        const struct sandbox_path *paths;
        size_t path_count;
};

/*
 * Enters the sandbox for good. The process must have one thread only (-EBUSY): Landlock and capabilities belong to a
 * thread, and those that start later inherit them. Each of `paths` must exist; what is opened already stays open.
 *
 * A Landlock ruleset cannot be widened: a configuration that names new places needs a new process.
 *
 * `ret_summary` gets one line for the log ("no capabilities, Landlock ABI 7 with 12 places, seccomp with 131 calls");
 * the caller ends it with text_done. -EOPNOTSUPP when the kernel lacks what the mode calls for.
 */
int sandbox_enter(const struct sandbox *sandbox, struct error *error, struct text *ret_summary);

/* The highest Landlock ABI of this kernel; 0 when there is none. */
int sandbox_landlock_abi(void);
