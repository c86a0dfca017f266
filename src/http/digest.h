/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"

/*
 * Digests of contents: what a client says of them, and what they are. SHA-1 is there for the tus protocol alone, whose
 * checksums guard against accidents, not against people.
 */
enum digest_algorithm {
        DIGEST_SHA256,
        DIGEST_SHA512,
        DIGEST_SHA1,
        DIGEST_ALGORITHMS,
};

#define DIGEST_SIZE_MAX 64 /* bytes */

struct digest {
        unsigned char bytes[DIGEST_SIZE_MAX]; /* the first digest_size of them */
};

/* Digests by several algorithms: `set` has 1 << algorithm for those that are there. */
struct digests {
        unsigned set;
        struct digest of[DIGEST_ALGORITHMS];
};

size_t digest_size(enum digest_algorithm algorithm); /* bytes */

/* Content-Digest and Repr-Digest (RFC 9530 section 2 and 3): a structured dictionary. Algorithms that are not known here
 * are passed over, as the RFC has it. -EBADMSG for what is no such field, or no digest of its algorithm's length. */
int digest_field_parse(struct slice value, struct digests *ret_digests);

/* Want-Repr-Digest and Want-Content-Digest (section 4): the one that is liked best; -1 when none of ours is wanted, or the
 * field is malformed. */
int digest_field_choose(struct slice value);

/* "sha-256=:…:" and a NUL. Not for SHA-1. */
#define DIGEST_FIELD_SIZE 104
void digest_field_format(enum digest_algorithm algorithm, const struct digest *digest,
                         char ret_text[DIGEST_FIELD_SIZE]);

/* Upload-Checksum of tus: "sha256 BASE64". -ENOTSUP for an algorithm that is not known, -EBADMSG for what is malformed. */
int digest_checksum_parse(struct slice value, struct digests *ret_digests);

/* What computes digests over bytes as they come. All zero: of nothing. Any thread, one at a time. */
struct digest_hasher {
        unsigned set;
        void *contexts[DIGEST_ALGORITHMS];
};

/* -ENOMEM. `set` as in struct digests. */
int digest_hasher_init(struct digest_hasher *hasher, unsigned set);
int digest_hasher_update(struct digest_hasher *hasher, struct slice bytes);

/* The digests of all that came; the hasher is done then. */
int digest_hasher_finish(struct digest_hasher *hasher, struct digests *ret_digests);
void digest_hasher_done(struct digest_hasher *hasher);

/* Whether each digest of `expected` is the same in `actual`, which has them all. */
bool digests_match(const struct digests *expected, const struct digests *actual);
