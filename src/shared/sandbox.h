/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
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
        SANDBOX_CONNECT =
                        1
                        << 2, /* reach unix sockets beneath (named for the reader; Landlock cannot tell them apart yet) */
};

/* A place beyond what the Landlock policy file names: a site's root, a log folder. */
struct sandbox_path {
        const char *path;
        unsigned access; /* enum sandbox_access */
};

enum sandbox_mode {
        SANDBOX_OFF,      /* no seccomp, no Landlock; new privileges and capabilities are still dropped */
        SANDBOX_LOG,      /* seccomp logs what it would refuse; Landlock is off */
        SANDBOX_PARTIAL,  /* what the kernel cannot do is left out, and said in the summary */
        SANDBOX_ENFORCED, /* what cannot be had makes sandbox_enter fail */
};

struct sandbox {
        const char *name; /* of the two policy files: "server" */
        enum sandbox_mode mode;
        const struct sandbox_path *paths;
        size_t path_count;
};

/*
 * Enters the sandbox for good, with every thread of the process (TSYNC): call it before threads start where that is
 * possible. `ret_summary` gets one line for the log ("seccomp 84 calls, Landlock ABI 4, 12 paths").
 */
int sandbox_enter(const struct sandbox *sandbox, struct error *error, struct text *ret_summary);

/* The highest Landlock ABI of this kernel; 0 when there is none. */
int sandbox_landlock_abi(void);
