/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up what a process may have beyond its user: the wish for new privileges and every capability, in each of the
 * sets from which one could come back. */
#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "shared/sandbox_policy.h"
#include "shared/syscall.h"

static void capabilities_cleanup(cap_t *capabilities) {
        if (*capabilities)
                (void) cap_free(*capabilities);
}

/* The bounding set may be cut only by who has CAP_SETPCAP; whoever has not gets nothing out of it either, since
 * no_new_privs is set. */
static int drop_bounding_set(void) {
        int bound;
        for (cap_value_t capability = 0; (bound = cap_get_bound(capability)) >= 0; capability++)
                if (bound > 0 && cap_drop_bound(capability) < 0 && errno != EPERM)
                        return -errno;
        return 0;
}

/* Asks first: a unit that grants no capability need not allow capset(2) either. */
static int drop_capabilities(void) {
        _cleanup_(capabilities_cleanup) cap_t current = cap_get_proc();
        if (!current)
                return -errno;
        _cleanup_(capabilities_cleanup) cap_t none = cap_init();
        if (!none)
                return -ENOMEM;
        if (cap_compare(current, none) == 0)
                return 0;
        return NEGATIVE_ERRNO(cap_set_proc(none));
}

int sandbox_drop_privileges(struct error *error) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_set_errno(error, -errno, "giving up new privileges");
        int r = drop_bounding_set();
        if (r < 0)
                return error_set_errno(error, r, "emptying the bounding set of capabilities");
        if (cap_reset_ambient() < 0)
                return error_set_errno(error, -errno, "emptying the ambient set of capabilities");

        r = drop_capabilities();
        return r < 0 ? error_set_errno(error, r, "giving up capabilities") : 0;
}
