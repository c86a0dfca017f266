/* SPDX-License-Identifier: Apache-2.0 */
/* struct buffer_pool: last back is first out, the bound on what is kept, compaction, poison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/buffer.h"
#include "shared/poison.h"

static void the_last_one_back_is_lent_next(void **state) {
        (void) state;
        struct buffer_pool pool;
        buffer_pool_init(&pool, 8);
        struct buffer *first = buffer_get(&pool), *second = buffer_get(&pool);
        assert_non_null(first);
        assert_non_null(second);
        assert_int_equal(pool.lent_count, 2);
        buffer_put(&pool, first);
        buffer_put(&pool, second);
        assert_int_equal(pool.lent_count, 0);
        assert_int_equal(pool.free_count, 2);
        assert_ptr_equal(buffer_get(&pool), second);
        assert_ptr_equal(buffer_get(&pool), first);
        buffer_put(&pool, first);
        buffer_put(&pool, second);
        buffer_pool_done(&pool);
        assert_int_equal(pool.free_count, 0);
}

static void no_more_are_kept_than_asked_for(void **state) {
        (void) state;
        struct buffer_pool pool;
        buffer_pool_init(&pool, 2);
        struct buffer *buffers[5];
        for (size_t i = 0; i < 5; i++)
                buffers[i] = buffer_get(&pool);
        for (size_t i = 0; i < 5; i++)
                buffer_put(&pool, buffers[i]);
        assert_int_equal(pool.free_count, 2);
        assert_int_equal(pool.lent_count, 0);
        buffer_put(&pool, NULL);
        assert_int_equal(pool.lent_count, 0);
        buffer_pool_done(&pool);
}

static void a_lent_buffer_is_empty(void **state) {
        (void) state;
        struct buffer_pool pool;
        buffer_pool_init(&pool, 1);
        struct buffer *buffer = buffer_get(&pool);
        assert_int_equal(buffer_length(buffer), 0);
        assert_int_equal(buffer_room(buffer), BUFFER_SIZE);
        buffer->start = 5;
        buffer->end = 10;
        buffer_put(&pool, buffer);
        buffer = buffer_get(&pool);
        assert_int_equal(buffer_length(buffer), 0);
        assert_int_equal(buffer_room(buffer), BUFFER_SIZE);
        buffer_put(&pool, buffer);
        buffer_pool_done(&pool);
}

static void compaction_moves_the_bytes_to_the_front(void **state) {
        (void) state;
        struct buffer_pool pool;
        buffer_pool_init(&pool, 1);
        struct buffer *buffer = buffer_get(&pool);
        for (size_t i = 0; i < BUFFER_SIZE; i++)
                buffer->data[i] = (char) (i * 7);
        buffer->start = 100; /* the two places overlap */
        buffer->end = BUFFER_SIZE;
        buffer_compact(buffer);
        assert_int_equal(buffer->start, 0);
        assert_int_equal(buffer_length(buffer), BUFFER_SIZE - 100);
        for (size_t i = 0; i < BUFFER_SIZE - 100; i++)
                assert_int_equal(buffer->data[i], (char) ((i + 100) * 7));

        buffer->start = buffer->end;
        buffer_compact(buffer);
        assert_int_equal(buffer->end, 0);
        assert_int_equal(buffer_room(buffer), BUFFER_SIZE);
        buffer_compact(buffer);
        assert_int_equal(buffer->end, 0);
        buffer_put(&pool, buffer);
        buffer_pool_done(&pool);
}

static void free_buffers_are_poisoned(void **state) {
        (void) state;
#if POISON_IS_ACTIVE
        struct buffer_pool pool;
        buffer_pool_init(&pool, 1);
        struct buffer *buffer = buffer_get(&pool);
        assert_false(__asan_address_is_poisoned(&buffer->data[0]));
        buffer_put(&pool, buffer);
        assert_true(__asan_address_is_poisoned(&buffer->data[0]));
        assert_true(__asan_address_is_poisoned(&buffer->data[BUFFER_SIZE - 1]));
        assert_true(__asan_address_is_poisoned(&buffer->end));
        assert_ptr_equal(buffer_get(&pool), buffer);
        assert_false(__asan_address_is_poisoned(&buffer->data[BUFFER_SIZE - 1]));
        buffer_put(&pool, buffer);
        buffer_pool_done(&pool);
#else
        skip(); /* needs -Db_sanitize=address */
#endif
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_one_back_is_lent_next),
                cmocka_unit_test(no_more_are_kept_than_asked_for),
                cmocka_unit_test(a_lent_buffer_is_empty),
                cmocka_unit_test(compaction_moves_the_bytes_to_the_front),
                cmocka_unit_test(free_buffers_are_poisoned),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
