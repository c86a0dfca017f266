/* SPDX-License-Identifier: Apache-2.0 */
/* The account of an upload folder: what is claimed, what is refused, and that all of it comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/upload/upload_account.h"

static const struct config_upload limits = { .max_total = 1000, .max_files = 3, .max_active = 2, .max_parts = 2 };

struct fixture {
        struct upload_account account;
        struct upload_fault fault;
        struct upload_claim claim[3];
};

static int set_up(void **state) {
        static struct fixture fixture;
        fixture = (struct fixture) { 0 };
        upload_account_init(&fixture.account);
        upload_account_take_scan(&fixture.account, 0, 100, 1);
        *state = &fixture;
        return 0;
}

static int tear_down(void **state) {
        upload_account_done(&((struct fixture *) *state)->account);
        return 0;
}

static enum cause cause_of_claim(struct fixture *fixture, unsigned at, uint64_t bytes) {
        fixture->fault = (struct upload_fault) { 0 };
        (void) upload_account_claim(&fixture->account, &limits, bytes, &fixture->claim[at], &fixture->fault);
        return fixture->fault.cause;
}

static void what_is_claimed_counts(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(cause_of_claim(fixture, 0, 901), CAUSE_UPLOAD_FOLDER_FULL);
        assert_int_equal(cause_of_claim(fixture, 0, UINT64_MAX), CAUSE_UPLOAD_FOLDER_FULL);
        assert_int_equal(cause_of_claim(fixture, 0, 900), CAUSE_NONE);
        assert_int_equal(cause_of_claim(fixture, 1, 1), CAUSE_UPLOAD_FOLDER_FULL);
        upload_account_release(&fixture->account, &fixture->claim[0]);
        upload_account_release(&fixture->account, &fixture->claim[0]);
        assert_int_equal(cause_of_claim(fixture, 0, 900), CAUSE_NONE);
}

static void turns_are_few(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(cause_of_claim(fixture, 0, 0), CAUSE_NONE);
        assert_int_equal(upload_account_claim_turn(&fixture->account, &limits, &fixture->claim[1], &fixture->fault), 0);
        assert_int_equal(cause_of_claim(fixture, 2, 0), CAUSE_UPLOAD_BUSY);
        upload_account_release(&fixture->account, &fixture->claim[1]);
        assert_int_equal(cause_of_claim(fixture, 2, 0), CAUSE_NONE);
}

static void a_file_that_grows_claims_more(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(cause_of_claim(fixture, 0, 0), CAUSE_NONE);
        assert_int_equal(upload_account_grow(&fixture->account, &limits, &fixture->claim[0], 900, &fixture->fault), 0);
        assert_true(upload_account_grow(&fixture->account, &limits, &fixture->claim[0], 901, &fixture->fault) < 0);
        assert_int_equal(fixture->fault.cause, CAUSE_UPLOAD_FOLDER_FULL);
        assert_int_equal(fixture->claim[0].bytes, 900);
}

static void stored_files_are_kept_up_with(void **state) {
        struct fixture *fixture = *state;
        upload_account_store(&fixture->account, 500, -1);
        upload_account_store(&fixture->account, 200, 500);
        struct upload_figures figures = upload_account_figures(&fixture->account);
        assert_int_equal(figures.bytes, 300);
        assert_int_equal(figures.files, 2);
        upload_account_remove(&fixture->account, 200);
        upload_account_remove(&fixture->account, 9999); /* more than was known of */
        figures = upload_account_figures(&fixture->account);
        assert_int_equal(figures.bytes, 0);
        assert_int_equal(figures.files, 0);
}

static void a_scan_that_was_overtaken_is_not_taken(void **state) {
        struct fixture *fixture = *state;
        uint64_t before = upload_account_changes(&fixture->account);
        upload_account_store(&fixture->account, 10, -1);
        upload_account_take_scan(&fixture->account, before, 5, 5);
        assert_int_equal(upload_account_figures(&fixture->account).bytes, 110);
        upload_account_take_scan(&fixture->account, upload_account_changes(&fixture->account), 5, 5);
        assert_int_equal(upload_account_figures(&fixture->account).bytes, 5);
}

static void limits_wait_for_the_first_scan(void **state) {
        struct fixture *fixture = *state;
        fixture->account.is_known = false;
        assert_int_equal(cause_of_claim(fixture, 0, 0), CAUSE_UPLOAD_COUNTING);
}

static void parts_are_few_and_claim_what_they_become(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(upload_account_add_part(&fixture->account, &limits, 800, &fixture->fault), 0);
        assert_true(upload_account_add_part(&fixture->account, &limits, 101, &fixture->fault) < 0);
        assert_int_equal(upload_account_add_part(&fixture->account, &limits, 100, &fixture->fault), 0);
        fixture->fault = (struct upload_fault) { 0 };
        assert_true(upload_account_add_part(&fixture->account, &limits, 0, &fixture->fault) < 0);
        upload_account_remove_part(&fixture->account, 800);
        assert_int_equal(cause_of_claim(fixture, 0, 800), CAUSE_NONE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_claimed_counts),
                TEST(turns_are_few),
                TEST(a_file_that_grows_claims_more),
                TEST(stored_files_are_kept_up_with),
                TEST(a_scan_that_was_overtaken_is_not_taken),
                TEST(limits_wait_for_the_first_scan),
                TEST(parts_are_few_and_claim_what_they_become),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
