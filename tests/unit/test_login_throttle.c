/* SPDX-License-Identifier: Apache-2.0 */
/* How failed log-ins are slowed down, on a clock of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/login_throttle.h"
#include "shared/syscall.h"

#define START 1000000

static int set_up(void **state) {
        struct login_throttle *throttle = calloc(1, sizeof(*throttle));
        assert_int_equal(login_throttle_init(throttle), 0);
        *state = throttle;
        return 0;
}

static int tear_down(void **state) {
        login_throttle_done(*state);
        free(*state);
        return 0;
}

static struct login_key address(const char *text) {
        struct login_key key;
        assert_int_equal(login_key_of_address(text, &key), 0);
        return key;
}

static struct login_key user(const char *name) {
        struct login_key key;
        login_key_of_user(slice_of(name), &key);
        return key;
}

static void fail_times(struct login_throttle *throttle, const struct login_key *key, unsigned times, uint64_t now) {
        for (unsigned i = 0; i < times; i++)
                login_throttle_fail(throttle, key, now);
}

static void each_failure_doubles_the_wait_up_to_a_bound(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key keys[] = { address("192.0.2.1"), user("ann") };
        static const uint64_t bounds[] = { 300000, 8000 };
        for (unsigned i = 0; i < 2; i++) {
                uint64_t now = START, expected = 1000;
                for (unsigned failures = 0; failures < 30; failures++) {
                        assert_int_equal(login_throttle_begin(throttle, &keys[i], now), 0);
                        login_throttle_end(throttle, &keys[i], true, now);
                        if (failures + 1 < LOGIN_FREE_FAILURES)
                                continue;
                        assert_int_equal(login_throttle_begin(throttle, &keys[i], now), expected);
                        assert_int_equal(login_throttle_begin(throttle, &keys[i], now + expected - 1), 1);
                        now += expected;
                        expected = MIN_OF(2 * expected, bounds[i]);
                }
                assert_int_equal(expected, bounds[i]);
        }
}

static void one_try_at_a_time_while_slowed(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key key = user("ann");
        fail_times(throttle, &key, LOGIN_FREE_FAILURES, START);
        assert_int_equal(login_throttle_begin(throttle, &key, START + 1000), 0);
        assert_int_not_equal(login_throttle_begin(throttle, &key, START + 1000), 0);
        login_throttle_end(throttle, &key, false, START + 1000);
        assert_int_equal(login_throttle_begin(throttle, &key, START + 1000), 0);
}

static void a_success_forgives_the_user_and_not_the_address(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key keys[] = { address("192.0.2.1"), user("ann") };
        for (unsigned i = 0; i < 2; i++) {
                fail_times(throttle, &keys[i], LOGIN_FREE_FAILURES, START);
                assert_int_equal(login_throttle_begin(throttle, &keys[i], START + 1000), 0);
                login_throttle_end(throttle, &keys[i], false, START + 1000);
                login_throttle_fail(throttle, &keys[i], START + 1000);
        }
        assert_int_equal(login_throttle_begin(throttle, &keys[0], START + 1000), 2000);
        assert_int_equal(login_throttle_begin(throttle, &keys[1], START + 1000), 0);
}

static void failures_are_forgotten_after_a_while(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key key = address("192.0.2.1");
        fail_times(throttle, &key, 20, START);
        assert_int_not_equal(login_throttle_begin(throttle, &key, START + 1), 0);
        assert_int_equal(login_throttle_begin(throttle, &key, START + UINT64_C(15) * 60 * 1000), 0);
        login_throttle_end(throttle, &key, false, START + UINT64_C(15) * 60 * 1000);
        assert_int_equal(throttle->table.count, 0);
}

static void an_ipv6_address_is_its_64(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key one = address("2001:db8:0:1::1"), same = address("2001:db8:0:1:ffff::9");
        struct login_key other = address("2001:db8:0:2::1");
        fail_times(throttle, &one, LOGIN_FREE_FAILURES, START);
        assert_int_equal(login_throttle_begin(throttle, &same, START), 1000);
        assert_int_equal(login_throttle_begin(throttle, &other, START), 0);
        struct login_key key;
        assert_int_equal(login_key_of_address("localhost", &key), -EINVAL);
}

static void the_table_has_a_bound(void **state) {
        struct login_throttle *throttle = *state;
        struct login_key first = address("10.255.0.1");
        fail_times(throttle, &first, LOGIN_FREE_FAILURES, START);
        for (unsigned i = 0; i < LOGIN_ENTRIES_MAX + 100; i++) {
                char text[32];
                (void) snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
                struct login_key key = address(text);
                login_throttle_fail(throttle, &key, START);
        }
        assert_int_equal(throttle->table.count, LOGIN_ENTRIES_MAX);
        assert_int_equal(login_throttle_begin(throttle, &first, START), 0); /* it was the oldest */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_failure_doubles_the_wait_up_to_a_bound, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_try_at_a_time_while_slowed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_success_forgives_the_user_and_not_the_address, set_up, tear_down),
                cmocka_unit_test_setup_teardown(failures_are_forgotten_after_a_while, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_ipv6_address_is_its_64, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_table_has_a_bound, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
