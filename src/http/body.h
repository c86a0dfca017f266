/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shared/cause.h"
#include "shared/slice.h"

/*
 * The body of a response as a source that the session pulls from when the client can take more: back-pressure is
 * structural, and a body of any length costs no memory of its own.
 */
enum http_segment_type {
        HTTP_SEGMENT_MEMORY,
        HTTP_SEGMENT_FILE,
};

/* A run of bytes that can be sent next. */
struct http_segment {
        enum http_segment_type type;
        uint64_t length;  /* > 0 */
        const char *data; /* HTTP_SEGMENT_MEMORY */
        int fd;           /* HTTP_SEGMENT_FILE */
        uint64_t offset;
};

struct http_body;

/* What a body holds is given back by http_exchange_on_end. */
struct http_body_operations {
        /* Shows what comes next without consuming it. 1; 0 at the end; -EAGAIN when nothing is there yet: the source
         * calls http_exchange_resume later; another error aborts the response. */
        int (*peek)(struct http_body *body, struct http_segment *ret_segment);

        /* Takes `length` bytes, at most those of the segment last shown. */
        void (*consume)(struct http_body *body, uint64_t length);
};

struct http_body {
        const struct http_body_operations *operations;
};

/* Why a response was cut, or not begun, when its source gave this error. */
enum cause http_body_cause(int error);

/* Bytes that outlive the exchange by other means (its arena, a cache entry that the handler keeps a reference of). */
struct http_body_memory {
        struct http_body body;
        struct slice bytes;
};

void http_body_memory_init(struct http_body_memory *memory, struct slice bytes);

/* A part of a file whose descriptor outlives the exchange by other means. */
struct http_body_file {
        struct http_body body;
        int fd;
        uint64_t offset, left;
};

void http_body_file_init(struct http_body_file *file, int fd, uint64_t offset, uint64_t length);

/* Segments after each other, as multipart/byteranges needs them. The array outlives the exchange by other means. */
struct http_body_list {
        struct http_body body;
        struct http_segment *next;
        size_t left;
};

void http_body_list_init(struct http_body_list *list, struct http_segment *segments, size_t count);

/* Bodies after each other. They and the array outlive the exchange by other means. */
struct http_body_chain {
        struct http_body body;
        struct http_body **next;
        size_t left;
};

void http_body_chain_init(struct http_body_chain *chain, struct http_body **bodies, size_t count);
