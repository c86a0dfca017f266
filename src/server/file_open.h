/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/slice.h"

/*
 * Opening what lies beneath a root, and only that: the kernel resolves the whole path with openat2(2) and refuses any
 * step out of the root, by "..", an absolute or a magic link, whatever is renamed meanwhile.
 */
enum file_open_flags {
        FILE_OPEN_CACHED = 1 << 0,      /* only by what the kernel has in memory: never waits for a disk */
        FILE_OPEN_NO_SYMLINKS = 1 << 1, /* no link is followed at all */
        FILE_OPEN_DIRECTORY = 1 << 2,   /* nothing but a directory */
        FILE_OPEN_PATH = 1 << 3,        /* O_PATH: to look at, not to read */
};

/*
 * A descriptor, for reading, or a negative errno: -EXDEV for a path that leaves the root, -ELOOP for a link that may
 * not be followed, -EAGAIN with FILE_OPEN_CACHED when it would have to wait. `path` is relative; "." is the root
 * itself. A FIFO or device does not block.
 */
int file_open_beneath(int root, const char *path, unsigned flags);

/* What makes one version of a file's content, as far as the system tells. */
struct file_identity {
        uint64_t device, inode;
        uint64_t size;         /* bytes */
        int64_t modified_nsec; /* since the epoch; what Last-Modified shows */
        int64_t changed_nsec;  /* no user can set it back */
};

static inline bool file_identity_equal(const struct file_identity *a, const struct file_identity *b) {
        return a->inode == b->inode && a->size == b->size && a->modified_nsec == b->modified_nsec &&
               a->changed_nsec == b->changed_nsec && a->device == b->device;
}

struct stat;
void file_identity_from_stat(const struct stat *status, struct file_identity *ret_identity);

/* 1 for a regular file, 0 for a directory; -EINVAL for anything else; another negative errno of fstat(2). */
int file_identify(int fd, struct file_identity *ret_identity);

/*
 * Whether the content may have been written once more after it was looked at without any trace in its identity: it
 * changed so short a time before `now_nsec` that the file system's clock may not have moved on yet.
 */
bool file_identity_is_fresh(const struct file_identity *identity, int64_t now_nsec);

/* Reads `length` bytes from the beginning of the file. `may_wait` false: -EAGAIN unless all of it is in the page
 * cache. -ESTALE when the file is shorter. */
int file_read(int fd, void *buffer, size_t length, bool may_wait);
