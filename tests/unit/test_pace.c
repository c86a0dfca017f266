/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets in a time of the test's own: what goes, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/pace.h"
#include "shared/syscall.h"

#define SECOND UINT64_C(1000000)
#define START (UINT64_C(1000) * SECOND)

static const uint64_t rates[] = {
        1, 3, 7, 1000, 1023, 65536, 1000000, 123456789, UINT64_C(1) << 32, HTTP_PACE_RATE_MAX
};

/* Takes all that there is, whenever there is something, for ten seconds: never more than the rate and one burst, and no
 * less than the rate. */
static void no_more_and_no_less_than_the_rate_goes(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(rates); i++) {
                struct http_pace pace;
                http_pace_init(&pace, rates[i]);
                uint64_t gone = 0, now = START, turns = 0;
                while (now < START + 10 * SECOND) {
                        uint64_t available = MIN_OF(http_pace_available(&pace, now), UINT64_C(1) << 30);
                        assert_true(available <= pace.burst);
                        http_pace_take(&pace, available, now);
                        gone += available;
                        if (now > START)
                                assert_true(gone <= pace.burst + (uint64_t) ((unsigned __int128) rates[i] *
                                                                             (now - START) / SECOND));
                        uint64_t step = MAX_OF(rates[i] / 100, UINT64_C(1));
                        uint64_t wait = http_pace_wait(&pace, step, now);
                        assert_true(wait > 0 || available > 0);
                        now += MAX_OF(wait, UINT64_C(1));
                        turns++;
                }
                /* What is rounded up is at most a step, and a nanosecond for each turn. */
                uint64_t slack = rates[i] / 50 + 2 +
                                 (uint64_t) ((unsigned __int128) turns * rates[i] / (1000 * SECOND)) +
                                 (uint64_t) ((unsigned __int128) rates[i] * 2 * turns / SECOND);
                if (gone + slack < 10 * rates[i])
                        fail_msg("rate %llu: %llu bytes in ten seconds", (unsigned long long) rates[i],
                                 (unsigned long long) gone);
        }
}

static void a_wait_is_as_long_as_it_has_to_be(void **state) {
        (void) state;
        struct http_pace pace;
        http_pace_init(&pace, 1000);
        assert_int_equal(pace.burst, 250);
        assert_int_equal(http_pace_available(&pace, START), 250);
        assert_int_equal(http_pace_wait(&pace, 250, START), 0);
        assert_int_equal(http_pace_wait(&pace, 1000000, START), 0); /* a burst is all that there can be */
        http_pace_take(&pace, 250, START);
        assert_int_equal(http_pace_available(&pace, START), 0);
        assert_int_equal(http_pace_wait(&pace, 1, START), 1000);
        assert_int_equal(http_pace_wait(&pace, 100, START), 100000);
        assert_int_equal(http_pace_wait(&pace, 100, START + 60000), 40000);
        assert_int_equal(http_pace_available(&pace, START + 99999), 99);
        assert_int_equal(http_pace_available(&pace, START + 100000), 100);
        assert_int_equal(http_pace_available(&pace, START + SECOND), 250);
        assert_int_equal(http_pace_available(&pace, START + 1000 * SECOND), 250);
}

static void what_went_too_early_is_made_up_for(void **state) {
        (void) state;
        struct http_pace pace;
        http_pace_init(&pace, 1000);
        http_pace_take(&pace, 5250, START); /* several workers saw the same bytes */
        assert_int_equal(http_pace_available(&pace, START + 4999999), 0);
        assert_int_equal(http_pace_wait(&pace, 1, START), 5 * SECOND + 1000);
        assert_int_equal(http_pace_available(&pace, START + 5 * SECOND + 1000), 1);
}

/* Two that share a bucket have the rate together. */
static void a_bucket_is_shared(void **state) {
        (void) state;
        struct http_pace pace;
        http_pace_init(&pace, 100000);
        uint64_t gone[2] = { 0 };
        for (uint64_t now = START; now < START + 10 * SECOND; now += 1000) {
                unsigned who = (unsigned) (now / 1000 % 2);
                uint64_t available = http_pace_available(&pace, now);
                http_pace_take(&pace, available, now);
                gone[who] += available;
        }
        assert_in_range(gone[0] + gone[1], 1000000, 1000000 + pace.burst);
        assert_true(gone[0] > 400000 && gone[1] > 400000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_more_and_no_less_than_the_rate_goes),
                cmocka_unit_test(a_wait_is_as_long_as_it_has_to_be),
                cmocka_unit_test(what_went_too_early_is_made_up_for),
                cmocka_unit_test(a_bucket_is_shared),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
