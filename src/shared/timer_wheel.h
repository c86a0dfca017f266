/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/list.h"

/*
 * A hierarchical timing wheel (Varghese and Lauck 1987): 5 levels of 64 slots, one tick a millisecond.
 *
 * Start and stop cost O(1), and moving a started timer to a later deadline, which every byte on a connection does, costs
 * one store: it stays where it is and is put on again when its old slot comes up. A timer fires at most one tick late
 * and never early. Holds 2^30 ms (12 days); a later deadline is kept in the last slot and put on again.
 */
#define TIMER_WHEEL_LEVELS 5
#define TIMER_WHEEL_SLOTS 64

struct timer {
        struct list link;
        uint64_t deadline; /* ms of the owner's monotonic clock; 0 while not started */
        void (*on_timeout)(struct timer *timer, void *userdata);
        void *userdata;
};

struct timer_wheel {
        uint64_t now;                          /* ms: all deadlines up to here have fired, or are overdue */
        struct list overdue;                   /* started with a deadline that was past: for the next advance */
        uint64_t occupied[TIMER_WHEEL_LEVELS]; /* a bit for each slot that is not empty */
        struct list slots[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now);

void timer_init(struct timer *timer, void (*on_timeout)(struct timer *timer, void *userdata), void *userdata);

static inline bool timer_is_started(const struct timer *timer) {
        return timer->deadline != 0;
}

/* Starts, or moves, a timer. A deadline that is past (0 too) fires at the next advance, never within a running one. */
void timer_wheel_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline);

/* Does nothing to a timer that is not started. */
void timer_wheel_stop(struct timer_wheel *wheel, struct timer *timer);

/* Fires what is due, in order of ticks. A timer is stopped before its callback runs, which may start and stop any timer,
 * its own and due ones included, and may free its own. Not to be called from a callback. */
void timer_wheel_advance(struct timer_wheel *wheel, uint64_t now);

/* A time at or before the next deadline at which advance should be called; UINT64_MAX with no timer. Advancing to what
 * this gives, again and again, fires every timer in time. */
uint64_t timer_wheel_next(const struct timer_wheel *wheel);
