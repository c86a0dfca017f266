/* SPDX-License-Identifier: Apache-2.0 */
/* A path never leaves its root: every way out that is known, and links that are swapped while they are looked at. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "server/file_open.h"
#include "shared/syscall.h"

struct fixture {
        char folder[64];
        int outside, root; /* directories: FOLDER and FOLDER/root */
};

static void write_file(int directory, const char *path, const char *text) {
        _cleanup_close_ int fd = openat(directory, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        assert_non_null(fixture);
        strcpy(fixture->folder, "/tmp/ccodes-file-open-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        fixture->outside = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fixture->outside >= 0);
        assert_int_equal(mkdirat(fixture->outside, "root", 0755), 0);
        fixture->root = openat(fixture->outside, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fixture->root >= 0);
        assert_int_equal(mkdirat(fixture->root, "sub", 0755), 0);
        write_file(fixture->outside, "secret", "secret");
        write_file(fixture->root, "inside", "inside");
        write_file(fixture->root, "sub/deep", "deep");
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -r -- '%s'", fixture->folder);
        assert_int_equal(system(command), 0);
        close_fd(fixture->root);
        close_fd(fixture->outside);
        free(fixture);
        return 0;
}

static void link_to(struct fixture *fixture, const char *target, const char *name) {
        assert_int_equal(symlinkat(target, fixture->root, name), 0);
}

static void assert_opens(struct fixture *fixture, const char *path, unsigned flags, const char *text) {
        _cleanup_close_ int fd = file_open_beneath(fixture->root, path, flags);
        if (fd < 0)
                fail_msg("opening %s: %s", path, strerror(-fd));
        char buffer[16] = "";
        assert_int_equal(file_read(fd, buffer, strlen(text), true), 0);
        assert_string_equal(buffer, text);
}

static void assert_refused(struct fixture *fixture, const char *path, unsigned flags, int code) {
        int fd = file_open_beneath(fixture->root, path, flags);
        close_fd(fd);
        if (fd != code)
                fail_msg("opening %s: %d, not %d", path, fd, code);
}

static void test_ways_out(void **state) {
        struct fixture *fixture = *state;
        char absolute[128];
        (void) snprintf(absolute, sizeof(absolute), "%s/root/inside", fixture->folder);
        link_to(fixture, "../secret", "up");
        link_to(fixture, "/etc/passwd", "absolute");
        link_to(fixture, absolute, "absolute-inside");
        link_to(fixture, "sub/../../secret", "sub-up");
        link_to(fixture, "..", "parent");
        link_to(fixture, "/proc/self/root", "magic");
        link_to(fixture, "loop", "loop");

        assert_opens(fixture, "inside", 0, "inside");
        assert_opens(fixture, "sub/../inside", 0, "inside");
        assert_refused(fixture, "../secret", 0, -EXDEV);
        assert_refused(fixture, "sub/../../secret", 0, -EXDEV);
        assert_refused(fixture, "/etc/passwd", 0, -EXDEV);
        assert_refused(fixture, "..", 0, -EXDEV);
        assert_refused(fixture, "up", 0, -EXDEV);
        assert_refused(fixture, "absolute", 0, -EXDEV);
        assert_refused(fixture, "absolute-inside", 0, -EXDEV);
        assert_refused(fixture, "sub-up", 0, -EXDEV);
        assert_refused(fixture, "parent/secret", 0, -EXDEV);
        assert_refused(fixture, "magic/etc/passwd", 0, -EXDEV);
        assert_refused(fixture, "loop", 0, -ELOOP);
        assert_refused(fixture, "missing", 0, -ENOENT);
        assert_refused(fixture, "inside/", 0, -ENOTDIR);
        assert_refused(fixture, "", 0, -ENOENT);
}

static void test_symlink_policy(void **state) {
        struct fixture *fixture = *state;
        link_to(fixture, "inside", "link");
        link_to(fixture, "sub", "folder");
        assert_opens(fixture, "link", 0, "inside");
        assert_opens(fixture, "folder/deep", 0, "deep");
        assert_refused(fixture, "link", FILE_OPEN_NO_SYMLINKS, -ELOOP);
        assert_refused(fixture, "folder/deep", FILE_OPEN_NO_SYMLINKS, -ELOOP);
        assert_opens(fixture, "sub/deep", FILE_OPEN_NO_SYMLINKS, "deep");
}

static void test_kinds(void **state) {
        struct fixture *fixture = *state;
        struct file_identity identity;

        _cleanup_close_ int directory = file_open_beneath(fixture->root, ".", FILE_OPEN_DIRECTORY);
        assert_true(directory >= 0);
        assert_int_equal(file_identify(directory, &identity), 0);
        assert_refused(fixture, "inside", FILE_OPEN_DIRECTORY, -ENOTDIR);

        _cleanup_close_ int path = file_open_beneath(fixture->root, "inside", FILE_OPEN_PATH);
        assert_true(path >= 0);
        assert_int_equal(file_identify(path, &identity), 1);
        assert_int_equal(identity.size, 6);

        /* Nobody writes into the FIFO: it must not block. */
        assert_int_equal(mkfifoat(fixture->root, "fifo", 0644), 0);
        _cleanup_close_ int fifo = file_open_beneath(fixture->root, "fifo", 0);
        assert_true(fifo >= 0);
        assert_int_equal(file_identify(fifo, &identity), -EINVAL);
}

static void test_cached(void **state) {
        struct fixture *fixture = *state;
        assert_opens(fixture, "sub/deep", 0, "deep");
        /* Looked up just now, so that the kernel has it; a file system that never tells without waiting is fine too. */
        int fd = file_open_beneath(fixture->root, "sub/deep", FILE_OPEN_CACHED);
        assert_true(fd >= 0 || fd == -EAGAIN);
        char buffer[4];
        if (fd >= 0)
                assert_true(file_read(fd, buffer, 4, false) == 0 || file_read(fd, buffer, 4, false) == -EAGAIN);
        close_fd(fd);
}

static void test_read(void **state) {
        struct fixture *fixture = *state;
        _cleanup_close_ int fd = file_open_beneath(fixture->root, "inside", 0);
        char buffer[16];
        assert_int_equal(file_read(fd, buffer, 7, true), -ESTALE);
        assert_int_equal(file_read(fd, buffer, 0, true), 0);
        assert_int_equal(file_read(-1, buffer, 1, true), -EBADF);
}

static void test_fresh(void **state) {
        struct file_identity identity = { .changed_nsec = 1700000000123456789 };
        assert_true(file_identity_is_fresh(&identity, identity.changed_nsec + 1000000));
        assert_false(file_identity_is_fresh(&identity, identity.changed_nsec + 100000000));
        identity.changed_nsec = 1700000000000000000;
        assert_true(file_identity_is_fresh(&identity, identity.changed_nsec + 1500000000));
        assert_false(file_identity_is_fresh(&identity, identity.changed_nsec + 2500000000));
}

struct swapper {
        struct fixture *fixture;
        atomic_bool stop;
};

/* Makes "target" by turns a file inside, a link out, a folder, and a link to the parent. */
static void *swap(void *userdata) {
        struct swapper *swapper = userdata;
        int root = swapper->fixture->root;
        for (unsigned i = 0; !atomic_load(&swapper->stop); i++) {
                (void) renameat(root, i % 2 ? "escape" : "real", root, "spare");
                (void) renameat2(root, "target", root, "spare", RENAME_EXCHANGE);
                (void) renameat(root, "spare", root, i % 2 ? "escape" : "real");
                (void) renameat2(root, "way", root, "way-out", RENAME_EXCHANGE);
        }
        return NULL;
}

/* Whatever is swapped while a path is walked: what opens is never the file outside. */
static void test_race(void **state) {
        struct fixture *fixture = *state;
        struct stat secret, status;
        assert_int_equal(fstatat(fixture->outside, "secret", &secret, 0), 0);
        write_file(fixture->root, "target", "inside");
        write_file(fixture->root, "real", "inside");
        link_to(fixture, "../secret", "escape");
        assert_int_equal(mkdirat(fixture->root, "way", 0755), 0);
        write_file(fixture->root, "way/secret", "inside");
        link_to(fixture, "..", "way-out");

        struct swapper swapper = { .fixture = fixture };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, swap, &swapper), 0);
        unsigned opened = 0, refused = 0;
        struct timespec start, now;
        (void) clock_gettime(CLOCK_MONOTONIC, &start);
        do {
                const char *const paths[] = { "target", "way/secret", "way/../../secret", "sub/../way/secret" };
                for (unsigned i = 0; i < ELEMENTS_OF(paths); i++) {
                        _cleanup_close_ int fd =
                                        file_open_beneath(fixture->root, paths[i], i % 2 ? FILE_OPEN_CACHED : 0);
                        if (fd < 0) {
                                refused++;
                                continue;
                        }
                        opened++;
                        assert_int_equal(fstat(fd, &status), 0);
                        assert_false(status.st_ino == secret.st_ino && status.st_dev == secret.st_dev);
                }
                (void) clock_gettime(CLOCK_MONOTONIC, &now);
        } while (opened < 2000 || refused < 2000 || now.tv_sec - start.tv_sec < 1);
        atomic_store(&swapper.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_ways_out, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_symlink_policy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cached, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_race, set_up, tear_down),
                cmocka_unit_test(test_fresh),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
