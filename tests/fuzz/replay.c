/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files: each argument is one, or a folder of them. Stands in for libFuzzer, so that the seeds are
 * part of every test run, with any compiler. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"
#include "shared/syscall.h"

#define SEED_MAX (1 << 20)

static int replay(int directory, const char *path) {
        _cleanup_free_ char *data = NULL;
        size_t length;
        int r = read_whole_file(directory, path, SEED_MAX, &data, &length);
        if (r < 0)
                return r;
        _cleanup_free_ char *copy = exact_copy(data, length);
        (void) LLVMFuzzerTestOneInput((const uint8_t *) copy, length);
        return 0;
}

/* Returns the number of files. */
static int replay_folder(const char *path) {
        DIR *folder = opendir(path);
        if (!folder)
                return -errno;
        int count = 0, r = 0;
        for (struct dirent *entry = readdir(folder); entry && r >= 0; entry = readdir(folder)) {
                if (entry->d_name[0] == '.')
                        continue;
                r = replay(dirfd(folder), entry->d_name);
                count++;
                if (r < 0)
                        (void) fprintf(stderr, "%s/%s: %s\n", path, entry->d_name, strerror(-r));
        }
        (void) closedir(folder);
        return r < 0 ? r : count;
}

int main(int argc, char **argv) {
        int count = 0;
        for (int i = 1; i < argc; i++) {
                int r = replay(AT_FDCWD, argv[i]);
                if (r == -EISDIR)
                        r = replay_folder(argv[i]);
                else if (r >= 0)
                        r = 1;
                if (r < 0) {
                        (void) fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return EXIT_FAILURE;
                }
                count += r;
        }
        (void) printf("%d inputs\n", count);
        return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
