/* SPDX-License-Identifier: Apache-2.0 */
/* Roots of sites: one descriptor for each folder, as long as anybody has it; errors that say what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/file_open.h"
#include "server/site_root.h"
#include "shared/syscall.h"

static struct site_root *open_root(struct site_roots *roots, const char *path) {
        struct site_root *root = NULL;
        struct error error = ERROR_INIT;
        if (site_root_open(roots, path, &error, &root) < 0)
                fail_msg("%s", error.text);
        return root;
}

static void one_descriptor_for_a_folder(void **state) {
        char folder[] = "/tmp/ccodes-root-XXXXXX", other[64], link[64];
        struct site_roots *roots;
        assert_non_null(mkdtemp(folder));
        (void) snprintf(other, sizeof(other), "%s/other", folder);
        (void) snprintf(link, sizeof(link), "%s/link", folder);
        assert_int_equal(mkdir(other, 0755), 0);
        assert_int_equal(symlink(".", link), 0);
        assert_int_equal(site_roots_new(&roots), 0);

        struct site_root *first = open_root(roots, folder), *second = open_root(roots, other);
        assert_ptr_equal(open_root(roots, folder), first);
        assert_ptr_equal(open_root(roots, link), first); /* by another name */
        assert_ptr_not_equal(first, second);
        assert_int_not_equal(first->fd, second->fd);
        site_root_unref(first);
        site_root_unref(first);
        struct file_identity identity;
        assert_int_equal(file_identify(first->fd, &identity), 0); /* one reference is left */

        /* A folder that takes the place of another is not taken for it. */
        assert_int_equal(rmdir(other), 0);
        assert_int_equal(mkdir(other, 0755), 0);
        struct site_root *third = open_root(roots, other);
        assert_ptr_not_equal(second, third);
        assert_null(site_root_unref(third));
        assert_null(site_root_unref(second));
        int fd = first->fd;
        assert_null(site_root_unref(first));
        assert_int_equal(file_identify(fd, &identity), -EBADF);
        assert_null(site_root_unref(NULL));
        site_roots_free(roots);
        site_roots_free(NULL);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(rmdir(other), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void says_what_to_do(void **state) {
        static const struct {
                const char *path, *words;
                int code;
        } cases[] = {
                { "/nonexistent/folder", "create the folder", -ENOENT },
                { "/etc/passwd", "must be a folder", -ENOTDIR },
        };
        struct site_roots *roots;
        assert_int_equal(site_roots_new(&roots), 0);
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct error error = ERROR_INIT;
                struct site_root *root = NULL;
                assert_int_equal(site_root_open(roots, cases[i].path, &error, &root), cases[i].code);
                assert_non_null(strstr(error.text, cases[i].words));
                assert_null(root);
        }
        site_roots_free(roots);
}

static void knows_file_systems(void **state) {
        struct site_roots *roots;
        struct site_root *root;
        struct error error = ERROR_INIT;
        assert_int_equal(site_roots_new(&roots), 0);
        if (site_root_open(roots, "/dev/shm", &error, &root) >= 0) { /* a tmpfs wherever it is mounted at all */
                assert_false(root->is_remote);
                site_root_unref(root);
        }
        root = open_root(roots, "/proc");
        assert_false(root->is_memory);
        site_root_unref(root);
        site_roots_free(roots);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_descriptor_for_a_folder),
                cmocka_unit_test(says_what_to_do),
                cmocka_unit_test(knows_file_systems),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
