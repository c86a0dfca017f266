/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/grant.h"

/*
 * The keys that sign grants: made at the first start, kept in a file that only ccodes-auth may read, and replaced after a
 * while. The old key's public half stays published for as long as one more key lasts, so that no grant is refused
 * because its key was replaced.
 *
 * The file has a line "ed25519 CREATED BASE64URL" for each key, the newest first: seconds since the epoch, and the seed.
 */
struct grant_signer;

/* Reads `secret_path`, or makes the keys; publishes the public ones at `public_path` (0644). Blocks on the disk. */
int grant_signer_new(const char *secret_path, const char *public_path, int64_t now, struct error *error,
                     struct grant_signer **ret_signer);

/* Takes NULL. */
void grant_signer_free(struct grant_signer *signer);

/* Whether the newest key is older than `rotation` seconds: time for grant_signer_rotate. */
bool grant_signer_is_due(const struct grant_signer *signer, int64_t now, int64_t rotation);

/* Makes a new key, keeps it, publishes it, and only then signs with it. Blocks on the disk, for a moment. The old key stays in
 * use when it fails. */
int grant_signer_rotate(struct grant_signer *signer, int64_t now, struct error *error);

/* Fills in the key and signs. Appends the text. -EIO when the library fails, -ENOMEM. */
int grant_signer_sign(const struct grant_signer *signer, struct grant *grant, struct text *text);
