/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth/user_store.h"

/*
 * What a token looks like: "cct_" and 256 random bits as base64url, so that whoever finds one knows what it is.
 *
 * Kept is its SHA-256 alone. A slow hash, as passwords need it, would add nothing: nobody can try 2^256 tokens.
 */
#define TOKEN_PREFIX "cct_"
#define TOKEN_TEXT_LENGTH (4 + 43)

/* -EIO when there is no randomness or the library fails. */
int token_text_make(char ret_text[TOKEN_TEXT_LENGTH + 1]);

/* -EINVAL for what is no token. */
int token_text_digest(struct slice text, unsigned char ret_digest[TOKEN_DIGEST_SIZE]);

/* The id by which people name it. */
void token_id_of(const unsigned char digest[TOKEN_DIGEST_SIZE], char ret_id[TOKEN_ID_LENGTH + 1]);
bool token_id_is_valid(struct slice id);
