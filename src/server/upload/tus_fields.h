/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/slice.h"

/*
 * The fields of the tus protocol 1.0 (https://tus.io/protocols/resumable-upload), as pure functions on bytes.
 */
#define TUS_VERSION "1.0.0"
#define TUS_EXTENSIONS "creation,creation-with-upload,termination,checksum,expiration,concatenation"
#define TUS_CHECKSUM_ALGORITHMS "sha1,sha256,sha512"
#define TUS_FOLDER ".tus/" /* of the addresses of uploads, beneath an upload folder's path */
#define TUS_ID_LENGTH 32
#define TUS_METADATA_MAX 4096 /* bytes of Upload-Metadata */

/* Upload-Length and Upload-Offset: digits alone. -EINVAL, also beyond 2^63 - 1. */
int tus_number_parse(struct slice text, uint64_t *ret_number);

/* Whether Upload-Metadata is "key BASE64" pairs with commas between them, each key once; a value may be absent. */
bool tus_metadata_is_valid(struct slice metadata);

/* The decoded value of a key, in `buffer`, which has room for TUS_METADATA_MAX bytes; data == NULL when it is not there. */
struct slice tus_metadata_find(struct slice metadata, struct slice key, char *buffer);

enum tus_concat {
        TUS_CONCAT_NONE,
        TUS_CONCAT_PARTIAL,
        TUS_CONCAT_FINAL,
};

/* Upload-Concat: "partial", or "final;" and addresses, of which *ret_list is left. Absent: none. -EINVAL. */
int tus_concat_parse(struct slice value, enum tus_concat *ret_concat, struct slice *ret_list);

/* Takes the next address off a list and finds the id in it: what stands behind `folder` ("/files/.tus/") in its path. 1; 0
 * at the end; -EINVAL for an address that is not one of an upload there. */
int tus_concat_next(struct slice *list, struct slice folder, struct slice *ret_id);

/* Whether this is an id as we make them: hexadecimal digits. */
bool tus_id_is_valid(struct slice id);
