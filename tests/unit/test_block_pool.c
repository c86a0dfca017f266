/* SPDX-License-Identifier: Apache-2.0 */
/* struct block_pool: blocks come back by size, what is kept is bounded, contents survive a resize, poison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/block_pool.h"
#include "shared/poison.h"

static void a_freed_block_serves_its_size_again(void **state) {
        (void) state;
        struct block_pool pool;
        block_pool_init(&pool, 4096);
        void *small = block_pool_alloc(&pool, 40), *other = block_pool_alloc(&pool, 200);
        block_pool_free(&pool, small);
        block_pool_free(&pool, other);
        assert_int_equal(pool.free_bytes, 64 + 256);
        assert_ptr_equal(block_pool_alloc(&pool, 193), other);
        assert_ptr_equal(block_pool_alloc(&pool, 64), small);
        assert_int_equal(pool.free_bytes, 0);
        block_pool_free(&pool, small);
        block_pool_free(&pool, other);
        block_pool_done(&pool);
}

static void every_size_is_writable_and_aligned(void **state) {
        (void) state;
        struct block_pool pool;
        block_pool_init(&pool, 1 << 20);
        for (int round = 0; round < 2; round++) {
                char *blocks[BLOCK_POOL_LARGEST + 200];
                for (size_t size = 0; size < BLOCK_POOL_LARGEST + 200; size++) {
                        blocks[size] = block_pool_alloc(&pool, size);
                        assert_non_null(blocks[size]);
                        assert_int_equal((uintptr_t) blocks[size] % 16, 0);
                        memset(blocks[size], (int) size & 0xff, size);
                }
                for (size_t size = 0; size < BLOCK_POOL_LARGEST + 200; size++) {
                        for (size_t i = 0; i < size; i++)
                                assert_int_equal((unsigned char) blocks[size][i], size & 0xff);
                        block_pool_free(&pool, blocks[size]);
                }
        }
        block_pool_done(&pool);
}

static void no_more_is_kept_than_asked_for(void **state) {
        (void) state;
        struct block_pool pool;
        block_pool_init(&pool, 300);
        void *blocks[5];
        for (size_t i = 0; i < 5; i++)
                blocks[i] = block_pool_alloc(&pool, 128);
        for (size_t i = 0; i < 5; i++)
                block_pool_free(&pool, blocks[i]);
        assert_int_equal(pool.free_bytes, 256);
        void *large = block_pool_alloc(&pool, BLOCK_POOL_LARGEST + 1);
        block_pool_free(&pool, large);
        block_pool_free(&pool, NULL);
        assert_int_equal(pool.free_bytes, 256);
        block_pool_done(&pool);
        assert_int_equal(pool.free_bytes, 0);
}

static void a_resized_block_keeps_its_bytes(void **state) {
        (void) state;
        struct block_pool pool;
        block_pool_init(&pool, 4096);
        char *block = block_pool_resize(&pool, NULL, 10);
        memcpy(block, "0123456789", 10);
        char *same = block_pool_resize(&pool, block, 60);
        assert_ptr_equal(same, block);
        static const size_t sizes[] = { 100, 1000, 2000, 100000 };
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                block = block_pool_resize(&pool, block, sizes[i]);
                assert_non_null(block);
                assert_memory_equal(block, "0123456789", 10);
                memset(block + 10, 'x', sizes[i] - 10);
        }
        assert_null(block_pool_resize(&pool, block, SIZE_MAX));
        assert_memory_equal(block, "0123456789", 10);
        block_pool_free(&pool, block);
        block_pool_done(&pool);
}

static void blocks_outlive_the_pool(void **state) {
        (void) state;
        struct block_pool pool;
        block_pool_init(&pool, 4096);
        void *block = block_pool_alloc(&pool, 100);
        block_pool_done(&pool);
        block_pool_free(&pool, block);
        assert_int_equal(pool.free_bytes, 0);
}

static void a_free_block_is_poisoned(void **state) {
        (void) state;
#if POISON_IS_ACTIVE
        struct block_pool pool;
        block_pool_init(&pool, 4096);
        char *block = block_pool_alloc(&pool, 100);
        assert_false(__asan_address_is_poisoned(block));
        block_pool_free(&pool, block);
        assert_true(__asan_address_is_poisoned(block));
        assert_ptr_equal(block_pool_alloc(&pool, 100), block);
        assert_false(__asan_address_is_poisoned(block + 99));
        block_pool_free(&pool, block);
        block_pool_done(&pool);
#else
        skip();
#endif
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_freed_block_serves_its_size_again),
                cmocka_unit_test(every_size_is_writable_and_aligned),
                cmocka_unit_test(no_more_is_kept_than_asked_for),
                cmocka_unit_test(a_resized_block_keeps_its_bytes),
                cmocka_unit_test(blocks_outlive_the_pool),
                cmocka_unit_test(a_free_block_is_poisoned),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
