/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a process gives up its rights: privileges, then the file system, then system calls, since each
 * step takes away what the one before needs. A step that fails leaves the earlier ones in force. */
#include "shared/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/sandbox_policy.h"
#include "shared/syscall.h"

static const struct sandbox_policy *find_policy(const char *name) {
        for (size_t i = 0; i < sandbox_policy_count; i++)
                if (strcmp(sandbox_policies[i].name, name) == 0)
                        return &sandbox_policies[i];
        return NULL;
}

/* Capabilities and Landlock belong to a thread: another one would keep what this one gives up. */
static bool has_other_threads(void) {
        struct stat status;
        return stat("/proc/self/task", &status) >= 0 && status.st_nlink > 2 + 1;
}

static bool missing_in_kernel(int error_number) {
        return error_number == -ENOSYS || error_number == -EOPNOTSUPP;
}

static int enter_landlock(const struct sandbox *sandbox, const struct sandbox_policy *policy, struct error *error,
                          struct text *summary) {
        const int abi = sandbox_landlock_abi();
        if (abi == 0 && sandbox->mode == SANDBOX_PARTIAL) {
                text_append_string(summary, ", no Landlock in this kernel");
                return 0;
        }
        if (abi == 0)
                return error_set(error, -EOPNOTSUPP,
                                 "this kernel has no Landlock, or its boot parameter lsm= leaves it out");

        size_t count;
        int r = sandbox_landlock_enter(policy, sandbox->paths, sandbox->path_count, abi, error, &count);
        if (r < 0)
                return r;
        text_printf(summary, ", Landlock ABI %d with %zu places", abi, count);
        return 0;
}

static int enter_seccomp(const struct sandbox *sandbox, const struct sandbox_policy *policy, struct error *error,
                         struct text *summary) {
        struct error cause = ERROR_INIT;
        size_t count;
        int r = sandbox_seccomp_enter(policy, sandbox->mode == SANDBOX_LOG, &cause, &count);
        if (missing_in_kernel(r) && sandbox->mode == SANDBOX_PARTIAL) {
                text_append_string(summary, ", no seccomp in this kernel");
                return 0;
        }
        if (r < 0)
                return error_set(error, r, "%s", cause.text);
        text_printf(summary, ", seccomp %s %zu calls", sandbox->mode == SANDBOX_LOG ? "logging all but" : "with",
                    count);
        return 0;
}

static int enter(const struct sandbox *sandbox, struct error *error, struct text *summary) {
        const struct sandbox_policy *policy = find_policy(sandbox->name);
        if (!policy)
                return error_set(error, -EINVAL, "there is no policy of this name");
        if (has_other_threads())
                return error_set(error, -EBUSY, "it has to be entered before other threads start");

        int r = sandbox_drop_privileges(error);
        if (r < 0)
                return r;
        text_append_string(summary, "no capabilities");
        if (sandbox->mode == SANDBOX_PARTIAL || sandbox->mode == SANDBOX_ENFORCED) {
                r = enter_landlock(sandbox, policy, error, summary);
                if (r < 0)
                        return r;
        }
        if (sandbox->mode != SANDBOX_OFF)
                return enter_seccomp(sandbox, policy, error, summary);
        return 0;
}

int sandbox_enter(const struct sandbox *sandbox, struct error *error, struct text *ret_summary) {
        struct text summary = TEXT_INIT;
        int r = enter(sandbox, error, &summary);
        if (r >= 0 && summary.failed)
                r = error_set(error, -ENOMEM, "out of memory");
        if (r < 0) {
                text_done(&summary);
                (void) error_prefix(error, "entering the sandbox '%s'", sandbox->name);
                return r;
        }
        *ret_summary = summary;
        return 0;
}
