/* SPDX-License-Identifier: Apache-2.0 */
/* The three limits of a phase, deadline, idle time and minimum rate, as one time at which to look again. */
#include "http/phase_clock.h"

#include "shared/quantity.h"

#define USEC_PER_MSEC 1000

/* How often a rate is looked at, at most. */
#define RATE_CHECK_MSEC 1000

static uint64_t after(uint64_t start, uint64_t span_usec) {
        return span_usec == QUANTITY_INFINITY ? UINT64_MAX : start + (span_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
}

uint64_t http_phase_clock_check(const struct http_phase_clock *clock, const struct config_phase *limits, uint64_t now) {
        uint64_t check = MIN_OF(after(clock->started, limits->deadline), after(clock->progress, limits->idle));
        if (limits->minimum_rate == 0 || check <= now)
                return check;

        uint64_t graced = after(clock->started, limits->grace);
        if (now <= graced)
                return MIN_OF(check, graced + RATE_CHECK_MSEC);
        uint64_t elapsed = now - clock->started;
        if (clock->bytes < limits->minimum_rate * (elapsed / 1000))
                return now;
        return MIN_OF(check, now + RATE_CHECK_MSEC);
}
