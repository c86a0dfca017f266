/* SPDX-License-Identifier: Apache-2.0 */
/* Another master key for files that there are: what each write and sync leaves behind, as after a crash right there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "shared/sealed_rewrap.h"
#include "shared/syscall.h"

/* The linker's --wrap lets the disk fail, or the machine stop, at any write or sync. */
static unsigned calls, stop_at;

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
int __wrap_fdatasync(int fd);

static bool stops(void) {
        calls++;
        errno = EIO;
        return stop_at != 0 && calls >= stop_at;
}

/* Half of it is written when the machine stops. */
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
        if (!stops())
                return __real_pwrite64(fd, bytes, length, offset);
        if (calls == stop_at)
                (void) __real_pwrite64(fd, bytes, length / 80, offset);
        errno = EIO;
        return -1;
}

int __wrap_fdatasync(int fd) {
        (void) fd;
        return stops() ? -1 : 0;
}

struct fixture {
        int fd;
        struct key_ring *ring;
        struct sealed_secret secret;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        unsigned char header[SEALED_HEADER] = { 0 }, nonce[SEALED_NONCE] = { 1 };
        assert_non_null(fixture);
        stop_at = 0;
        fixture->fd = memfd_create("rewrap", MFD_CLOEXEC);
        fixture->ring = key_ring_new(KEY_PURPOSE_SEAL);
        assert_int_equal(key_ring_generate(fixture->ring, 0), 0);
        assert_int_equal(sealed_secret_generate(&fixture->secret), 0);
        assert_int_equal(sealed_header_write(&fixture->secret, key_ring_newest(fixture->ring), nonce, header), 0);
        assert_int_equal(write_whole(fixture->fd, header, sizeof(header)), 0);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        close_fd(fixture->fd);
        key_ring_unref(fixture->ring);
        free(fixture);
        return 0;
}

/* Opens by this ring, or not. */
static int try_ring(struct fixture *fixture, const struct key_ring *ring) {
        unsigned char header[SEALED_HEADER];
        struct sealed_secret secret;
        unsigned block;
        assert_int_equal(pread(fixture->fd, header, sizeof(header), 0), sizeof(header));
        int r = sealed_header_find(header, ring, &secret, &block);
        if (r >= 0)
                assert_memory_equal(secret.key, fixture->secret.key, KEY_BYTES);
        return r;
}

static bool names(struct fixture *fixture, size_t key) {
        return sealed_names_key(fixture->fd, slice_of(fixture->ring->keys[key].id)) == 1;
}

static void it_is_wrapped_by_the_newest_key_alone(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), 0);
        assert_int_equal(calls, 0);
        for (unsigned i = 1; i < 5; i++) {
                struct stat before, after;
                assert_int_equal(key_ring_generate(fixture->ring, 0), 0);
                assert_int_equal(fstat(fixture->fd, &before), 0);
                assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), 1);
                assert_int_equal(fstat(fixture->fd, &after), 0);
                assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
                assert_int_equal(before.st_size, after.st_size);
                assert_true(names(fixture, i));
                assert_false(names(fixture, i - 1));
                assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), 0);
        }
        _cleanup_(key_ring_unref_cleanup) struct key_ring *old = key_ring_new(KEY_PURPOSE_SEAL);
        *old = *fixture->ring;
        old->references = 1;
        old->count = 4;
        assert_int_equal(try_ring(fixture, old), -ENOKEY);
        assert_int_equal(try_ring(fixture, fixture->ring), 0);
}

static void it_may_be_stopped_anywhere(void **state) {
        struct fixture *fixture = *state;
        for (unsigned step = 1; step <= 4; step++) {
                assert_int_equal(key_ring_generate(fixture->ring, 0), 0);
                calls = 0;
                stop_at = step;
                assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), -EIO);
                assert_int_equal(calls, step);
                assert_int_equal(try_ring(fixture, fixture->ring), 0);
                stop_at = 0;
                assert_true(sealed_rewrap(fixture->fd, fixture->ring) >= 0);
                assert_int_equal(try_ring(fixture, fixture->ring), 0);
                assert_true(names(fixture, step));
                assert_false(names(fixture, step - 1));
        }
}

static void what_is_not_sealed_stays_as_it_is(void **state) {
        struct fixture *fixture = *state;
        char bytes[SEALED_HEADER];
        memset(bytes, 'x', sizeof(bytes));
        assert_int_equal(ftruncate(fixture->fd, 100), 0);
        assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), -EBADMSG);
        assert_int_equal(ftruncate(fixture->fd, 0), 0);
        assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), -EBADMSG);
        assert_int_equal(__real_pwrite64(fixture->fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        calls = 0;
        assert_int_equal(sealed_rewrap(fixture->fd, fixture->ring), -EBADMSG);
        assert_int_equal(sealed_names_key(fixture->fd, SLICE_LITERAL("x")), -EBADMSG);
        assert_int_equal(calls, 0);
}

static void without_the_old_key_nothing_is_written(void **state) {
        struct fixture *fixture = *state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *other = key_ring_new(KEY_PURPOSE_SEAL);
        assert_int_equal(key_ring_generate(other, 86400), 0);
        calls = 0;
        assert_int_equal(sealed_rewrap(fixture->fd, other), -ENOKEY);
        assert_int_equal(calls, 0);
        assert_int_equal(try_ring(fixture, fixture->ring), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(it_is_wrapped_by_the_newest_key_alone),
                TEST(it_may_be_stopped_anywhere),
                TEST(what_is_not_sealed_stays_as_it_is),
                TEST(without_the_old_key_nothing_is_written),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
