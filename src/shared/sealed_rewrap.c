/* SPDX-License-Identifier: Apache-2.0 */
/* The order of writing and syncing is what makes it safe; nothing else is kept. */
#include "shared/sealed_rewrap.h"

#include <sys/stat.h>

#include "shared/secret.h"
#include "shared/syscall.h"

static int read_header(int fd, unsigned char ret_header[static SEALED_HEADER]) {
        ssize_t n = NEGATIVE_ERRNO(pread(fd, ret_header, SEALED_HEADER, 0));
        return n < 0 ? (int) n : n == (ssize_t) SEALED_HEADER ? 0 : -EBADMSG;
}

static int write_block(int fd, unsigned index, const unsigned char *block) {
        ssize_t n = NEGATIVE_ERRNO(pwrite(fd, block, SEALED_BLOCK, (off_t) (index * SEALED_BLOCK)));
        if (n < 0)
                return (int) n;
        return n == (ssize_t) SEALED_BLOCK ? (int) NEGATIVE_ERRNO(fdatasync(fd)) : -EIO;
}

/* Which block has a header of the newest key; -ENOENT when there is none yet. */
static int find_newest(const unsigned char *header, const struct key_ring *ring, struct sealed_secret *secret) {
        for (int block = 0; block < 2; block++)
                if (sealed_header_read(header + (size_t) block * SEALED_BLOCK, ring, secret) >= 0 &&
                    strcmp(secret->master, key_ring_newest(ring)->id) == 0)
                        return block;
        return -ENOENT;
}

static int wrap(int fd, unsigned block, const struct key_ring *ring, const struct sealed_secret *secret) {
        unsigned char bytes[SEALED_BLOCK], nonce[SEALED_NONCE];
        int r = sealed_random(nonce, sizeof(nonce));
        if (r >= 0)
                r = sealed_header_write(secret, key_ring_newest(ring), nonce, bytes);
        return r < 0 ? r : write_block(fd, block, bytes);
}

/* Changes nothing where there is nothing: the block may be a hole. */
static int clear(int fd, unsigned index, const unsigned char *block) {
        static const unsigned char zero[SEALED_BLOCK];
        if (memcmp(block, zero, SEALED_BLOCK) == 0)
                return 0;
        int r = write_block(fd, index, zero);
        return r < 0 ? r : 1;
}

static int rewrap(int fd, const struct key_ring *ring, struct sealed_secret *secret) {
        unsigned char header[SEALED_HEADER];
        unsigned good;
        int r = read_header(fd, header);
        if (r < 0)
                return r;
        int newest = find_newest(header, ring, secret);
        if (newest >= 0)
                return clear(fd, (unsigned) !newest, header + (size_t) !newest * SEALED_BLOCK);
        r = sealed_header_find(header, ring, secret, &good);
        if (r >= 0)
                r = wrap(fd, !good, ring, secret);
        return r < 0 ? r : clear(fd, good, header + good * SEALED_BLOCK);
}

/* Two at once could each clear the header that the other has written. Not flock(2), which uploads use for what they write. */
static int lock_header(int fd, short type) {
        struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_len = (off_t) SEALED_HEADER };
        int r = (int) NEGATIVE_ERRNO(fcntl(fd, F_OFD_SETLK, &lock));
        return r == -EAGAIN || r == -EACCES ? -EBUSY : r;
}

int sealed_rewrap(int fd, const struct key_ring *ring) {
        struct stat status;
        int locked = lock_header(fd, F_WRLCK);
        if (locked < 0)
                return locked;
        if (fstat(fd, &status) < 0)
                return -errno;
        struct sealed_secret *secret = secret_new(sizeof(*secret));
        int r = secret ? rewrap(fd, ring, secret) : -ENOMEM;
        secret_free(secret, sizeof(*secret));
        if (r > 0) {
                /* The content did not change: neither do its validators. */
                const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, status.st_mtim };
                (void) futimens(fd, times);
        }
        (void) lock_header(fd, F_UNLCK);
        return r;
}

int sealed_names_key(int fd, struct slice id) {
        unsigned char header[SEALED_HEADER];
        int r = read_header(fd, header);
        if (r < 0)
                return r;
        bool is_sealed = false;
        for (unsigned block = 0; block < 2; block++) {
                char named[KEY_ID_MAX + 1];
                if (!sealed_header_key(header + block * SEALED_BLOCK, named))
                        continue;
                if (slice_equal_text(id, named))
                        return 1;
                is_sealed = true;
        }
        return is_sealed ? 0 : -EBADMSG;
}
