/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a file as a whole: its bytes, its mode, and that a failure leaves the old file and nothing beside it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "shared/atomic_file.h"
#include "shared/syscall.h"

struct folder {
        char path[64], file[128];
};

static void folder_init(struct folder *folder) {
        (void) snprintf(folder->path, sizeof(folder->path), "/tmp/test_atomic_file.XXXXXX");
        assert_non_null(mkdtemp(folder->path));
        (void) snprintf(folder->file, sizeof(folder->file), "%s/file", folder->path);
}

static void folder_done(struct folder *folder) {
        (void) unlink(folder->file);
        (void) rmdir(folder->file);
        assert_return_code(rmdir(folder->path), errno); /* fails when something was left behind */
}

static void check_content(const struct folder *folder, const char *expected, mode_t mode) {
        _cleanup_free_ char *data = NULL;
        size_t length;
        assert_int_equal(read_whole_file(AT_FDCWD, folder->file, 1000, &data, &length), 0);
        assert_string_equal(data, expected);
        struct stat status;
        assert_return_code(stat(folder->file, &status), errno);
        assert_int_equal(status.st_mode & 07777, mode);
}

static void a_file_is_made_and_replaced(void **state) {
        (void) state;
        struct folder folder;
        folder_init(&folder);
        assert_int_equal(atomic_file_write(folder.file, "one", 3, 0600), 0);
        check_content(&folder, "one", 0600);
        assert_int_equal(atomic_file_write(folder.file, "longer", 6, 0644), 0);
        check_content(&folder, "longer", 0644);
        assert_int_equal(atomic_file_write(folder.file, "", 0, 0644), 0);
        check_content(&folder, "", 0644);
        folder_done(&folder);
}

static void a_name_alone_is_beside_us(void **state) {
        (void) state;
        struct folder folder;
        folder_init(&folder);
        _cleanup_close_ int before = open(".", O_PATH | O_CLOEXEC);
        assert_return_code(chdir(folder.path), errno);
        int r = atomic_file_write("file", "one", 3, 0600);
        assert_return_code(fchdir(before), errno);
        assert_int_equal(r, 0);
        check_content(&folder, "one", 0600);
        folder_done(&folder);
}

static void a_failure_leaves_nothing_behind(void **state) {
        (void) state;
        struct folder folder;
        folder_init(&folder);
        char missing[160];
        (void) snprintf(missing, sizeof(missing), "%s/none/file", folder.path);
        assert_int_equal(atomic_file_write(missing, "x", 1, 0600), -ENOENT);
        assert_return_code(mkdir(folder.file, 0700), errno);
        assert_int_equal(atomic_file_write(folder.file, "x", 1, 0600), -EISDIR);
        folder_done(&folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_is_made_and_replaced),
                cmocka_unit_test(a_name_alone_is_beside_us),
                cmocka_unit_test(a_failure_leaves_nothing_behind),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
