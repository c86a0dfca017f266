/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/slice.h"

/*
 * Forms with files (multipart/form-data, RFC 7578, RFC 2046 section 5.1), read as they come: a pure function on bytes that
 * gives the same events however the bytes are cut. What it holds is bounded: the head of one part.
 */
#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */
#define MULTIPART_HEAD_MAX 8192   /* bytes of a part's head */

enum multipart_event_type {
        MULTIPART_PART,     /* one begins: `name`, `filename` */
        MULTIPART_DATA,     /* bytes of it */
        MULTIPART_PART_END, /* it is whole */
        MULTIPART_END,      /* of the form; what comes after it does not matter */
};

struct multipart_event {
        enum multipart_event_type type;
        struct slice name;     /* of the field; valid until the next call, as `filename` is */
        struct slice filename; /* data == NULL: the part is no file */
        struct slice data;     /* not empty; in the input, or constant */
};

struct multipart {
        char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CR LF "--" and the boundary */
        size_t delimiter_length;
        size_t matched; /* bytes of the delimiter that stand at the end of what came */
        size_t implied; /* of these, bytes that are only thought of: the end of the line before */
        int state;
        char tail[2]; /* of a delimiter's line */
        size_t tail_length;
        size_t head_length;
        char head[MULTIPART_HEAD_MAX];
};

/* From the value of Content-Type; -EINVAL when it is not multipart/form-data with a boundary. */
int multipart_init(struct multipart *multipart, struct slice content_type);

/* Takes bytes off the front of the input. 1: an event; 0: all of it was taken, and there is none; -EBADMSG for what is no
 * form, with the rule that is broken in *ret_detail. After an error or the end it is not called any more. */
int multipart_next(struct multipart *multipart, struct slice *input, struct multipart_event *ret_event,
                   const char **ret_detail);
