/* SPDX-License-Identifier: Apache-2.0 */
/* The list of installed files: it removes what it names, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/install_manifest.h"
#include "shared/text.h"

struct place {
        char folder[64];
        char file[96];
};

static int set_up(void **state) {
        struct place *place = calloc(1, sizeof(*place));
        (void) snprintf(place->folder, sizeof(place->folder), "/tmp/ccodes-test-XXXXXX");
        assert_non_null(mkdtemp(place->folder));
        (void) snprintf(place->file, sizeof(place->file), "%s/list", place->folder);
        *state = place;
        return 0;
}

static int tear_down(void **state) {
        struct place *place = *state;
        (void) unlink(place->file);
        assert_int_equal(rmdir(place->folder), 0);
        free(place);
        return 0;
}

static void write_file(const char *path, const char *content) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void) fputs(content, file);
        (void) fclose(file);
}

static void hostile_lines_are_refused(void **state) {
        const struct place *place = *state;
        static const char *const lines[] = {
                "relative", "./x", "/a/../etc/passwd", "/..", "/.", "/", "//", "/a//b", "/a/", "/a/./b", " /a", "/a/..",
        };
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                struct install_manifest manifest = { 0 };
                struct error error = ERROR_INIT;
                _cleanup_text_ struct text text = TEXT_INIT;
                text_printf(&text, "# comment\n/usr/bin/good\n%s\n", lines[i]);
                write_file(place->file, text.data);
                assert_int_equal(install_manifest_load(place->file, &error, &manifest), -EINVAL);
                assert_non_null(strstr(error.text, "is no path of a file"));
                assert_null(manifest.text);
        }
}

static void lines_are_read(void **state) {
        const struct place *place = *state;
        struct install_manifest manifest;
        write_file(place->file, "# List of files\n\n/usr/local/bin/ccodesctl\n/a/..b/.c/...\n/no-newline");
        assert_int_equal(install_manifest_load(place->file, NULL, &manifest), 0);
        assert_int_equal(manifest.count, 3);
        assert_string_equal(manifest.paths[0], "/usr/local/bin/ccodesctl");
        assert_string_equal(manifest.paths[1], "/a/..b/.c/...");
        assert_string_equal(manifest.paths[2], "/no-newline");
        install_manifest_done(&manifest);
}

static void no_list(void **state) {
        const struct place *place = *state;
        struct install_manifest manifest;
        struct error error = ERROR_INIT;
        assert_int_equal(install_manifest_load(place->file, &error, &manifest), -ENOENT);
        assert_non_null(strstr(error.text, place->file));
}

static char *beneath(const struct place *place, const char *path) {
        return text_format("%s/%s", place->folder, path);
}

static void files_go_and_folders_of_others_stay(void **state) {
        const struct place *place = *state;
        static const char *const folders[] = { "share", "share/ccodes", "share/ccodes/examples", "share/man" };
        static const char *const files[] = { "share/ccodes/examples/a", "share/ccodes/b", "share/man/c" };
        _cleanup_text_ struct text text = TEXT_INIT;
        for (size_t i = 0; i < 4; i++) {
                _cleanup_free_ char *path = beneath(place, folders[i]);
                assert_int_equal(mkdir(path, 0755), 0);
        }
        for (size_t i = 0; i < 3; i++) {
                _cleanup_free_ char *path = beneath(place, files[i]);
                write_file(path, "x");
                text_printf(&text, "%s\n", path);
        }
        text_printf(&text, "%s/share/man/gone\n", place->folder);
        for (size_t i = 4; i > 0; i--)
                text_printf(&text, "%s/%s\n", place->folder, folders[i - 1]);
        _cleanup_free_ char *foreign = beneath(place, "share/man/of-others");
        write_file(foreign, "x");
        write_file(place->file, text.data);

        struct install_manifest manifest;
        struct error error = ERROR_INIT;
        assert_int_equal(install_manifest_load(place->file, &error, &manifest), 0);
        assert_int_equal(install_manifest_remove(&manifest, &error), 3);
        assert_int_equal(install_manifest_remove(&manifest, &error), 0);
        install_manifest_done(&manifest);

        _cleanup_free_ char *ours = beneath(place, "share/ccodes"), *man = beneath(place, "share/man"),
                            *share = beneath(place, "share");
        assert_int_equal(access(ours, F_OK), -1);
        assert_int_equal(access(place->file, F_OK), -1);
        assert_int_equal(unlink(foreign), 0);
        assert_int_equal(rmdir(man), 0);
        assert_int_equal(rmdir(share), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(hostile_lines_are_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(lines_are_read, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_list, set_up, tear_down),
                cmocka_unit_test_setup_teardown(files_go_and_folders_of_others_stay, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
