/* SPDX-License-Identifier: Apache-2.0 */
/* Clears staging folders. Whatever holds a file open there has its lock, so that what can be locked is left over. */
#include "server/upload_sweep.h"

#include <dirent.h>
#include <string.h>

#include "server/upload_part.h"
#include "shared/syscall.h"

/* The lock is held while the file is removed: nobody who opened it meanwhile takes it for one that will stay. */
static void remove_left_over(int staging, const char *name) {
        _cleanup_close_ int fd = upload_staging_open(staging, name);
        if (fd >= 0)
                (void) unlinkat(staging, name, 0);
}

static void sweep_name(int staging, const char *name) {
        if (strncmp(name, UPLOAD_PART_PREFIX, strlen(UPLOAD_PART_PREFIX)) == 0)
                remove_left_over(staging, name);
}

void upload_sweep(struct upload_folder *folder, uint64_t keep_parts) {
        (void) keep_parts;
        int staging = upload_folder_staging(folder, false);
        int fd = staging < 0 ? staging : openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);
        if (!stream) {
                close_fd(fd);
                return;
        }
        for (struct dirent *entry; (entry = readdir(stream));)
                sweep_name(staging, entry->d_name);
        (void) closedir(stream);
}
