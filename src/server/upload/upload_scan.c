/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a folder with one descriptor for each level that it is in. What is removed meanwhile is not counted. */
#include "server/upload/upload_scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "server/upload/upload_name.h"
#include "shared/syscall.h"

#define LOOK_AT_CLOCK 256 /* names between two looks */

struct scan {
        uint64_t deadline; /* CLOCK_MONOTONIC, us */
        uint64_t names;
        uint64_t bytes, files;
        dev_t device;
};

static uint64_t now_usec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int scan_folder(struct scan *scan, int folder, unsigned depth);

static int scan_name(struct scan *scan, int folder, const char *name, unsigned depth) {
        struct stat status;
        if (++scan->names % LOOK_AT_CLOCK == 0 && now_usec() > scan->deadline)
                return -ETIME;
        if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (S_ISREG(status.st_mode))
                scan->bytes += (uint64_t) status.st_size;
        if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
                scan->files++;
        if (!S_ISDIR(status.st_mode) || status.st_dev != scan->device || depth > UPLOAD_NAME_PARTS)
                return 0;
        int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? 0 : scan_folder(scan, fd, depth + 1);
}

/* Takes the descriptor. */
static int scan_folder(struct scan *scan, int folder, unsigned depth) {
        DIR *stream = fdopendir(folder);
        if (!stream) {
                int r = -errno;
                close_fd(folder);
                return r;
        }
        int r = 0;
        for (struct dirent *entry; r >= 0 && (entry = readdir(stream));)
                if (entry->d_name[0] != '.' ||
                    (depth > 0 && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0))
                        r = scan_name(scan, folder, entry->d_name, depth);
        (void) closedir(stream);
        return r;
}

int upload_scan(int folder, uint64_t patience, uint64_t *ret_bytes, uint64_t *ret_files) {
        struct stat status;
        uint64_t now = now_usec();
        struct scan scan = { .deadline = patience > UINT64_MAX - now ? UINT64_MAX : now + patience };
        if (fstat(folder, &status) < 0)
                return -errno;
        scan.device = status.st_dev;
        /* A descriptor of its own: the position in a folder belongs to it. */
        int fd = NEGATIVE_ERRNO(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        int r = fd < 0 ? fd : scan_folder(&scan, fd, 0);
        if (r < 0)
                return r;
        *ret_bytes = scan.bytes;
        *ret_files = scan.files;
        return 0;
}
