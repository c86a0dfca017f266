/* SPDX-License-Identifier: Apache-2.0 */
/* Writes beside the file and renames over it. The bytes are on the disk before the name is, and the name is before the
 * call returns. */
#include "shared/atomic_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/syscall.h"

static int sync_folder_of(const char *path) {
        const char *slash = strrchr(path, '/');
        size_t length = slash ? MAX_OF((size_t) (slash - path), (size_t) 1) : 0;
        char folder[PATH_MAX] = ".";
        if (length >= sizeof(folder))
                return -ENAMETOOLONG;
        memcpy(folder, path, length);
        _cleanup_close_ int fd = NEGATIVE_ERRNO(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd < 0)
                return fd;
        return NEGATIVE_ERRNO(fsync(fd));
}

static int fill(int fd, const void *data, size_t length, mode_t mode) {
        int r = write_whole(fd, data, length);
        if (r == 0)
                r = NEGATIVE_ERRNO(fchmod(fd, mode));
        if (r == 0)
                r = NEGATIVE_ERRNO(fsync(fd));
        return r;
}

int atomic_file_write(const char *path, const void *data, size_t length, mode_t mode) {
        _cleanup_free_ char *temporary = NULL;
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        _cleanup_close_ int fd = NEGATIVE_ERRNO(mkostemp(temporary, O_CLOEXEC)); /* with mode 0600 */
        if (fd < 0)
                return fd;
        int r = fill(fd, data, length, mode);
        if (r == 0)
                r = NEGATIVE_ERRNO(rename(temporary, path));
        if (r < 0) {
                (void) unlink(temporary);
                return r;
        }
        return sync_folder_of(path);
}
