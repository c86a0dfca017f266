/* SPDX-License-Identifier: Apache-2.0 */
/* The only place where the file server opens paths, always beneath a root's descriptor, and reads without waiting
 * where that is asked for. Nothing here may be weakened: see openat2(2). */
#include "server/file_open.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "shared/syscall.h"

#define ATTEMPTS 64 /* a rename somewhere in the system makes openat2 give up for once with -EAGAIN */

static struct open_how how_for(unsigned flags) {
        struct open_how how = {
                .flags = O_CLOEXEC | O_NOCTTY,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        };
        how.flags |= flags & FILE_OPEN_PATH ? O_PATH : O_RDONLY | O_NONBLOCK;
        if (flags & FILE_OPEN_PATH)
                how.flags &= ~(uint64_t) O_NOCTTY; /* openat2 refuses what O_PATH would ignore */
        if (flags & FILE_OPEN_DIRECTORY)
                how.flags |= O_DIRECTORY;
        if (flags & FILE_OPEN_NO_SYMLINKS)
                how.resolve |= RESOLVE_NO_SYMLINKS;
        if (flags & FILE_OPEN_CACHED)
                how.resolve |= RESOLVE_CACHED;
        return how;
}

int file_open_beneath(int root, const char *path, unsigned flags) {
        struct open_how how = how_for(flags);
        for (unsigned attempt = 1;; attempt++) {
                int fd = (int) NEGATIVE_ERRNO(syscall(SYS_openat2, root, path, &how, sizeof(how)));
                if (fd == -EINTR)
                        continue;
                /* Linux before 5.12 does not know RESOLVE_CACHED. */
                if (fd == -EINVAL && flags & FILE_OPEN_CACHED)
                        return -EAGAIN;
                if (fd != -EAGAIN || flags & FILE_OPEN_CACHED || attempt == ATTEMPTS)
                        return fd;
        }
}

static int64_t nanoseconds(struct timespec time) {
        return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

void file_identity_from_stat(const struct stat *status, struct file_identity *ret_identity) {
        *ret_identity = (struct file_identity) {
                .device = status->st_dev,
                .inode = status->st_ino,
                .size = (uint64_t) status->st_size,
                .modified_nsec = nanoseconds(status->st_mtim),
                .changed_nsec = nanoseconds(status->st_ctim),
        };
}

int file_identify(int fd, struct file_identity *ret_identity) {
        struct stat status;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
                return -EINVAL;
        file_identity_from_stat(&status, ret_identity);
        return S_ISREG(status.st_mode);
}

bool file_identity_is_fresh(const struct file_identity *identity, int64_t now_nsec) {
        /* File systems stamp by a clock that moves 100 to 1000 times a second, those without fractions each second or
         * two. */
        int64_t granularity = identity->changed_nsec % 1000000000 ? 20000000 : 2000000000;
        return now_nsec - identity->changed_nsec < granularity;
}

int file_read(int fd, void *buffer, size_t length, bool may_wait) {
        size_t done = 0;
        while (done < length) {
                struct iovec part = { (char *) buffer + done, length - done };
                ssize_t count = NEGATIVE_ERRNO(preadv2(fd, &part, 1, (off_t) done, may_wait ? 0 : RWF_NOWAIT));
                if (count == -EINTR)
                        continue;
                if (count < 0) /* not every file system can read without waiting */
                        return count == -EOPNOTSUPP && !may_wait ? -EAGAIN : (int) count;
                if (count == 0)
                        return -ESTALE;
                done += (size_t) count;
        }
        return 0;
}
