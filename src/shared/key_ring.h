/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/error.h"
#include "shared/slice.h"
#include "shared/text.h"

/*
 * The secret keys of one purpose, by their ids: what a credential of `ccodesctl keys` holds.
 *
 * The text is a first line "ccodes-keys 1 PURPOSE", then a line "ID KEY" for each key, oldest first: the last one is
 * used for what is made anew, the others for what was made with them. KEY is 64 hexadecimal digits. Empty lines and
 * lines that begin with '#' mean nothing. Kept in memory of secret.h; immutable once shared among threads.
 */
#define KEY_BYTES 32
#define KEY_ID_MAX 16 /* bytes: a-z, 0-9, '-' */
#define KEY_RING_MAX 32
#define KEY_RING_TEXT_MAX 8192 /* bytes */

enum key_purpose {
        KEY_PURPOSE_SEAL, /* wraps the keys of sealed files */
        KEY_PURPOSE_SIGN, /* signs addresses */
};

struct key {
        char id[KEY_ID_MAX + 1];
        unsigned char bytes[KEY_BYTES];
};

struct key_ring {
        unsigned references;
        enum key_purpose purpose;
        size_t count; /* at least 1 in one that was parsed */
        struct key keys[KEY_RING_MAX];
};

/* An empty ring; one reference. NULL when there is no memory. */
struct key_ring *key_ring_new(enum key_purpose purpose);

/* Any thread. Takes NULL; returns NULL. */
struct key_ring *key_ring_ref(struct key_ring *ring);
struct key_ring *key_ring_unref(struct key_ring *ring);

static inline void key_ring_unref_cleanup(struct key_ring **ring) {
        key_ring_unref(*ring);
}

/* -EINVAL with the line that is wrong; the error never shows a key. */
int key_ring_parse(struct slice text, enum key_purpose purpose, struct error *error, struct key_ring **ret_ring);

/* Reads the credential of that name, which the service manager, or whoever starts the program, gives in
 * CREDENTIALS_DIRECTORY. The error says what to do when there is none. */
int key_ring_load(const char *credential, enum key_purpose purpose, struct error *error, struct key_ring **ret_ring);

/* Adds a new random key, whose id begins with the day (UTC) of `now`, seconds since the epoch. -ENOSPC when the ring is full. */
int key_ring_generate(struct key_ring *ring, int64_t now);

/* -ENOENT when there is none with this id; -EBUSY for the last one, which is in use for what is new. */
int key_ring_remove(struct key_ring *ring, struct slice id);

/* The text of the ring. Whoever has it overwrites it (explicit_bzero) when it is done with. */
void key_ring_write(const struct key_ring *ring, struct text *text);

/* NULL when there is none. */
const struct key *key_ring_find(const struct key_ring *ring, struct slice id);

static inline const struct key *key_ring_newest(const struct key_ring *ring) {
        return &ring->keys[ring->count - 1];
}

/* 1 to KEY_ID_MAX of the characters that an id may have. */
bool key_id_is_valid(struct slice id);

const char *key_purpose_name(enum key_purpose purpose);
