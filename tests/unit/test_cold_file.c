/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not in memory: the linker's --wrap puts a slow disk in place of the page cache. A worker that waits for
 * it would hang here, since the disk answers only when the test says so. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "h1_harness.h"
#include "http/file_residency.h"
#include "http/worker.h"
#include "shared/syscall.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define FILE_REQUEST "GET /file HTTP/1.1\r\nHost: a\r\n\r\n"

/* The disk. */
static atomic_bool is_cold, is_failing;
static atomic_uint probes, reads;
static sem_t disk;

ssize_t __wrap_preadv64v2(int fd, const struct iovec *vector, int count, off_t offset, int flags);
ssize_t __real_preadv64v2(int fd, const struct iovec *vector, int count, off_t offset, int flags);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t offset);
ssize_t __real_pread64(int fd, void *bytes, size_t size, off_t offset);

ssize_t __wrap_preadv64v2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
        probes++;
        if (is_cold) {
                errno = EAGAIN;
                return -1;
        }
        return __real_preadv64v2(fd, vector, count, offset, flags);
}

/* Of the pool, for the worker of these tests sends by sendfile(2). The first read of a fetch waits for the disk. */
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t offset) {
        if (reads++ == 0)
                while (sem_wait(&disk) < 0)
                        ;
        if (is_failing) {
                errno = EIO;
                return -1;
        }
        return __real_pread64(fd, bytes, size, offset);
}

static int set_up(void **state) {
        struct harness *harness = harness_new();
        assert_int_equal(sem_init(&disk, 0, 0), 0);
        is_cold = is_failing = false;
        probes = reads = 0;
        harness_start_pool(harness, 1);
        *state = harness;
        return 0;
}

static int tear_down(void **state) {
        harness_free(*state);
        sem_destroy(&disk);
        return 0;
}

static bool is_reading(struct harness *harness) {
        (void) harness;
        return reads > 0;
}

static bool has_file(struct harness *harness) {
        const struct text *text = harness_received(harness);
        const char *body = text->data ? strstr(text->data, "\r\n\r\n") : NULL;
        return body && strlen(body + 4) == HARNESS_FILE_SIZE;
}

static bool has_body(struct harness *harness) {
        return harness_received(harness)->length == HARNESS_FILE_SIZE;
}

static bool has_ended(struct harness *harness) {
        return harness_begun(harness) == harness_ended(harness);
}

static void what_is_in_memory_is_not_read_for_it(void **state) {
        struct harness *harness = *state;
        harness_connect(harness, false);
        harness_send_text(harness, FILE_REQUEST);
        harness_run_until(harness, has_file);
        assert_int_equal(reads, 0);
        assert_in_range(probes, 1, 2);
        probes = 0; /* it was there just now; and memory needs none */
        harness_send_text(harness, FILE_REQUEST HELLO);
        harness_run_until(harness, harness_has_hello);
        assert_int_equal(probes, 0);
}

static void the_others_are_served_while_one_waits_for_the_disk(void **state) {
        struct harness *harness = *state;
        is_cold = true;
        harness_connect(harness, false);
        harness_send_text(harness, FILE_REQUEST);
        harness_run_until(harness, is_reading);
        harness_settle(harness);
        assert_false(has_file(harness));

        harness_set_aside(harness);
        harness_connect(harness, false);
        harness_send_text(harness, HELLO);
        harness_run_until(harness, harness_has_hello);

        harness_take_back(harness);
        sem_post(&disk);
        harness_run_until(harness, has_body); /* the head had been sent before */
}

/* It is out of memory again at once, and yet the body goes on: each piece is fetched once. */
static void a_body_goes_on_without_memory(void **state) {
        struct harness *harness = *state;
        is_cold = true;
        sem_post(&disk);
        harness_connect(harness, true);
        harness_send_text(harness, FILE_REQUEST FILE_REQUEST);
        harness_run_until(harness, is_reading);
        harness_run_until(harness, has_ended);
        assert_int_equal(harness_begun(harness), 2);
        harness_settle(harness);
        assert_true(harness_received(harness)->length > 2 * HARNESS_FILE_SIZE);
        assert_int_equal(probes, 2);
}

/* The transport hears of the error and says what is to be said. */
static void a_disk_that_fails_holds_nobody(void **state) {
        struct harness *harness = *state;
        is_cold = is_failing = true;
        sem_post(&disk);
        harness_connect(harness, false);
        harness_send_text(harness, FILE_REQUEST);
        harness_run_until(harness, has_file);
}

static void a_client_that_goes_away_is_forgotten(void **state) {
        struct harness *harness = *state;
        is_cold = true;
        harness_connect(harness, false);
        harness_send_text(harness, FILE_REQUEST);
        harness_run_until(harness, is_reading);
        http_worker_drain(harness_worker(harness), 0, NULL, NULL);
        harness_run_until(harness, harness_has_no_connection);
        assert_true(has_ended(harness));
        sem_post(&disk);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_in_memory_is_not_read_for_it), TEST(the_others_are_served_while_one_waits_for_the_disk),
                TEST(a_body_goes_on_without_memory),        TEST(a_disk_that_fails_holds_nobody),
                TEST(a_client_that_goes_away_is_forgotten),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
