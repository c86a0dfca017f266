/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between a thread that logs and the logging thread: records of every length at every offset come out whole
 * and in order; a full ring refuses; two threads agree. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/log_ring.h"

enum { CAPACITY = 256 };

static void fill(char *payload, size_t length, unsigned seed) {
        for (size_t i = 0; i < length; i++)
                payload[i] = (char) (seed * 31 + i * 7);
}

static void check(const char *payload, size_t length, unsigned seed) {
        for (size_t i = 0; i < length; i++)
                assert_int_equal(payload[i], (char) (seed * 31 + i * 7));
}

static bool put(struct log_ring *ring, size_t length, unsigned seed) {
        size_t room;
        char *payload = log_ring_reserve(ring, length, &room);
        if (!payload)
                return false;
        assert_true(room >= length);
        assert_int_equal((uintptr_t) payload % 8, 0);
        fill(payload, length, seed);
        log_ring_commit(ring, length);
        return true;
}

static void get(struct log_ring *ring, size_t expected_length, unsigned seed) {
        size_t length = 0;
        const char *payload = log_ring_next(ring, log_ring_head(ring), &length);
        assert_non_null(payload);
        assert_int_equal(length, expected_length);
        check(payload, length, seed);
        log_ring_release(ring);
}

static void assert_empty(struct log_ring *ring) {
        size_t length;
        assert_null(log_ring_next(ring, log_ring_head(ring), &length));
}

static void capacities_are_rounded_up(void **state) {
        (void) state;
        struct log_ring ring;
        static const struct {
                size_t wanted, got;
        } cases[] = { { 0, 256 }, { 256, 256 }, { 257, 512 }, { 65536, 65536 } };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(log_ring_init(&ring, cases[i].wanted), 0);
                assert_int_equal(ring.capacity, cases[i].got);
                log_ring_done(&ring);
        }
        assert_int_equal(log_ring_init(&ring, ((size_t) 1 << 30) + 1), -EINVAL);
        assert_int_equal(log_ring_init(&ring, SIZE_MAX), -EINVAL);
}

/* From an empty ring whose positions stand at `start`: a record of `length` bytes goes in, and comes out the same. */
static void every_length_wraps_at_every_offset(void **state) {
        (void) state;
        struct log_ring ring;
        assert_int_equal(log_ring_init(&ring, CAPACITY), 0);
        for (unsigned start = 0; start < CAPACITY; start += 8) {
                for (size_t length = 0; length <= log_ring_longest(&ring); length++) {
                        ring.head = ring.tail = ring.known_tail = start;
                        assert_empty(&ring);
                        assert_true(put(&ring, length, start));
                        get(&ring, length, start);
                        assert_empty(&ring);
                        assert_int_equal(ring.head, ring.tail);
                }
                size_t room;
                assert_null(log_ring_reserve(&ring, log_ring_longest(&ring) + 1, &room));
                assert_null(log_ring_reserve(&ring, SIZE_MAX, &room));
        }
        log_ring_done(&ring);
}

static void a_full_ring_refuses_and_recovers(void **state) {
        (void) state;
        struct log_ring ring;
        assert_int_equal(log_ring_init(&ring, CAPACITY), 0);
        for (unsigned start = 0; start < CAPACITY; start += 8) {
                for (size_t length = 0; length <= log_ring_longest(&ring); length += 5) {
                        ring.head = ring.tail = ring.known_tail = start;
                        unsigned count = 0;
                        while (put(&ring, length, count))
                                count++;
                        assert_in_range(count, 1, CAPACITY / 8);
                        assert_true(ring.head - ring.tail <= CAPACITY);
                        get(&ring, length, 0);
                        unsigned more = 0;
                        while (put(&ring, length, count + more))
                                more++;
                        for (unsigned i = 1; i < count + more; i++)
                                get(&ring, length, i);
                        assert_empty(&ring);
                }
        }
        log_ring_done(&ring);
}

static void what_is_not_committed_is_not_there(void **state) {
        (void) state;
        struct log_ring ring;
        assert_int_equal(log_ring_init(&ring, CAPACITY), 0);
        ring.head = ring.tail = ring.known_tail = CAPACITY - 8;
        size_t room;
        /* The filler that this one needs must not be seen either. */
        assert_non_null(log_ring_reserve(&ring, 100, &room));
        assert_empty(&ring);
        /* The record may turn out shorter than the room. */
        assert_non_null(log_ring_reserve(&ring, 0, &room));
        assert_int_equal(room, 0);
        log_ring_commit(&ring, 0);
        get(&ring, 0, 0);
        ring.known_tail = ring.tail;
        char *payload = log_ring_reserve(&ring, 10, &room);
        assert_int_equal(room, CAPACITY - 8);
        fill(payload, room, 3);
        log_ring_commit(&ring, room);
        assert_true(log_ring_is_half_full(&ring));
        assert_null(log_ring_reserve(&ring, 0, &room));
        get(&ring, CAPACITY - 8, 3);
        assert_false(log_ring_is_half_full(&ring));
        log_ring_done(&ring);
}

static void positions_may_be_beyond_32_bits(void **state) {
        (void) state;
        struct log_ring ring;
        assert_int_equal(log_ring_init(&ring, CAPACITY), 0);
        ring.head = ring.tail = ring.known_tail = (UINT64_C(1) << 32) - 64;
        for (unsigned i = 0; i < 100; i++) {
                assert_true(put(&ring, i, i));
                get(&ring, i, i);
        }
        log_ring_done(&ring);
}

enum { RECORDS = 50000 };

static size_t length_of(unsigned number) {
        return number * 2654435761u % 100;
}

static void *write_records(void *userdata) {
        struct log_ring *ring = userdata;
        for (unsigned i = 0; i < RECORDS;) {
                size_t room, length = length_of(i);
                char *payload = log_ring_reserve(ring, length, &room);
                if (!payload) {
                        sched_yield();
                        continue;
                }
                fill(payload, length, i++);
                log_ring_commit(ring, length);
        }
        return NULL;
}

static void two_threads_agree(void **state) {
        (void) state;
        struct log_ring ring;
        assert_int_equal(log_ring_init(&ring, 1024), 0);
        pthread_t writer;
        assert_int_equal(pthread_create(&writer, NULL, write_records, &ring), 0);
        for (unsigned i = 0; i < RECORDS;) {
                uint64_t head = log_ring_head(&ring);
                size_t length;
                const char *payload = log_ring_next(&ring, head, &length);
                if (!payload) {
                        sched_yield();
                        continue;
                }
                assert_int_equal(length, length_of(i));
                check(payload, length, i++);
                log_ring_release(&ring);
        }
        assert_int_equal(pthread_join(writer, NULL), 0);
        assert_empty(&ring);
        log_ring_done(&ring);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(capacities_are_rounded_up),
                cmocka_unit_test(every_length_wraps_at_every_offset),
                cmocka_unit_test(a_full_ring_refuses_and_recovers),
                cmocka_unit_test(what_is_not_committed_is_not_there),
                cmocka_unit_test(positions_may_be_beyond_32_bits),
                cmocka_unit_test(two_threads_agree),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
