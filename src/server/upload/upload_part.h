/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/content/content_format.h"
#include "server/upload/upload_folder.h"

/*
 * A file in the staging folder that is being written. While it is open its lock is held, so that no daemon takes it for
 * something that was left over; the lock ends with the process. Blocking: pool threads only.
 */
#define UPLOAD_PART_PREFIX "part-" /* of what is worth nothing once nobody writes it any more */
#define UPLOAD_PART_NAME_SIZE 48

struct upload_part {
        struct upload_folder *folder;  /* NULL: not open */
        struct content_writer *writer; /* NULL once it is finished */
        int fd;
        char name[UPLOAD_PART_NAME_SIZE];
};

/* A new one, under a random name that begins with `prefix`. Takes a part that is not open. */
int upload_part_create(struct upload_part *part, struct upload_folder *folder, const struct content_format *format,
                       const char *prefix);

/* One that is there, to go on with it from where content_resume says. -EWOULDBLOCK while somebody else has it. */
int upload_part_open(struct upload_part *part, struct upload_folder *folder, const struct content_format *format,
                     const char *name);

/* All is written: makes it last over a power cut. The writer is gone then. */
int upload_part_finish(struct upload_part *part);

/* Closes it and removes it from the staging folder. Takes one that is not open. */
void upload_part_discard(struct upload_part *part);

/* Closes it; it lies where it lies. */
void upload_part_close(struct upload_part *part);

/* `size` random hexadecimal digits and a NUL. */
int upload_random_name(char *ret_digits, size_t size);

/* Opens what is in the staging folder for itself: -EWOULDBLOCK while somebody else has it, -ENOENT when it is gone. */
int upload_staging_open(int staging, const char *name);
