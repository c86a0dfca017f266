/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "shared/slice.h"

/* Base64 (RFC 4648 section 4), padded, in one canonical form: what decodes encodes back to the same text. */

/* Bytes that a text of this length may decode to, and characters that bytes encode to. */
#define BASE64_DECODED_MAX(length) ((length) / 4 * 3)
#define BASE64_ENCODED_SIZE(length) (((length) + 2) / 3 * 4)

/* The number of bytes written to `ret_bytes`, which has room for BASE64_DECODED_MAX; -EINVAL for what is no base64. */
ssize_t base64_decode(struct slice text, void *ret_bytes);

/* Writes BASE64_ENCODED_SIZE(length) characters, no NUL. */
void base64_encode(const void *bytes, size_t length, char *ret_text);

/* Base64url (RFC 4648 section 5) without padding, in one canonical form too. */
#define BASE64URL_ENCODED_SIZE(length) (((length) *4 + 2) / 3)

/* The number of bytes written; -EINVAL for what is no base64url, -ENOBUFS when they are more than `size`. */
ssize_t base64url_decode(struct slice text, void *ret_bytes, size_t size);

/* Writes BASE64URL_ENCODED_SIZE(length) characters, no NUL. */
void base64url_encode(const void *bytes, size_t length, char *ret_text);
