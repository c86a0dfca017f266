/* SPDX-License-Identifier: Apache-2.0 */
/* struct arena: alignment, large pieces, the limit, reset, and poison under AddressSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/arena.h"
#include "shared/poison.h"

static void pieces_are_aligned_and_do_not_overlap(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        unsigned char *pieces[600];
        for (size_t i = 0; i < 600; i++) {
                pieces[i] = arena_alloc(&arena, i);
                assert_non_null(pieces[i]);
                assert_int_equal((uintptr_t) pieces[i] % 16, 0);
                memset(pieces[i], (int) (i & 0xFF), i);
        }
        for (size_t i = 0; i < 600; i++)
                for (size_t j = 0; j < i; j++)
                        assert_int_equal(pieces[i][j], i & 0xFF);
        arena_done(&arena);
        assert_int_equal(arena.total, 0);
}

static void empty_pieces_differ(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        void *first = arena_alloc(&arena, 0), *second = arena_alloc(&arena, 0);
        assert_non_null(first);
        assert_ptr_not_equal(first, second);
        arena_done(&arena);
}

static void a_large_piece_does_not_end_the_current_chunk(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        assert_non_null(arena_alloc(&arena, 16));
        size_t before = arena.total;
        char *large = arena_alloc(&arena, 100000);
        assert_non_null(large);
        memset(large, 'x', 100000);
        size_t with_large = arena.total;
        assert_true(with_large >= before + 100000);
        assert_non_null(arena_alloc(&arena, 16));
        assert_int_equal(arena.total, with_large);
        arena_done(&arena);
}

static void a_large_piece_may_come_first(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        char *large = arena_alloc(&arena, 5000), *small = arena_alloc(&arena, 10), *other = arena_alloc(&arena, 6000);
        memset(large, 1, 5000);
        memset(small, 2, 10);
        memset(other, 3, 6000);
        assert_int_equal(large[4999], 1);
        assert_int_equal(small[9], 2);
        arena_done(&arena);
}

static void the_limit_holds(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 10000);
        assert_null(arena_alloc(&arena, 10000)); /* its chunk has a head too */
        assert_int_equal(arena.total, 0);
        size_t count = 0;
        while (arena_alloc(&arena, 100))
                count++;
        assert_in_range(count, 40, 100);
        assert_true(arena.total <= 10000);
        arena_reset(&arena);
        assert_non_null(arena_alloc(&arena, 100));
        assert_int_equal(arena.limit, 10000);
        arena_done(&arena);
}

static void absurd_sizes_are_refused(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        volatile size_t largest = SIZE_MAX; /* volatile: gcc would warn of a size that it knows */
        assert_null(arena_alloc(&arena, largest));
        assert_null(arena_alloc(&arena, largest - 15));
        assert_null(arena_alloc_zero(&arena, largest / 2 + 1));
        assert_null(arena_copy(&arena, (struct slice) { "", largest }));
        assert_int_equal(arena.total, 0);
        arena_done(&arena);
}

static void reset_keeps_one_standard_chunk(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        char *first = arena_alloc(&arena, 16);
        size_t standard = arena.total;
        for (size_t i = 0; i < 100; i++)
                assert_non_null(arena_alloc(&arena, 900));
        assert_non_null(arena_alloc(&arena, 50000));
        arena_reset(&arena);
        assert_int_equal(arena.total, standard);
        assert_non_null(first);
        assert_non_null(arena_alloc(&arena, 16));
        assert_int_equal(arena.total, standard);

        arena_reset(&arena);
        arena_reset(&arena);
        assert_int_equal(arena.total, standard);
        arena_done(&arena);
}

static void reset_after_large_pieces_only_keeps_nothing(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        assert_non_null(arena_alloc(&arena, 50000));
        arena_reset(&arena);
        assert_int_equal(arena.total, 0);
        assert_non_null(arena_alloc(&arena, 1));
        arena_done(&arena);
}

static void copies_and_formats(void **state) {
        (void) state;
        struct arena arena;
        arena_init(&arena, 0);
        assert_string_equal(arena_copy(&arena, (struct slice) { "abcdef", 3 }), "abc");
        assert_string_equal(arena_copy(&arena, SLICE_NULL), "");
        assert_string_equal(arena_format(&arena, "%s-%d", "a", 7), "a-7");
        assert_string_equal(arena_format(&arena, "%s", ""), "");
        assert_int_equal(strlen(arena_format(&arena, "%9000d", 1)), 9000);

        char *zeros = arena_alloc_zero(&arena, 2000);
        for (size_t i = 0; i < 2000; i++)
                assert_int_equal(zeros[i], 0);
        arena_done(&arena);
}

static void an_arena_of_zeros_may_be_done(void **state) {
        (void) state;
        struct arena arena = { 0 };
        arena_done(&arena);
        arena_reset(&arena);
        arena_done(&arena);
}

static void what_is_not_handed_out_is_poisoned(void **state) {
        (void) state;
#if POISON_IS_ACTIVE
        struct arena arena;
        arena_init(&arena, 0);
        char *small = arena_alloc(&arena, 13), *next = arena_alloc(&arena, 16), *large = arena_alloc(&arena, 4096);
        assert_false(__asan_address_is_poisoned(small + 12));
        assert_true(__asan_address_is_poisoned(small + 13));
        assert_false(__asan_address_is_poisoned(next + 15));
        assert_true(__asan_address_is_poisoned(next + 16));
        assert_false(__asan_address_is_poisoned(large + 4095));
        assert_true(__asan_address_is_poisoned(large + 4096));
        arena_reset(&arena);
        assert_true(__asan_address_is_poisoned(small));
        arena_done(&arena);
#else
        skip(); /* needs -Db_sanitize=address */
#endif
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
                cmocka_unit_test(empty_pieces_differ),
                cmocka_unit_test(a_large_piece_does_not_end_the_current_chunk),
                cmocka_unit_test(a_large_piece_may_come_first),
                cmocka_unit_test(the_limit_holds),
                cmocka_unit_test(absurd_sizes_are_refused),
                cmocka_unit_test(reset_keeps_one_standard_chunk),
                cmocka_unit_test(reset_after_large_pieces_only_keeps_nothing),
                cmocka_unit_test(copies_and_formats),
                cmocka_unit_test(an_arena_of_zeros_may_be_done),
                cmocka_unit_test(what_is_not_handed_out_is_poisoned),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
