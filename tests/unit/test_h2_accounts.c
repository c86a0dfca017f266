/* SPDX-License-Identifier: Apache-2.0 */
/* What frames cost: bursts are let through, rates beyond the limits are not, and what a client earns is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h2/h2_accounts.h"

#define NOW 1000000u /* ms */
#define RATE 50
#define BURST_FRAMES (RATE * H2_BURST_MSEC / 1000)

static const struct config_http2 limits = { .max_resets = RATE, .max_control_frames = RATE };

/* Frames of this type that pass at one time, up to a bound. */
static unsigned pass(struct h2_accounts *accounts, uint64_t now, enum h2_frame type) {
        unsigned count = 0;
        while (count < 100000 && !h2_accounts_frame(accounts, &limits, now, type, 0, 0, false))
                count++;
        return count;
}

static void a_burst_passes_and_leaks_away(void **state) {
        (void) state;
        const enum h2_frame kinds[] = { H2_FRAME_SETTINGS,      H2_FRAME_PING,       H2_FRAME_PRIORITY, H2_FRAME_DATA,
                                        H2_FRAME_WINDOW_UPDATE, H2_FRAME_RST_STREAM, (enum h2_frame) 99 };
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct h2_accounts accounts = { 0 };
                assert_int_equal(pass(&accounts, NOW, kinds[i]), BURST_FRAMES);
                assert_int_equal(pass(&accounts, NOW + 1000, kinds[i]),
                                 RATE - 1); /* the one that was too many counts */
                assert_int_equal(pass(&accounts, NOW + 1000 + 2 * H2_BURST_MSEC, kinds[i]), BURST_FRAMES);
        }
}

static void kinds_share_their_account(void **state) {
        struct h2_accounts accounts = { 0 };
        (void) state;
        for (unsigned i = 0; i < BURST_FRAMES / 2; i++) {
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_SETTINGS, 0, 0, false));
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_DATA, 0, 0, false));
        }
        assert_non_null(h2_accounts_frame(&accounts, &limits, NOW, (enum h2_frame) 99, 0, 0, false));
        assert_null(h2_accounts_reset(&accounts, &limits, NOW)); /* has its own */
}

static void what_carries_something_is_free(void **state) {
        struct h2_accounts accounts = { 0 };
        (void) state;
        for (unsigned i = 0; i < 10 * BURST_FRAMES; i++) {
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_DATA, 0, 1, false));
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_DATA, H2_FLAG_END_STREAM, 0, false));
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_HEADERS, 0, 100, false));
        }
}

static void heads_that_are_late_are_not(void **state) {
        struct h2_accounts accounts = { 0 };
        unsigned count = 0;
        (void) state;
        while (!h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_HEADERS, 0, 100, true))
                count++;
        assert_int_equal(count, BURST_FRAMES);
}

static void what_was_sent_earns_answers(void **state) {
        struct h2_accounts accounts = { 0 };
        (void) state;
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_PING), BURST_FRAMES);
        h2_accounts_sent(&accounts, H2_SMALL_PART - 1);
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_WINDOW_UPDATE), 0);
        h2_accounts_sent(&accounts, H2_SMALL_PART);
        assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_PRIORITY_UPDATE, 0, 5, false));
        assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_PING, 0, 8, false));
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_WINDOW_UPDATE), 2);
        assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_HEADERS, 0, 100, false));
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_WINDOW_UPDATE), 4);
        h2_accounts_sent(&accounts, H2_SMALL_PART);
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_SETTINGS), 0); /* nobody has a right to these */
}

static void who_has_flooded_has_no_burst(void **state) {
        struct h2_accounts accounts = { 0 };
        (void) state;
        h2_accounts_spend_burst(&accounts, &limits, NOW);
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_PING), RATE);
        assert_int_equal(pass(&accounts, NOW, H2_FRAME_RST_STREAM), RATE);
        assert_int_equal(pass(&accounts, NOW + 2 * H2_BURST_MSEC, H2_FRAME_PING), BURST_FRAMES);
}

static void a_head_has_few_continuations(void **state) {
        struct h2_accounts accounts = { 0 };
        (void) state;
        for (unsigned head = 0; head < 3; head++) {
                assert_null(h2_accounts_frame(&accounts, &limits, NOW, H2_FRAME_HEADERS, 0, 100, false));
                assert_int_equal(pass(&accounts, NOW, H2_FRAME_CONTINUATION), 8);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_burst_passes_and_leaks_away),  cmocka_unit_test(kinds_share_their_account),
                cmocka_unit_test(what_carries_something_is_free), cmocka_unit_test(heads_that_are_late_are_not),
                cmocka_unit_test(what_was_sent_earns_answers),    cmocka_unit_test(who_has_flooded_has_no_burst),
                cmocka_unit_test(a_head_has_few_continuations),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
