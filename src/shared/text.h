/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/slice.h"
#include "shared/syscall.h"

/*
 * A growing, always NUL-terminated string on the heap. A failed allocation is remembered (`failed`) and
 * makes every later call a no-op, so that a builder checks once, at the end, with text_finish.
 */
struct text {
        char *data;
        size_t length, capacity;
        bool failed;
};

#define TEXT_INIT ((struct text) { 0 })

void text_done(struct text *text);
#define _cleanup_text_ _cleanup_(text_done)

void text_append(struct text *text, struct slice bytes);
void text_append_char(struct text *text, char byte);
void text_append_string(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append_unsigned(struct text *text, uint64_t number);

/* Writes the decimal digits, without a NUL. Returns how many there are. */
#define UNSIGNED_DIGITS_MAX 20
size_t format_unsigned(uint64_t number, char ret_digits[UNSIGNED_DIGITS_MAX]);

/* A JSON string with its quotes (RFC 8259). Bytes that are not UTF-8 become U+FFFD. */
void text_append_json(struct text *text, struct slice bytes);

/* Escaped for HTML text and quoted attributes. */
void text_append_html(struct text *text, struct slice bytes);

/* Percent-encoded so that it may stand as one or more path segments of a URI (RFC 3986; '/' is kept). A ':' is encoded in
 * the first segment only, where it would make a relative reference look like one with a scheme (section 4.2). */
void text_append_uri_path(struct text *text, struct slice bytes);

/* Hands the string over to the caller, who frees it; `ret_length` may be NULL. -ENOMEM when an append had failed. */
int text_finish(struct text *text, char **ret_string, size_t *ret_length);

/* A formatted string that the caller frees; NULL when there is no memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
