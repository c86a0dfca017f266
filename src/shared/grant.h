/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/error.h"
#include "shared/scope.h"
#include "shared/text.h"

/*
 * A grant: what ccodes-auth signs so that a daemon lets one request through in a user's name, for seconds.
 *
 * Whoever has the public keys can check it (Ed25519, RFC 8032); only ccodes-auth, which alone links src/auth, can make
 * it. It is bound to one request by a digest of what that asks for, and names one scope: seen by somebody else it is good
 * for the same request again, until it expires, and for nothing else. The time is asked when the request's head is
 * there; a body may come for as long as it needs.
 *
 * As text: "ccg1_" and base64url of the message behind the prefix, with the signature. The message that is signed:
 *
 *     prefix    "ccodes-grant-1" and a NUL
 *     key id    8 bytes: the first ones of SHA-256 of the public key
 *     issued    8 bytes, seconds since the epoch
 *     lifetime  2 bytes, seconds
 *     role      1 byte
 *     binding   32 bytes
 *     user      1 byte of length, and as many bytes
 *     scope     1 byte of length, and as many bytes
 *
 * Numbers are big-endian. There is one encoding of each grant: nothing may follow, no bit is left over.
 */
#define GRANT_USER_MAX 64
#define GRANT_LIFETIME_MAX 300 /* seconds */
#define GRANT_SKEW_MAX 5       /* seconds that its issue may lie ahead of the clock */
#define GRANT_KEY_ID_SIZE 8
#define GRANT_PUBLIC_KEY_SIZE 32
#define GRANT_SIGNATURE_SIZE 64
#define GRANT_BINDING_SIZE 32
#define GRANT_MESSAGE_MAX (15 + 8 + 8 + 2 + 1 + 32 + 1 + GRANT_USER_MAX + 1 + SCOPE_MAX)
#define GRANT_TEXT_MAX 400 /* bytes, more than any has */
#define GRANT_KEYS_MAX 8

struct grant_binding {
        unsigned char digest[GRANT_BINDING_SIZE];
};

struct grant {
        unsigned char key_id[GRANT_KEY_ID_SIZE];
        int64_t issued;
        uint16_t lifetime; /* 1 to GRANT_LIFETIME_MAX */
        enum role role;
        struct grant_binding binding;
        char user[GRANT_USER_MAX + 1];
        char scope[SCOPE_MAX + 1];
};

static inline int64_t grant_expires(const struct grant *grant) {
        return grant->issued + grant->lifetime;
}

/* What a request asks for. A daemon fills it from what it is about to do, never from what the client says it is. */
struct grant_request {
        struct slice audience; /* the daemon that will check: "server" */
        struct slice method, host, path, query;
};

/* SHA-256 over the parts, each with its length in front. -EIO when the library fails. */
int grant_binding_make(const struct grant_request *request, struct grant_binding *ret_binding);

/* A user's name: 1 to GRANT_USER_MAX of a-z, 0-9, ".", "_", "-", beginning with a letter or digit. */
bool grant_user_is_valid(struct slice user);

/* Writes the message that is signed; returns its length. The grant's parts must be valid. */
size_t grant_encode(const struct grant *grant, unsigned char ret_message[GRANT_MESSAGE_MAX]);

/* Appends the text of a message with its signature. */
void grant_append(struct text *text, const unsigned char *message, size_t length,
                  const unsigned char signature[GRANT_SIGNATURE_SIZE]);

/* Reads the text without checking its signature. `ret_message` and `ret_signature` are what that is over. -EBADMSG. */
int grant_decode(struct slice text, unsigned char ret_message[GRANT_MESSAGE_MAX], size_t *ret_length,
                 unsigned char ret_signature[GRANT_SIGNATURE_SIZE], struct grant *ret_grant);

/* Public keys; the newest first. Immutable once parsed. */
struct grant_keys {
        size_t count;
        struct grant_key {
                unsigned char id[GRANT_KEY_ID_SIZE];
                unsigned char bytes[GRANT_PUBLIC_KEY_SIZE];
        } items[GRANT_KEYS_MAX];
};

/* Of a public key. -EIO when the library fails. */
int grant_key_id(const unsigned char key[GRANT_PUBLIC_KEY_SIZE], unsigned char ret_id[GRANT_KEY_ID_SIZE]);

/* The text of the file that ccodes-auth publishes: a line "ed25519 BASE64URL" for each key. -EBADMSG names the line. */
int grant_keys_parse(struct slice text, struct error *error, struct grant_keys *ret_keys);
void grant_keys_append(struct text *text, const struct grant_keys *keys);

/*
 * Checks a grant for a request: 0; -EBADMSG: it is malformed; -ENOKEY: it was signed with a key that is not there (the keys may
 * be read again, then); -EKEYREJECTED: the signature is wrong; -EKEYEXPIRED: it is stale, or not yet issued; -EBADE: it was
 * made for another request; -EACCES: not for this scope, or its role cannot have it.
 */
int grant_check(struct slice text, const struct grant_keys *keys, const struct grant_binding *binding,
                struct slice scope, int64_t now, struct grant *ret_grant);
