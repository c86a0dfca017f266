/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/http_section.h"

/* How long a phase of a connection, or of a stream, has taken, and what passed in it. Times are ms of the loop's clock. */
struct http_phase_clock {
        uint64_t started, progress;
        uint64_t bytes;
};

static inline void http_phase_clock_start(struct http_phase_clock *clock, uint64_t now) {
        *clock = (struct http_phase_clock) { .started = now, .progress = now };
}

static inline void http_phase_clock_progress(struct http_phase_clock *clock, uint64_t now, size_t bytes) {
        clock->progress = now;
        clock->bytes += bytes;
}

/* Goes on at `now` after a pause: the time since its last progress does not count. */
static inline void http_phase_clock_resume(struct http_phase_clock *clock, uint64_t now) {
        clock->started += now - clock->progress;
        clock->progress = now;
}

/* When to look again; at or before `now` when the phase is over its limits; UINT64_MAX: never. */
uint64_t http_phase_clock_check(const struct http_phase_clock *clock, const struct config_phase *limits, uint64_t now);
