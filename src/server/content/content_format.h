/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "http/body.h"
#include "shared/error.h"
#include "shared/slice.h"

struct http_exchange;

/*
 * How the bytes of a stored file lie on disk: a table of functions for each format, so that whoever takes, keeps and
 * serves files need not know it.
 *
 * All calls may wait for the disk and are made on the thread pool, but for those that say otherwise. Names, folders,
 * renaming and syncing are the caller's: a format knows one descriptor.
 */
struct content_format {
        const struct content_format_operations *operations;
};

/* A file that is being written, one append after the other; used by one thread at a time. */
struct content_writer {
        const struct content_format *format;
        int fd;          /* borrowed; open for reading and writing */
        uint64_t length; /* bytes of content taken so far */
};

/* A whole file, open for reading. Immutable: any number of threads may read it at a time. */
struct content {
        const struct content_format *format;
        int fd;          /* the content's */
        uint64_t length; /* bytes */
        unsigned references;
};

/* A part of a content as the body of a response. In the arena of its exchange, with which it ends. */
struct content_body {
        struct http_body *body; /* for exchange->response.body */
        struct content *content;
};

/* Told on the loop's thread once: 0, or why the first bytes cannot be had. */
struct content_ready {
        void (*ready)(struct content_body *body, int result, void *userdata);
        void *userdata;
};

/* The functions below say what each does. */
struct content_format_operations {
        const char *name; /* as the configuration names it */

        int (*create)(const struct content_format *format, int fd, struct error *error,
                      struct content_writer **ret_writer);
        int (*resume)(const struct content_format *format, int fd, struct error *error,
                      struct content_writer **ret_writer);
        int (*append)(struct content_writer *writer, struct slice bytes);
        int (*append_content)(struct content_writer *writer, const struct content *content);
        int (*truncate)(struct content_writer *writer, uint64_t length);
        int (*save)(struct content_writer *writer);
        int (*finish)(struct content_writer *writer);
        void (*free_writer)(struct content_writer *writer);

        int (*open)(const struct content_format *format, int fd, struct error *error, struct content **ret_content);
        int (*read)(const struct content *content, uint64_t offset, void *buffer, size_t length);
        void (*free)(struct content *content);
        struct content_body *(*body)(struct content *content, struct http_exchange *exchange, uint64_t offset,
                                     uint64_t length);
        int (*prepare)(struct content_body *body, struct content_ready ready);

        uint64_t (*length_of)(uint64_t file_size);
};

/* Files as they are. Reading them is sendfile(2). */
extern const struct content_format content_plain;

/* Begins a file on an empty descriptor, which is borrowed and outlives the writer. */
static inline int content_create(const struct content_format *format, int fd, struct error *error,
                                 struct content_writer **ret_writer) {
        return format->operations->create(format, fd, error, ret_writer);
}

/*
 * Goes on with a file that was begun, after a restart or a crash too. `(*ret_writer)->length` is what is safely there:
 * all that was saved (content_save), or less where a format writes in chunks; what lies beyond is cut off. -EBADMSG
 * when it is no file that this format began, or was tampered with.
 */
static inline int content_resume(const struct content_format *format, int fd, struct error *error,
                                 struct content_writer **ret_writer) {
        return format->operations->resume(format, fd, error, ret_writer);
}

/* Takes bytes. After an error of this and of the other calls the writer is only good for content_writer_free; what can
 * be gone on with is what content_resume then finds. -ENOSPC and what else write(2) says. */
static inline int content_append(struct content_writer *writer, struct slice bytes) {
        return writer->format->operations->append(writer, bytes);
}

/* Takes all of a content of the same format. */
static inline int content_append_content(struct content_writer *writer, const struct content *content) {
        return writer->format->operations->append_content(writer, content);
}

/* Takes back what was appended beyond `length`, which is at most what there is: a part whose checksum was wrong. */
static inline int content_truncate(struct content_writer *writer, uint64_t length) {
        return writer->format->operations->truncate(writer, length);
}

/* All that was taken is in the file, so that content_resume finds it again; to be called when no more bytes are
 * expected for a while. Does not sync. More may be appended. */
static inline int content_save(struct content_writer *writer) {
        return writer->format->operations->save(writer);
}

/* All is written and the file is whole; the caller syncs it and puts it into place. Nothing is appended any more. */
static inline int content_finish(struct content_writer *writer) {
        return writer->format->operations->finish(writer);
}

/* Takes NULL. What was neither saved nor finished may be lost. Does not wait; any thread. */
static inline void content_writer_free(struct content_writer *writer) {
        if (writer)
                writer->format->operations->free_writer(writer);
}

static inline void content_writer_free_cleanup(struct content_writer **writer) {
        content_writer_free(*writer);
}

/* Opens a whole file; takes the descriptor, but not when it fails. -EBADMSG when the file is not what was written: of
 * another format, tampered with, or cut short; -ENOKEY when its key is not among those that there are. One reference. */
static inline int content_open(const struct content_format *format, int fd, struct error *error,
                               struct content **ret_content) {
        return format->operations->open(format, fd, error, ret_content);
}

/* Any thread. */
static inline struct content *content_ref(struct content *content) {
        __atomic_fetch_add(&content->references, 1, __ATOMIC_RELAXED);
        return content;
}

/* Any thread; does not wait. Takes NULL. Returns NULL. */
static inline struct content *content_unref(struct content *content) {
        if (content && __atomic_sub_fetch(&content->references, 1, __ATOMIC_ACQ_REL) == 0)
                content->format->operations->free(content);
        return NULL;
}

static inline void content_unref_cleanup(struct content **content) {
        content_unref(*content);
}

/* Reads `length` bytes, which lie within the content. 0; -EBADMSG as content_open; -ESTALE when it became shorter. */
static inline int content_read(const struct content *content, uint64_t offset, void *buffer, size_t length) {
        return content->format->operations->read(content, offset, buffer, length);
}

/* A part of the content, within its bounds, as the body of a response; keeps a reference. On the exchange's thread,
 * does not wait. NULL when the arena is full. */
static inline struct content_body *content_body_new(struct content *content, struct http_exchange *exchange,
                                                    uint64_t offset, uint64_t length) {
        return content->format->operations->body(content, exchange, offset, length);
}

/*
 * Sees to it that the first bytes of the body can be sent, before the head promises them. 1: they can; 0: `ready` will
 * be called, unless the exchange ends before; negative: they cannot, as content_open, or -EAGAIN when the pool's queue
 * is full. On the exchange's thread, does not wait. Without it the body does the same when it is pulled from first.
 */
static inline int content_body_prepare(struct content_body *body, struct content_ready ready) {
        return body->content->format->operations->prepare(body, ready);
}

/* The length of the content of a whole file from the file's size, without looking at it: for listings. Any thread. */
static inline uint64_t content_length_of(const struct content_format *format, uint64_t file_size) {
        return format->operations->length_of(file_size);
}
