/* SPDX-License-Identifier: Apache-2.0 */
/* Small wrappers of system calls that every program needs: closing, freeing, reading and writing whole. */
#include "shared/syscall.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "shared/slice.h"

int close_fd(int fd) {
        if (fd >= 0) {
                int saved = errno;
                (void) close(fd); /* EINTR has closed it on Linux; nothing can be done about EIO here */
                errno = saved;
        }
        return -1;
}

void free_cleanup(void *pointer_to_pointer) {
        free(*(void **) pointer_to_pointer);
}

int read_whole_file(int directory_fd, const char *path, size_t limit, char **ret_data, size_t *ret_length) {
        _cleanup_close_ int fd = NEGATIVE_ERRNO(openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
        if (fd < 0)
                return fd;

        struct stat status;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (S_ISDIR(status.st_mode))
                return -EISDIR;
        if ((uint64_t) status.st_size > limit)
                return -EFBIG;

        /* Files of /proc have size 0: read on until the end, whatever stat said. */
        size_t capacity = (size_t) status.st_size + 1, length = 0;
        _cleanup_free_ char *data = malloc(capacity + 1);
        if (!data)
                return -ENOMEM;
        for (;;) {
                ssize_t count = read(fd, data + length, capacity - length);
                if (count < 0 && errno == EINTR)
                        continue;
                if (count < 0)
                        return -errno;
                if (count == 0)
                        break;
                length += (size_t) count;
                if (length > limit)
                        return -EFBIG;
                if (length == capacity) {
                        capacity *= 2;
                        char *larger = realloc(data, capacity + 1);
                        if (!larger)
                                return -ENOMEM;
                        data = larger;
                }
        }
        data[length] = '\0';
        *ret_data = take_pointer(data);
        *ret_length = length;
        return 0;
}

int write_whole(int fd, const void *data, size_t length) {
        struct slice rest = { data, length };
        while (rest.length > 0) {
                ssize_t count = write(fd, rest.data, rest.length);
                if (count < 0 && errno != EINTR)
                        return -errno;
                if (count > 0)
                        rest = slice_from(rest, (size_t) count);
        }
        return 0;
}
