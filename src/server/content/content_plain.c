/* SPDX-License-Identifier: Apache-2.0 */
/* Files as they are: what was appended is the file, at once. */
#include <stdlib.h>
#include <sys/stat.h>

#include "http/exchange.h"
#include "server/content/content_format.h"
#include "shared/syscall.h"

/* Bytes for one call of copy_file_range(2), which may be killed only between calls. */
#define COPY_MAX ((size_t) 64 << 20)

static int begin(const struct content_format *format, int fd, uint64_t length, struct content_writer **ret_writer) {
        struct content_writer *writer = malloc(sizeof(*writer));
        if (!writer)
                return -ENOMEM;
        *writer = (struct content_writer) { .format = format, .fd = fd, .length = length };
        *ret_writer = writer;
        return 0;
}

static int create(const struct content_format *format, int fd, struct error *error,
                  struct content_writer **ret_writer) {
        int r = begin(format, fd, 0, ret_writer);
        return r < 0 ? error_set_errno(error, r, "beginning a file") : 0;
}

static int resume(const struct content_format *format, int fd, struct error *error,
                  struct content_writer **ret_writer) {
        struct stat status;
        int r = (int) NEGATIVE_ERRNO(fstat(fd, &status));
        if (r >= 0)
                r = begin(format, fd, (uint64_t) status.st_size, ret_writer);
        return r < 0 ? error_set_errno(error, r, "going on with a file") : 0;
}

static int append(struct content_writer *writer, struct slice bytes) {
        while (bytes.length > 0) {
                ssize_t n = NEGATIVE_ERRNO(pwrite(writer->fd, bytes.data, bytes.length, (off_t) writer->length));
                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return (int) n;
                writer->length += (uint64_t) n;
                bytes = slice_from(bytes, (size_t) n);
        }
        return 0;
}

/* Within the file system where that can be had (shared extents cost nothing), else the kernel copies. */
static int append_content(struct content_writer *writer, const struct content *content) {
        off_t from = 0, to = (off_t) writer->length;
        while ((uint64_t) from < content->length) {
                size_t length = (size_t) MIN_OF(content->length - (uint64_t) from, (uint64_t) COPY_MAX);
                ssize_t n = NEGATIVE_ERRNO(copy_file_range(content->fd, &from, writer->fd, &to, length, 0));
                if (n == -EINTR)
                        continue;
                if (n <= 0)
                        return n == 0 ? -ESTALE : (int) n;
                writer->length += (uint64_t) n;
        }
        return 0;
}

static int truncate_to(struct content_writer *writer, uint64_t length) {
        int r = (int) NEGATIVE_ERRNO(ftruncate(writer->fd, (off_t) length));
        if (r >= 0)
                writer->length = length;
        return r;
}

/* There is nothing that is not in the file yet. */
static int save(struct content_writer *writer) {
        (void) writer;
        return 0;
}

static void free_writer(struct content_writer *writer) {
        free(writer);
}

static int open_content(const struct content_format *format, int fd, struct error *error,
                        struct content **ret_content) {
        struct stat status;
        if (fstat(fd, &status) < 0)
                return error_set_errno(error, -errno, "opening a file");
        struct content *content = malloc(sizeof(*content));
        if (!content)
                return error_set_errno(error, -ENOMEM, "opening a file");
        *content = (struct content) {
                .format = format, .fd = fd, .length = (uint64_t) status.st_size, .references = 1
        };
        *ret_content = content;
        return 0;
}

static int read_content(const struct content *content, uint64_t offset, void *buffer, size_t length) {
        for (size_t done = 0; done < length;) {
                ssize_t n = NEGATIVE_ERRNO(
                                pread(content->fd, (char *) buffer + done, length - done, (off_t) (offset + done)));
                if (n == -EINTR)
                        continue;
                if (n <= 0)
                        return n == 0 ? -ESTALE : (int) n;
                done += (size_t) n;
        }
        return 0;
}

static void free_content(struct content *content) {
        close_fd(content->fd);
        free(content);
}

struct plain_body {
        struct content_body base;
        struct http_body_file file;
        struct http_exchange_end end;
};

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) exchange;
        content_unref(container_of(end, struct plain_body, end)->base.content);
}

static struct content_body *new_body(struct content *content, struct http_exchange *exchange, uint64_t offset,
                                     uint64_t length) {
        struct plain_body *plain = arena_alloc(&exchange->arena, sizeof(*plain));
        if (!plain)
                return NULL;
        plain->base = (struct content_body) { &plain->file.body, content_ref(content) };
        plain->end.run = on_exchange_end;
        http_body_file_init(&plain->file, content->fd, offset, length);
        http_exchange_on_end(exchange, &plain->end);
        return &plain->base;
}

/* The exchange itself gets what is not in memory from the disk. */
static int prepare(struct content_body *body, struct content_ready ready) {
        (void) body;
        (void) ready;
        return 1;
}

static uint64_t length_of(uint64_t file_size) {
        return file_size;
}

static const struct content_format_operations operations = {
        .name = "plain",
        .create = create,
        .resume = resume,
        .append = append,
        .append_content = append_content,
        .truncate = truncate_to,
        .save = save,
        .finish = save,
        .free_writer = free_writer,
        .open = open_content,
        .read = read_content,
        .free = free_content,
        .body = new_body,
        .prepare = prepare,
        .length_of = length_of,
};

const struct content_format content_plain = { &operations };
