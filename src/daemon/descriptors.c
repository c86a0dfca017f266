/* SPDX-License-Identifier: Apache-2.0 */
/* How many descriptors the process may have. The soft limit is small for the sake of programs that use select(2), which
 * this one does not: it takes what the hard limit gives, and says when that is too little for what is configured. */
#include <sys/resource.h>

#include "daemon/state.h"
#include "shared/message_id.h"

/* For listening sockets, loops, logs and the like. */
#define DESCRIPTORS_OF_OUR_OWN 256

void daemon_descriptors_raise(const struct config_root *root, struct daemon_descriptors *ret_descriptors) {
        struct rlimit limit = { 0 };
        *ret_descriptors = (struct daemon_descriptors) { 0 };
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        if (limit.rlim_cur < limit.rlim_max) {
                struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };
                if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
                        limit = raised;
        }
        /* Open files may take an eighth of all. */
        uint64_t wanted = (uint64_t) root->http.limits.max_connections + root->sites.count + DESCRIPTORS_OF_OUR_OWN;
        *ret_descriptors = (struct daemon_descriptors) {
                .there = limit.rlim_cur,
                .wanted = wanted + (wanted + 6) / 7,
                .connections = (uint64_t) root->http.limits.max_connections,
        };
}

void daemon_descriptors_warn(const struct daemon *daemon, const struct daemon_descriptors *descriptors) {
        if (!daemon->program->listeners || descriptors->there >= descriptors->wanted)
                return; /* those who may reach a role socket are few */
        log_event(daemon->log, LOG_LEVEL_WARNING, MESSAGE_ID_DESCRIPTORS_FEW, NULL, 0,
                  "the process may have %llu file descriptors, too few for max_connections = %llu, which takes %llu: "
                  "raise "
                  "LimitNOFILE= of the unit (in a shell, ulimit -Hn), or lower max_connections in [http.limits]",
                  (unsigned long long) descriptors->there, (unsigned long long) descriptors->connections,
                  (unsigned long long) descriptors->wanted);
}
