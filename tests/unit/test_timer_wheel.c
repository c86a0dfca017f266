/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a plain array of deadlines, under random starts, moves, stops and jumps of time, from within
 * callbacks too; then single cases that a random walk seldom meets. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/syscall.h"
#include "shared/timer_wheel.h"

#define TIMERS 48

struct model {
        uint64_t deadline; /* 0: not started */
        bool is_overdue;   /* started with a deadline that was past */
        bool is_held;      /* overdue since within the running advance: not before the next */
};

struct world {
        struct timer_wheel wheel;
        struct timer timers[TIMERS];
        struct model models[TIMERS];
        uint64_t random, target, begin, last_tick, fired;
        bool is_advancing;
};

static uint64_t next_random(struct world *world) {
        world->random ^= world->random << 13;
        world->random ^= world->random >> 7;
        world->random ^= world->random << 17;
        return world->random;
}

static uint64_t random_below(struct world *world, uint64_t limit) {
        return next_random(world) % limit;
}

/* From the past to beyond what the wheel holds, each order of magnitude as often as another. */
static uint64_t random_deadline(struct world *world) {
        uint64_t now = world->wheel.now, base = random_below(world, 4) ? now : world->target;
        if (random_below(world, 8) == 0)
                return now - MIN_OF(now, random_below(world, 200));
        if (random_below(world, 50) == 0)
                return UINT64_MAX;
        return base + random_below(world, UINT64_C(2) << random_below(world, 36));
}

static void start_random(struct world *world) {
        size_t i = random_below(world, TIMERS);
        uint64_t deadline = random_deadline(world);
        struct model *model = &world->models[i];
        timer_wheel_start(&world->wheel, &world->timers[i], deadline);
        model->deadline = MAX_OF(deadline, UINT64_C(1));
        model->is_overdue = model->deadline <= world->wheel.now;
        model->is_held = model->is_overdue && world->is_advancing;
        assert_true(timer_is_started(&world->timers[i]));
}

static void stop_random(struct world *world) {
        size_t i = random_below(world, TIMERS);
        timer_wheel_stop(&world->wheel, &world->timers[i]);
        world->models[i] = (struct model) { 0 };
        assert_false(timer_is_started(&world->timers[i]));
}

static void check_next(const struct world *world) {
        uint64_t earliest = UINT64_MAX, next = timer_wheel_next(&world->wheel);
        bool any = false, any_overdue = false;
        for (size_t i = 0; i < TIMERS; i++) {
                const struct model *model = &world->models[i];
                any = any || model->deadline;
                any_overdue = any_overdue || model->is_overdue;
                if (model->deadline)
                        earliest = MIN_OF(earliest, model->deadline);
        }
        assert_true(any || next == UINT64_MAX);
        if (any_overdue)
                assert_true(next <= world->wheel.now);
        else
                assert_true(next > world->wheel.now && next <= earliest);
}

static void on_timeout(struct timer *timer, void *userdata) {
        struct world *world = userdata;
        struct model *model = &world->models[timer - world->timers];
        uint64_t tick = world->wheel.now;
        assert_false(timer_is_started(timer));
        assert_true(world->is_advancing && model->deadline && !model->is_held);
        assert_int_equal(tick, model->is_overdue ? world->begin : model->deadline);
        assert_true(tick >= world->last_tick && tick <= world->target);
        *model = (struct model) { 0 };
        world->last_tick = tick;
        world->fired++;

        for (uint64_t n = random_below(world, 3); n; n--)
                if (random_below(world, 3))
                        start_random(world);
                else
                        stop_random(world);
}

static void advance(struct world *world, uint64_t target) {
        world->begin = world->last_tick = world->wheel.now;
        world->target = MAX_OF(target, world->wheel.now);
        world->is_advancing = true;
        timer_wheel_advance(&world->wheel, target);
        world->is_advancing = false;
        assert_int_equal(world->wheel.now, MAX_OF(world->begin, target));
        for (size_t i = 0; i < TIMERS; i++) {
                struct model *model = &world->models[i];
                if (model->deadline && model->deadline <= target && !model->is_held)
                        fail_msg("timer %zu for %" PRIu64 " has not fired at %" PRIu64, i, model->deadline, target);
                model->is_held = false;
        }
}

static void random_advance(struct world *world) {
        uint64_t next = timer_wheel_next(&world->wheel), now = world->wheel.now;
        switch (random_below(world, 8)) {
        case 0:
                advance(world, now);
                break;
        case 1:
                advance(world, now - MIN_OF(now, random_below(world, 100))); /* back: nothing but what is overdue */
                break;
        case 2:
        case 3:
                if (next - now < UINT64_C(1) << 40)
                        advance(world, next);
                break;
        default:
                advance(world, now + random_below(world, UINT64_C(2) << random_below(world, 32)));
        }
}

static void stop_all(struct world *world) {
        for (size_t i = 0; i < TIMERS; i++)
                timer_wheel_stop(&world->wheel, &world->timers[i]);
        for (size_t level = 0; level < TIMER_WHEEL_LEVELS; level++)
                assert_int_equal(world->wheel.occupied[level], 0);
        assert_int_equal(timer_wheel_next(&world->wheel), UINT64_MAX);
}

static void agrees_with_a_plain_array(void **state) {
        (void) state;
        static const uint64_t origins[] = { 0,        1, 1000003, (1 << 24) - 100, (1 << 30) - 5000, UINT64_C(1) << 36,
                                            INT64_MAX };
        for (size_t i = 0; i < ELEMENTS_OF(origins); i++)
                for (uint64_t seed = 1; seed <= 8; seed++) {
                        struct world world = { .random = seed * 0x9E3779B97F4A7C15 + i, .target = origins[i] };
                        timer_wheel_init(&world.wheel, origins[i]);
                        for (size_t j = 0; j < TIMERS; j++)
                                timer_init(&world.timers[j], on_timeout, &world);
                        for (size_t step = 0; step < 4000; step++) {
                                uint64_t choice = random_below(&world, 10);
                                if (choice < 5)
                                        start_random(&world);
                                else if (choice < 6)
                                        stop_random(&world);
                                else
                                        random_advance(&world);
                                check_next(&world);
                        }
                        assert_true(world.fired > 1000);
                        stop_all(&world);
                }
}

static void count_timeout(struct timer *timer, void *userdata) {
        (void) timer;
        ++*(unsigned *) userdata;
}

/* Goes from one next to the following until `target` has fired; a step that does not get on would go on for ever. */
static unsigned steps_to(struct timer_wheel *wheel, const unsigned *fired) {
        for (unsigned steps = 1;; steps++) {
                uint64_t next = timer_wheel_next(wheel), before = wheel->now;
                assert_true(next >= before && next != UINT64_MAX);
                timer_wheel_advance(wheel, next);
                if (*fired)
                        return steps;
                assert_true(wheel->now > before);
        }
}

static void few_steps_lead_to_any_deadline(void **state) {
        (void) state;
        static const uint64_t origins[] = { 5, (1 << 30) - 5, UINT64_C(123456789012345) };
        for (size_t i = 0; i < ELEMENTS_OF(origins); i++)
                for (unsigned bit = 0; bit < 36; bit++) {
                        unsigned fired = 0;
                        struct timer_wheel wheel;
                        struct timer timer;
                        uint64_t deadline = origins[i] + (UINT64_C(1) << bit);
                        timer_wheel_init(&wheel, origins[i]);
                        timer_init(&timer, count_timeout, &fired);
                        timer_wheel_start(&wheel, &timer, deadline);
                        assert_true(steps_to(&wheel, &fired) <= TIMER_WHEEL_LEVELS + (deadline >> 29));
                        assert_int_equal(wheel.now, deadline);
                }
}

static void a_timer_that_is_moved_on_and_on_costs_few_steps(void **state) {
        (void) state;
        unsigned fired = 0, early = 0;
        struct timer_wheel wheel;
        struct timer timer;
        timer_wheel_init(&wheel, 1000);
        timer_init(&timer, count_timeout, &fired);
        for (uint64_t now = 1000; now < 61000; now++) {
                timer_wheel_start(&wheel, &timer, now + 5000);
                early += timer_wheel_next(&wheel) <= now + 1;
                timer_wheel_advance(&wheel, now + 1);
                assert_int_equal(fired, 0);
        }
        assert_true(early < 60000 / 5000 * TIMER_WHEEL_LEVELS);
        assert_true(steps_to(&wheel, &fired) <= TIMER_WHEEL_LEVELS);
        assert_int_equal(wheel.now, 60999 + 5000);
}

struct pair {
        struct timer_wheel wheel;
        struct timer first, second;
        unsigned count;
        uint64_t again; /* deadline for the first, started by its own callback; 0: none */
        bool stops_second;
};

static void on_first(struct timer *timer, void *userdata) {
        struct pair *pair = userdata;
        pair->count++;
        if (pair->again)
                timer_wheel_start(&pair->wheel, timer, pair->again);
        if (pair->stops_second)
                timer_wheel_stop(&pair->wheel, &pair->second);
}

static void on_second(struct timer *timer, void *userdata) {
        (void) timer;
        struct pair *pair = userdata;
        pair->count += 100;
}

static void pair_init(struct pair *pair) {
        *pair = (struct pair) { 0 };
        timer_wheel_init(&pair->wheel, 100);
        timer_init(&pair->first, on_first, pair);
        timer_init(&pair->second, on_second, pair);
}

static void one_that_is_due_too_may_be_stopped(void **state) {
        (void) state;
        static const uint64_t deadlines[] = { 50, 100, 101, 150, 164, 5000 };
        for (size_t i = 0; i < ELEMENTS_OF(deadlines); i++) {
                struct pair pair;
                pair_init(&pair);
                pair.stops_second = true;
                timer_wheel_start(&pair.wheel, &pair.first, deadlines[i]);
                timer_wheel_start(&pair.wheel, &pair.second, deadlines[i]);
                timer_wheel_advance(&pair.wheel, 10000);
                assert_int_equal(pair.count, 1);
                assert_int_equal(timer_wheel_next(&pair.wheel), UINT64_MAX);
        }
}

static void one_that_starts_itself_for_now_does_not_hold_the_advance(void **state) {
        (void) state;
        struct pair pair;
        pair_init(&pair);
        pair.again = 200;
        timer_wheel_start(&pair.wheel, &pair.first, 150);
        timer_wheel_advance(&pair.wheel, 200); /* at 150, and once more at 200 */
        assert_int_equal(pair.count, 2);
        assert_int_equal(timer_wheel_next(&pair.wheel), 200);
        timer_wheel_advance(&pair.wheel, 200);
        assert_int_equal(pair.count, 3);
        pair.again = 0;
        timer_wheel_advance(&pair.wheel, 200);
        assert_int_equal(pair.count, 4);
        assert_int_equal(timer_wheel_next(&pair.wheel), UINT64_MAX);
}

static void free_timer(struct timer *timer, void *userdata) {
        ++*(unsigned *) userdata;
        test_free(timer);
}

static void a_callback_may_free_its_timer(void **state) {
        (void) state;
        unsigned freed = 0;
        struct timer_wheel wheel;
        timer_wheel_init(&wheel, 7);
        for (size_t i = 0; i < 100; i++) {
                struct timer *timer = test_malloc(sizeof(*timer));
                timer_init(timer, free_timer, &freed);
                timer_wheel_start(&wheel, timer, i * 3);
        }
        timer_wheel_advance(&wheel, 1000);
        assert_int_equal(freed, 100);
}

static void stopping_what_is_not_started_does_nothing(void **state) {
        (void) state;
        struct pair pair;
        pair_init(&pair);
        timer_wheel_stop(&pair.wheel, &pair.first);
        timer_wheel_start(&pair.wheel, &pair.first, 101);
        timer_wheel_stop(&pair.wheel, &pair.first);
        timer_wheel_stop(&pair.wheel, &pair.first);
        timer_wheel_advance(&pair.wheel, UINT64_MAX);
        assert_int_equal(pair.count, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(agrees_with_a_plain_array),
                cmocka_unit_test(few_steps_lead_to_any_deadline),
                cmocka_unit_test(a_timer_that_is_moved_on_and_on_costs_few_steps),
                cmocka_unit_test(one_that_is_due_too_may_be_stopped),
                cmocka_unit_test(one_that_starts_itself_for_now_does_not_hold_the_advance),
                cmocka_unit_test(a_callback_may_free_its_timer),
                cmocka_unit_test(stopping_what_is_not_started_does_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
