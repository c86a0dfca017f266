/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * An error with its context, for people to read.
 *
 * The first cause wins; each layer above adds its noun in front:
 *     "reading site 'blog': opening root /srv/blog: permission denied"
 * A place in a file stands in front of all of it, whoever adds to it later.
 * Lives on the caller's stack, owns no memory. Every function takes NULL for "nobody will read it".
 */
#define ERROR_TEXT_MAX 4096 /* ten faults of a configuration, a line each */

struct error {
        int code;            /* negative errno of the first cause; 0: no error */
        size_t place_length; /* bytes of the text that are the place, with ": " */
        char text[ERROR_TEXT_MAX];
};

#define ERROR_INIT ((struct error) { 0 })

/* Records the first cause; a later call changes nothing. `code` is a negative errno. Returns `code`. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the system's words for `code` appended. */
int error_set_errno(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts the layer's noun and ": " in front of what is there. Returns the code that is already recorded. */
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a place ("FILE:LINE:COLUMN") and ": " in front, where it stays. The first one wins. */
void error_place(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool error_is_set(const struct error *error) {
        return error && error->code != 0;
}
