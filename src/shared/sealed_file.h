/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/key_ring.h"

/*
 * The format of sealed files (docs/sealed-format.md), as functions on bytes: the header, which holds the file's own key
 * wrapped by a master key, and the records, each a chunk of the content encrypted and bound to its place.
 *
 * The header is there twice in blocks of their own, one of which is usually empty, so that wrapping the key anew never
 * leaves a file without a header (sealed_rewrap.h).
 */
#define SEALED_BLOCK ((size_t) 4096) /* bytes of one header, padding included */
#define SEALED_HEADER (2 * SEALED_BLOCK)
#define SEALED_NONCE ((size_t) 12)
#define SEALED_OVERHEAD (SEALED_NONCE + 16) /* of a record beyond its content */
#define SEALED_CHUNK ((size_t) 65536)       /* content of every record but the last */
#define SEALED_RECORD (SEALED_CHUNK + SEALED_OVERHEAD)
#define SEALED_FILE_ID 16

/* What stays within the bounds of AES-GCM with random nonces: 2^32 uses of a key. */
#define SEALED_CHUNKS_MAX (UINT64_C(1) << 32)

/* What a record is; part of what is authenticated. */
enum sealed_kind {
        SEALED_MORE, /* full, and others follow */
        SEALED_LAST, /* the end of a whole file; empty only when the file is */
        SEALED_TAIL, /* the end of a file that is still being written */
};

/* What is needed to read and write the records of one file. Memory of secret.h. */
struct sealed_secret {
        unsigned char file_id[SEALED_FILE_ID];
        unsigned char key[KEY_BYTES];
        char master[KEY_ID_MAX + 1]; /* the key that wraps it */
};

/* For files that are made: file id and key at random. -EIO when the system has no random numbers. */
int sealed_secret_generate(struct sealed_secret *ret_secret);

/* The block for a secret wrapped by `master`. `nonce` is SEALED_NONCE random bytes, never used with that key before. */
int sealed_header_write(const struct sealed_secret *secret, const struct key *master, const unsigned char *nonce,
                        unsigned char ret_block[static SEALED_BLOCK]);

/* -EBADMSG when the block holds no header, or one that was tampered with; -ENOKEY when its key is not in the ring, whose id
 * is then in `ret_secret->master`. */
int sealed_header_read(const unsigned char block[static SEALED_BLOCK], const struct key_ring *ring,
                       struct sealed_secret *ret_secret);

/* The id of the key that a header names, read but not believed. False when the block holds no header of this format. */
bool sealed_header_key(const unsigned char block[static SEALED_BLOCK], char ret_id[static KEY_ID_MAX + 1]);

/* Both blocks of a file: reads the one that is good. As above, the errors of the better one. `ret_block`: which one. */
int sealed_header_find(const unsigned char header[static SEALED_HEADER], const struct key_ring *ring,
                       struct sealed_secret *ret_secret, unsigned *ret_block);

/* Encrypts a chunk: `ret_record` has room for content.length + SEALED_OVERHEAD bytes. */
int sealed_record_write(const struct sealed_secret *secret, uint64_t index, enum sealed_kind kind,
                        const unsigned char *nonce, struct slice content, unsigned char *ret_record);

/* Decrypts a record; `ret_content` has room for length - SEALED_OVERHEAD bytes and may be record + SEALED_NONCE. -EBADMSG when it is
 * not what was written at this place; `ret_content` then holds nothing. */
int sealed_record_read(const struct sealed_secret *secret, uint64_t index, enum sealed_kind kind,
                       const unsigned char *record, size_t length, unsigned char *ret_content);

/* Random bytes for nonces. */
int sealed_random(unsigned char *ret_bytes, size_t length);

/* Where the record with this index begins, in bytes. */
static inline uint64_t sealed_record_offset(uint64_t index) {
        return SEALED_HEADER + index * SEALED_RECORD;
}

/* The length of the content from the size of a whole file. False when no whole file has that size. */
bool sealed_content_length(uint64_t file_size, uint64_t *ret_length);
