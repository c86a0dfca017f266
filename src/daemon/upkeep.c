/* SPDX-License-Identifier: Apache-2.0 */
/* How often what ages is looked after. A reload may have made the intervals shorter. */
#include "daemon/state.h"

#define UPKEEP_MSEC 60000 /* the shortest life of a ticket key */

uint64_t daemon_certificate_check(const struct daemon *daemon) {
        return daemon->generation->config->root.tls.certificate_check / 1000;
}

void daemon_upkeep_start(struct daemon *daemon) {
        uint64_t interval = MIN_OF(daemon_certificate_check(daemon), (uint64_t) UPKEEP_MSEC);
        loop_timer_start(daemon->loop, &daemon->upkeep, loop_now(daemon->loop) + interval);
}
