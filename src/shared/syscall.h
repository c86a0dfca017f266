/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * The one place where libc's -1 becomes a negative errno, and the clean-up attributes that go with
 * raw descriptors and memory.
 */
#define NEGATIVE_ERRNO(expression)                                       \
        ({                                                               \
                __typeof__(expression) result_ = (expression);           \
                result_ < 0 ? (__typeof__(expression)) -errno : result_; \
        })

/* Closes a descriptor that is not negative; keeps errno. Returns -1, for `fd = close_fd(fd)`. */
int close_fd(int fd);

static inline void close_fd_cleanup(int *fd) {
        close_fd(*fd);
}

static inline int take_fd(int *fd) {
        int taken = *fd;
        *fd = -1;
        return taken;
}

void free_cleanup(void *pointer_to_pointer);

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_close_ _cleanup_(close_fd_cleanup)
#define _cleanup_free_ _cleanup_(free_cleanup)

#define take_pointer(pointer)                      \
        ({                                         \
                __auto_type pointer_ = &(pointer); \
                __auto_type taken_ = *pointer_;    \
                *pointer_ = NULL;                  \
                taken_;                            \
        })

/* Reads a regular file of at most `limit` bytes into a NUL-terminated heap block that the caller frees.
 * -EFBIG when it is larger; other negative errno as from open(2) and read(2). */
int read_whole_file(int directory_fd, const char *path, size_t limit, char **ret_data, size_t *ret_length);

/* write(2) until everything is written, or a negative errno of it. */
int write_whole(int fd, const void *data, size_t length);

#define ELEMENTS_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MIN_OF(a, b)                  \
        ({                            \
                __auto_type a_ = (a); \
                __auto_type b_ = (b); \
                a_ < b_ ? a_ : b_;    \
        })
#define MAX_OF(a, b)                  \
        ({                            \
                __auto_type a_ = (a); \
                __auto_type b_ = (b); \
                a_ > b_ ? a_ : b_;    \
        })
#define container_of(pointer, type, member) ((type *) ((char *) (pointer) -offsetof(type, member)))
