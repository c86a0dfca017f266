/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the staging folder: made, written, made to last, given up. */
#include "server/upload/upload_part.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "shared/syscall.h"

#define RANDOM_DIGITS 32

int upload_random_name(char *ret_digits, size_t size) {
        static const char digits[] = "0123456789abcdef";
        unsigned char bytes[64];
        if (size > sizeof(bytes))
                return -EINVAL;
        ssize_t n = NEGATIVE_ERRNO(getrandom(bytes, size, 0));
        if (n != (ssize_t) size)
                return n < 0 ? (int) n : -EAGAIN;
        for (size_t i = 0; i < size; i++)
                ret_digits[i] = digits[bytes[i] & 0xf];
        ret_digits[size] = '\0';
        return 0;
}

/* The lock is that of the descriptor: another thread of ours that opens the file does not get it either. */
int upload_staging_open(int staging, const char *name) {
        _cleanup_close_ int fd = NEGATIVE_ERRNO(openat(staging, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
        struct stat status;
        if (fd < 0)
                return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0)
                return -errno;
        /* Removed between the two. */
        return status.st_nlink == 0 ? -ENOENT : take_fd(&fd);
}

static int create_file(int staging, const char *name) {
        _cleanup_close_ int fd = NEGATIVE_ERRNO(
                        openat(staging, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666));
        struct stat status;
        if (fd < 0)
                return fd;
        /* Somebody who sweeps may have had it for a moment, and removed it. */
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0)
                return -errno;
        return status.st_nlink == 0 ? -EWOULDBLOCK : take_fd(&fd);
}

int upload_part_create(struct upload_part *part, struct upload_folder *folder, const struct content_format *format,
                       const char *prefix) {
        int staging = upload_folder_staging(folder, true);
        if (staging < 0)
                return staging;
        char digits[RANDOM_DIGITS + 1];
        int fd;
        do {
                int r = upload_random_name(digits, RANDOM_DIGITS);
                if (r < 0)
                        return r;
                (void) snprintf(part->name, sizeof(part->name), "%s%s", prefix, digits);
                fd = create_file(staging, part->name);
        } while (fd == -EWOULDBLOCK || fd == -EEXIST);
        if (fd < 0)
                return fd;
        part->folder = folder;
        part->fd = fd;
        int r = content_create(format, fd, NULL, &part->writer);
        if (r < 0)
                upload_part_discard(part);
        return r;
}

int upload_part_open(struct upload_part *part, struct upload_folder *folder, const struct content_format *format,
                     const char *name) {
        int staging = upload_folder_staging(folder, false);
        int fd = staging < 0 ? staging : upload_staging_open(staging, name);
        if (fd < 0)
                return fd;
        part->folder = folder;
        part->fd = fd;
        (void) snprintf(part->name, sizeof(part->name), "%s", name);
        int r = content_resume(format, fd, NULL, &part->writer);
        if (r < 0)
                upload_part_close(part);
        return r;
}

/* The time of the last change is given to the nanosecond, not by the file system's coarse clock: it is part of what
 * tells one version of a file from the next. */
static int stamp(int fd) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
        (void) clock_gettime(CLOCK_REALTIME, &times[1]);
        return (int) NEGATIVE_ERRNO(futimens(fd, times));
}

int upload_part_finish(struct upload_part *part) {
        int r = content_finish(part->writer);
        content_writer_free(take_pointer(part->writer));
        if (r >= 0)
                r = stamp(part->fd);
        if (r >= 0)
                r = (int) NEGATIVE_ERRNO(fsync(part->fd));
        return r;
}

void upload_part_close(struct upload_part *part) {
        if (!part->folder)
                return;
        content_writer_free(take_pointer(part->writer));
        part->fd = close_fd(part->fd);
        part->folder = NULL;
}

void upload_part_discard(struct upload_part *part) {
        if (!part->folder)
                return;
        (void) unlinkat(part->folder->staging, part->name, 0);
        upload_part_close(part);
}
