/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a policy's rules into a seccomp filter and loads it for all threads. Every refusal is logged by the kernel; a
 * call of another architecture (32-bit, x32) ends the process, so that no number means something else there. */
#include "shared/sandbox_policy.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "shared/syscall.h"

static void filter_cleanup(scmp_filter_ctx *filter) {
        if (*filter)
                seccomp_release(*filter);
}

static uint32_t filter_action(enum sandbox_action action, int error_number, bool log_only) {
        if (action == SANDBOX_ALLOW)
                return SCMP_ACT_ALLOW;
        if (log_only)
                return SCMP_ACT_LOG;
        return action == SANDBOX_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint32_t) error_number);
}

static int filter_add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule, uint32_t action) {
        struct scmp_arg_cmp comparisons[ELEMENTS_OF(rule->conditions)];
        for (unsigned i = 0; i < rule->condition_count; i++) {
                const struct sandbox_condition *condition = &rule->conditions[i];
                comparisons[i] = SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, condition->value);
        }
        return seccomp_rule_add_exact_array(filter, action, rule->number, rule->condition_count, comparisons);
}

/* A balanced tree instead of a list: some calls on the way of a request have conditions, and for those the kernel runs
 * the filter each time. */
#define FILTER_BINARY_TREE 2

static int filter_configure(scmp_filter_ctx filter) {
        int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, FILTER_BINARY_TREE);
        if (r >= 0) /* the kernel's own errno instead of -ECANCELED */
                r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
        return r;
}

int sandbox_seccomp_enter(const struct sandbox_policy *policy, bool log_only, struct error *error, size_t *ret_count) {
        const uint32_t default_action = filter_action(policy->default_action, policy->default_error, log_only);
        _cleanup_(filter_cleanup) scmp_filter_ctx filter = seccomp_init(default_action);
        if (!filter)
                return error_set(error, -ENOMEM, "making a system call filter: out of memory");
        int r = filter_configure(filter);
        if (r < 0)
                return error_set_errno(error, r, "making a system call filter");

        size_t allowed = 0;
        const char *last = "";
        for (size_t i = 0; i < policy->rule_count; i++) {
                const struct sandbox_rule *rule = &policy->rules[i];
                const uint32_t action = filter_action(rule->action, rule->error, log_only);
                if (action == default_action) /* which libseccomp refuses as a rule */
                        continue;
                r = filter_add_rule(filter, rule, action);
                if (r < 0)
                        return error_set_errno(error, r, "filtering the system call %s", rule->call);
                allowed += rule->action == SANDBOX_ALLOW && strcmp(rule->call, last) != 0;
                last = rule->call;
        }

        r = seccomp_load(filter);
        if (r < 0)
                return error_set_errno(error, r, "loading the system call filter");
        *ret_count = allowed;
        return 0;
}
