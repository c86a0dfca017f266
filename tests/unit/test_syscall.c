/* SPDX-License-Identifier: Apache-2.0 */
/* read_whole_file: sizes, limits, files without a size; closing and taking of descriptors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "shared/syscall.h"

static char *make_folder(void) {
        char *folder = strdup("/tmp/ccodes-test-syscall-XXXXXX");
        assert_non_null(folder);
        assert_non_null(mkdtemp(folder));
        return folder;
}

static int open_folder(const char *folder) {
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void write_file(int folder_fd, const char *name, size_t length) {
        _cleanup_close_ int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        for (size_t i = 0; i < length; i++) {
                char byte = (char) ('a' + i % 26);
                assert_int_equal(write(fd, &byte, 1), 1);
        }
}

static void files_up_to_the_limit_are_read_whole(void **state) {
        (void) state;
        _cleanup_free_ char *folder = make_folder();
        _cleanup_close_ int folder_fd = open_folder(folder);
        for (size_t length = 0; length <= 70; length += 7) {
                write_file(folder_fd, "f", length);
                _cleanup_free_ char *data = NULL;
                size_t found = 99;
                assert_int_equal(read_whole_file(folder_fd, "f", length, &data, &found), 0);
                assert_int_equal(found, length);
                assert_int_equal(strlen(data), length);
                for (size_t i = 0; i < length; i++)
                        assert_int_equal(data[i], 'a' + i % 26);

                if (length) {
                        char *none = NULL;
                        size_t untouched = 99;
                        assert_int_equal(read_whole_file(folder_fd, "f", length - 1, &none, &untouched), -EFBIG);
                        assert_null(none);
                        assert_int_equal(untouched, 99);
                }
        }
        assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void no_limit_is_no_limit(void **state) {
        (void) state;
        _cleanup_free_ char *folder = make_folder();
        _cleanup_close_ int folder_fd = open_folder(folder);
        write_file(folder_fd, "f", 10);
        _cleanup_free_ char *data = NULL;
        size_t length;
        assert_int_equal(read_whole_file(folder_fd, "f", SIZE_MAX, &data, &length), 0);
        assert_int_equal(length, 10);
        assert_int_equal(unlinkat(folder_fd, "f", 0), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void files_without_a_size_are_read_to_their_end(void **state) {
        (void) state;
        _cleanup_free_ char *data = NULL;
        size_t length = 0;
        assert_int_equal(read_whole_file(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &length), 0);
        assert_true(length > 100);
        assert_non_null(strstr(data, "\nPPid:"));
        assert_int_equal(data[length - 1], '\n');

        char *none = NULL;
        assert_int_equal(read_whole_file(AT_FDCWD, "/proc/self/status", 100, &none, &length), -EFBIG);
        assert_int_equal(read_whole_file(AT_FDCWD, "/dev/zero", 5000, &none, &length), -EFBIG);
        assert_null(none);
}

static void what_is_no_file_is_refused(void **state) {
        (void) state;
        char *none = NULL;
        size_t length = 99;
        assert_int_equal(read_whole_file(AT_FDCWD, "/nonexistent/file", 10, &none, &length), -ENOENT);
        assert_int_equal(read_whole_file(AT_FDCWD, "/tmp", 10, &none, &length), -EISDIR);
        assert_null(none);
        assert_int_equal(length, 99);
}

static void descriptors_are_closed_once(void **state) {
        (void) state;
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        int copy = fd;
        errno = ENXIO;
        fd = close_fd(fd);
        assert_int_equal(fd, -1);
        assert_int_equal(errno, ENXIO);
        assert_int_equal(fcntl(copy, F_GETFD), -1);
        assert_int_equal(close_fd(-1), -1);

        int taken_from = 7;
        assert_int_equal(take_fd(&taken_from), 7);
        assert_int_equal(taken_from, -1);
}

static void everything_is_written(void **state) {
        (void) state;
        enum { LENGTH = 300000 }; /* more than a pipe holds */
        int ends[2];
        _cleanup_free_ char *sent = malloc(LENGTH), *got = malloc(LENGTH);
        assert_non_null(sent);
        assert_non_null(got);
        for (size_t i = 0; i < LENGTH; i++)
                sent[i] = (char) (i % 251);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(write_whole(ends[1], sent, LENGTH) == 0 ? 0 : 1);
        close_fd(ends[1]);
        size_t length = 0;
        for (ssize_t count; (count = read(ends[0], got + length, LENGTH - length)) > 0;)
                length += (size_t) count;
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(length, LENGTH);
        assert_memory_equal(sent, got, LENGTH);
        close_fd(ends[0]);
        assert_int_equal(write_whole(-1, sent, 1), -EBADF);
        assert_int_equal(write_whole(-1, sent, 0), 0);
}

static void small_macros(void **state) {
        (void) state;
        assert_int_equal(NEGATIVE_ERRNO(open("/nonexistent", O_RDONLY)), -ENOENT);
        assert_int_equal(NEGATIVE_ERRNO(5), 5);
        assert_int_equal(MIN_OF(2, 3), 2);
        assert_int_equal(MAX_OF(2, 3), 3);

        _cleanup_free_ char *pointer = strdup("x");
        char *taken = take_pointer(pointer);
        assert_null(pointer);
        free(taken);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_up_to_the_limit_are_read_whole),
                cmocka_unit_test(no_limit_is_no_limit),
                cmocka_unit_test(files_without_a_size_are_read_to_their_end),
                cmocka_unit_test(what_is_no_file_is_refused),
                cmocka_unit_test(descriptors_are_closed_once),
                cmocka_unit_test(everything_is_written),
                cmocka_unit_test(small_macros),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
