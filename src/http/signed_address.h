/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/key_ring.h"
#include "shared/slice.h"
#include "shared/text.h"

/*
 * Addresses that let whoever has them read one file until a time: the query holds what was agreed to, and an HMAC-SHA-256 over it, the
 * host and the path.
 *
 *     https://HOST/PATH?expires=SECONDS&key=ID[&name=NAME][&rate=BYTES]&signature=BASE64URL
 *
 * The parameters stand in this order, each once, and no others. What is signed is, with a NUL after each:
 * "ccodes-signed-1", "read", the host in lower case without port, the canonical path (target.h), and the values of expires, key, name and
 * rate as they stand in the query, empty when they are not there.
 */
#define SIGNED_NAME_MAX 255        /* bytes of a decoded name */
#define SIGNED_SIGNATURE_LENGTH 43 /* base64url of 32 bytes, without padding */

struct signed_address {
        struct slice expires, key, name, rate, signature; /* as they stand in the query; data == NULL: not there */
        int64_t expires_at;                               /* seconds since the epoch */
        uint64_t rate_bytes;                              /* a second; 0: none was agreed to */
};

/* Reads a query, without '?'. -ENOENT when it has no signature at all; -EINVAL when it is no signed address. */
int signed_address_parse(struct slice query, struct signed_address *ret_address);

/* What is wrong with a signature: 0; -ENOKEY: the key is not there; -EKEYREJECTED: it is not the signature of these; -EKEYEXPIRED. */
int signed_address_check(const struct signed_address *address, const struct key_ring *ring, struct slice host,
                         struct slice path, int64_t now);

/* What to sign. */
struct signed_request {
        struct slice host, path; /* as above */
        int64_t expires_at;
        struct slice name; /* for people: what the file is saved as; data == NULL: none */
        uint64_t rate;     /* bytes a second; 0: none */
};

/* Appends the query, with the newest key. -EINVAL for a name that none can have. */
int signed_address_write(const struct signed_request *request, const struct key_ring *ring, struct text *text);

/* Appends the value of Content-Disposition (RFC 6266) for the address's name: attachment, with a plain name, and by RFC 8187 where that
 * does not say it. */
void signed_address_write_disposition(const struct signed_address *address, struct text *text);

/* Whether people may give a file this name: UTF-8 without control characters and slashes. */
bool signed_name_is_valid(struct slice name);

/* Where the value of the first signature is in a target, for it is not to be logged whole, and neither is what follows: a
 * name may hold what looks like one. data == NULL: there is none. */
struct slice signed_address_find_signature(struct slice target);
