/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/content/content_format.h"
#include "shared/sealed_file.h"

/* What the parts of the sealed format share: content_sealed.c (reading on the pool, the format itself),
 * content_sealed_writer.c, content_sealed_body.c. */

/* Chunks in memory for responses. More wait, so that clients that take nothing cannot fill the memory. */
#define SEALED_FETCHES_MAX 1024

/* What is under way for responses; shared by a format and the contents that it opened. Any thread. */
struct sealed_account {
        unsigned references;
        unsigned fetches;
};

struct sealed_format {
        struct content_format format;
        struct key_ring *ring;
        struct sealed_account *account;
};

/* In memory of secret.h. */
struct sealed_content {
        struct content content;
        struct sealed_account *account;
        struct sealed_secret secret;
};

static inline struct sealed_format *sealed_format_of(const struct content_format *format) {
        return container_of(format, struct sealed_format, format);
}

/* Of a content of so many bytes. */
static inline uint64_t sealed_last_index(uint64_t length) {
        return length > 0 ? (length - 1) / SEALED_CHUNK : 0;
}

/* Reads the header of a file. The errors of content_open. */
int sealed_load_secret(const struct content_format *format, int fd, struct error *error,
                       struct sealed_secret *ret_secret);

/* Reads a record as far as the file has it: its length, or a negative errno. */
ssize_t sealed_load_record(int fd, uint64_t index, unsigned char record[static SEALED_RECORD]);

/* Reads and decrypts the record of a whole file in place: where its content is, how much. */
int sealed_open_record(const struct content *content, uint64_t index, unsigned char record[static SEALED_RECORD],
                       struct slice *ret_content);

/* See content_format.h. */
int sealed_create(const struct content_format *format, int fd, struct error *error, struct content_writer **ret_writer);
int sealed_resume(const struct content_format *format, int fd, struct error *error, struct content_writer **ret_writer);
int sealed_append(struct content_writer *writer, struct slice bytes);
int sealed_append_content(struct content_writer *writer, const struct content *content);
int sealed_truncate(struct content_writer *writer, uint64_t length);
int sealed_save(struct content_writer *writer);
int sealed_finish(struct content_writer *writer);
void sealed_free_writer(struct content_writer *writer);

struct content_body *sealed_body(struct content *content, struct http_exchange *exchange, uint64_t offset,
                                 uint64_t length);
int sealed_prepare(struct content_body *body, struct content_ready ready);
