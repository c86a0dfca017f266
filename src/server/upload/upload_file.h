/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/digest.h"
#include "server/sniff.h"
#include "server/upload/upload_mount.h"
#include "server/upload/upload_place.h"

/*
 * One file on its way from its first byte to its place: claimed in the account, written to the staging folder, checked,
 * and put into place when it is whole. Blocking: pool threads only. All zero: there is none.
 */
struct upload_file {
        const struct upload_mount *mount;
        struct upload_target target; /* the name is the file's, from malloc */
        struct upload_claim claim;
        struct upload_part part;
        uint64_t size;           /* bytes so far */
        char head[SNIFF_LENGTH]; /* its first bytes */
        size_t head_length;
        bool is_type_checked;
        struct digests expected; /* what the client says of the content */
        struct digest_hasher hasher;
        struct digests actual; /* once it is whole */
        struct upload_placed placed;
};

/* What a file is held against beside the folder's limits. */
struct upload_expectation {
        int64_t length; /* bytes; -1: not known */
        struct digests digests;
        unsigned wanted; /* digests that are asked for, as in struct digests */
};

/* Begins one. Takes target->name. What stands against it before a byte is there is found now. */
int upload_file_begin(struct upload_file *file, const struct upload_mount *mount, struct upload_target *target,
                      const struct upload_expectation *expectation, struct upload_fault *fault);

int upload_file_append(struct upload_file *file, struct slice bytes, struct upload_fault *fault);

/* It is whole: file->placed says what became of it. */
int upload_file_finish(struct upload_file *file, struct upload_fault *fault);

/* Gives up one that is not in place, and frees what it holds. Takes one that is all zero, and leaves it so. */
void upload_file_done(struct upload_file *file);

/* Whether the folder takes files of this content, whose first bytes are given (SNIFF_LENGTH of them, or all there are). */
bool upload_type_is_allowed(const struct upload_mount *mount, struct slice name, struct slice head);
