/* SPDX-License-Identifier: Apache-2.0 */
/* Probes the page cache without waiting, and fills it on the thread pool. A fetch belongs to the pool from its start until
 * its result is delivered; whoever started it can only forget it. */
#include "http/file_residency.h"

#include <stdlib.h>
#include <sys/uio.h>

#include "shared/syscall.h"
#include "shared/thread_pool.h"

#define READ_BLOCK 65536

/* What the kernel reads ahead at a time unless told otherwise: it comes into memory as a whole. */
#define READ_AHEAD (128u << 10)

/* How long a piece of a file that was in memory is taken to be there. */
#define BELIEVED_MSEC 1000
#define PIECE (1u << 20)

struct file_fetch {
        struct thread_task task;
        int fd;
        uint64_t offset;
        size_t length;
        void (*fetched)(void *userdata); /* NULL: nobody waits any more */
        void *userdata;
};

static bool is_resident(int fd, uint64_t offset) {
        char byte;
        struct iovec vector = { &byte, 1 };
        return NEGATIVE_ERRNO(preadv2(fd, &vector, 1, (off_t) offset, RWF_NOWAIT)) != -EAGAIN;
}

/* A descriptor that is used for another file meanwhile is believed for too long: at worst that one's first bytes are waited
 * for once. */
bool file_range_is_resident(struct file_residency *residency, uint64_t now, int fd, uint64_t offset, size_t length) {
        uint32_t piece = (uint32_t) (offset / PIECE);
        struct file_residency_entry *entry =
                        &residency->entries[((unsigned) fd * 31 + piece) % ELEMENTS_OF(residency->entries)];
        if (entry->fd == fd && entry->piece == piece && now < entry->until)
                return true;
        if (!is_resident(fd, offset) || (length > READ_AHEAD && !is_resident(fd, offset + length - 1)))
                return false;
        *entry = (struct file_residency_entry) { fd, piece, now + BELIEVED_MSEC };
        return true;
}

/* Asks for twice the range, so that the disk works on while this one is sent, and waits for the range itself. */
static void run(struct thread_task *task) {
        const struct file_fetch *fetch = container_of(task, struct file_fetch, task);
        char block[READ_BLOCK] __attribute__((uninitialized));
        (void) readahead(fetch->fd, (off_t) fetch->offset, 2 * fetch->length);
        for (size_t done = 0; done < fetch->length;) {
                ssize_t count = NEGATIVE_ERRNO(pread(fetch->fd, block, MIN_OF(fetch->length - done, sizeof(block)),
                                                     (off_t) (fetch->offset + done)));
                if (count <= 0 && count != -EINTR)
                        return;
                done += (size_t) MAX_OF(count, 0);
        }
}

static void done(struct thread_task *task) {
        struct file_fetch *fetch = container_of(task, struct file_fetch, task);
        void (*fetched)(void *userdata) = fetch->fetched;
        void *userdata = fetch->userdata;
        close_fd(fetch->fd);
        free(fetch);
        if (fetched)
                fetched(userdata);
}

int file_fetch_start(struct thread_pool *pool, struct loop *loop, int fd, uint64_t offset, size_t length,
                     void (*fetched)(void *userdata), void *userdata, struct file_fetch **ret_fetch) {
        struct file_fetch *fetch = malloc(sizeof(*fetch));
        if (!fetch)
                return -ENOMEM;
        *fetch = (struct file_fetch) {
                .task = { .run = run, .done = done },
                .fd = NEGATIVE_ERRNO(fcntl(fd, F_DUPFD_CLOEXEC, 3)),
                .offset = offset,
                .length = length,
                .fetched = fetched,
                .userdata = userdata,
        };
        int r = fetch->fd < 0 ? fetch->fd : thread_pool_submit(pool, loop, &fetch->task);
        if (r < 0) {
                close_fd(fetch->fd);
                free(fetch);
                return r;
        }
        *ret_fetch = fetch;
        return 0;
}

void file_fetch_cancel(struct file_fetch *fetch) {
        if (fetch)
                fetch->fetched = NULL;
}
