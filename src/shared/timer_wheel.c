/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps each timer in the slot of its deadline's highest 6-bit digit that differs from the wheel's time. So level 0 holds
 * what is due within the current 64 ticks, level 1 within the current 4096 and so on: the lowest level that is not empty
 * has the earliest deadline, and no slot at or before the wheel's time is occupied. Only the top level goes round. */
#include "shared/timer_wheel.h"

#include "shared/syscall.h"

#define DIGIT_BITS 6
#define DIGIT_MASK (TIMER_WHEEL_SLOTS - 1)
#define TOP_LEVEL (TIMER_WHEEL_LEVELS - 1)
#define TOP_SHIFT (TOP_LEVEL * DIGIT_BITS)

_Static_assert(TIMER_WHEEL_SLOTS == 1 << DIGIT_BITS, "a digit of the time selects a slot");

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now) {
        wheel->now = now;
        list_init(&wheel->overdue);
        for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++) {
                wheel->occupied[level] = 0;
                for (unsigned slot = 0; slot < TIMER_WHEEL_SLOTS; slot++)
                        list_init(&wheel->slots[level][slot]);
        }
}

void timer_init(struct timer *timer, void (*on_timeout)(struct timer *timer, void *userdata), void *userdata) {
        *timer = (struct timer) { .on_timeout = on_timeout, .userdata = userdata };
        list_init(&timer->link);
}

/* Puts a timer, which is in no list, where its deadline belongs. */
static void put(struct timer_wheel *wheel, struct timer *timer) {
        if (timer->deadline <= wheel->now) {
                list_append(&wheel->overdue, &timer->link);
                return;
        }

        unsigned level = (63 - (unsigned) __builtin_clzll(timer->deadline ^ wheel->now)) / DIGIT_BITS;
        uint64_t digits;
        if (level < TOP_LEVEL) {
                digits = timer->deadline >> (level * DIGIT_BITS);
        } else {
                level = TOP_LEVEL;
                digits = MIN_OF(timer->deadline >> TOP_SHIFT, (wheel->now >> TOP_SHIFT) + DIGIT_MASK);
        }
        unsigned slot = digits & DIGIT_MASK;
        list_append(&wheel->slots[level][slot], &timer->link);
        wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* Takes a timer out of the list that it is in, which may be a slot, the overdue ones or those that are being fired. */
static void take(struct timer_wheel *wheel, struct timer *timer) {
        struct list *head = timer->link.next;
        bool was_alone = head == timer->link.previous;
        list_remove(&timer->link);

        uintptr_t offset = (uintptr_t) head - (uintptr_t) wheel->slots;
        if (was_alone && offset < sizeof(wheel->slots)) {
                size_t index = offset / sizeof(struct list);
                wheel->occupied[index / TIMER_WHEEL_SLOTS] &= ~(UINT64_C(1) << index % TIMER_WHEEL_SLOTS);
        }
}

void timer_wheel_start(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline) {
        deadline = MAX_OF(deadline, UINT64_C(1));
        if (timer_is_started(timer)) {
                bool is_waiting = timer->deadline > wheel->now;
                if (is_waiting && deadline >= timer->deadline) {
                        timer->deadline = deadline; /* its slot comes up before that, and then it is put on again */
                        return;
                }
                take(wheel, timer);
        }
        timer->deadline = deadline;
        put(wheel, timer);
}

void timer_wheel_stop(struct timer_wheel *wheel, struct timer *timer) {
        if (!timer_is_started(timer))
                return;
        take(wheel, timer);
        timer->deadline = 0;
}

/* The occupied slot that comes up first; its start is the time returned. */
static uint64_t first_slot(const struct timer_wheel *wheel, unsigned *ret_level, unsigned *ret_slot) {
        for (unsigned level = 0; level < TOP_LEVEL; level++)
                if (wheel->occupied[level]) {
                        unsigned shift = level * DIGIT_BITS, slot = (unsigned) __builtin_ctzll(wheel->occupied[level]);
                        *ret_level = level;
                        *ret_slot = slot;
                        return ((wheel->now >> shift & ~(uint64_t) DIGIT_MASK) | slot) << shift;
                }

        uint64_t occupied = wheel->occupied[TOP_LEVEL], digits = wheel->now >> TOP_SHIFT;
        if (!occupied)
                return UINT64_MAX;
        unsigned current = digits & DIGIT_MASK; /* never occupied itself: the rest lies 1 to 63 slots ahead */
        uint64_t rotated = occupied >> current | occupied << (-current & DIGIT_MASK);
        digits += (unsigned) __builtin_ctzll(rotated);
        *ret_level = TOP_LEVEL;
        *ret_slot = digits & DIGIT_MASK;
        return digits << TOP_SHIFT;
}

/* Runs the timers of a list, to which nothing is added meanwhile, and puts those on again that were moved. */
static void fire(struct timer_wheel *wheel, struct list *due) {
        while (!list_is_empty(due)) {
                struct timer *timer = list_entry(due->next, struct timer, link);
                list_remove(&timer->link);
                if (timer->deadline > wheel->now) {
                        put(wheel, timer);
                        continue;
                }
                timer->deadline = 0;
                timer->on_timeout(timer, timer->userdata);
        }
}

void timer_wheel_advance(struct timer_wheel *wheel, uint64_t now) {
        struct list due;
        list_init(&due);
        list_splice(&due, &wheel->overdue);
        fire(wheel, &due);

        unsigned level, slot;
        for (uint64_t start; (start = first_slot(wheel, &level, &slot)) <= now && start != UINT64_MAX;) {
                wheel->now = start;
                wheel->occupied[level] &= ~(UINT64_C(1) << slot);
                list_splice(&due, &wheel->slots[level][slot]);
                fire(wheel, &due);
        }
        wheel->now = MAX_OF(wheel->now, now);
}

uint64_t timer_wheel_next(const struct timer_wheel *wheel) {
        unsigned level, slot;
        return list_is_empty(&wheel->overdue) ? first_slot(wheel, &level, &slot) : wheel->now;
}
