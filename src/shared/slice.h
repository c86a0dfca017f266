/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* A view of bytes that somebody else owns; not NUL-terminated. An absent one has data == NULL. */
struct slice {
        const char *data;
        size_t length;
};

#define SLICE_NULL ((struct slice) { NULL, 0 })
#define SLICE_LITERAL(literal) ((struct slice) { "" literal, sizeof(literal) - 1 })
/* Arguments for "%.*s". */
#define SLICE_PRINTF(slice) (int) (slice).length, ((slice).data ? (slice).data : "")

static inline struct slice slice_of(const char *text) {
        return (struct slice) { text, text ? strlen(text) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b) {
        return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool slice_equal_text(struct slice a, const char *b) {
        return slice_equal(a, slice_of(b));
}

/* ASCII case only, never by locale. */
static inline bool slice_equal_nocase(struct slice a, struct slice b) {
        if (a.length != b.length)
                return false;
        for (size_t i = 0; i < a.length; i++) {
                unsigned char x = (unsigned char) a.data[i], y = (unsigned char) b.data[i];
                if (x != y && ((x | 0x20) != (y | 0x20) || (unsigned char) ((x | 0x20) - 'a') > 'z' - 'a'))
                        return false;
        }
        return true;
}

/* What is left after the first `offset` bytes, of which there must be as many. An absent slice stays absent. */
static inline struct slice slice_from(struct slice text, size_t offset) {
        return (struct slice) { offset ? text.data + offset : text.data, text.length - offset };
}

static inline bool slice_starts_with(struct slice text, struct slice prefix) {
        return text.length >= prefix.length && slice_equal((struct slice) { text.data, prefix.length }, prefix);
}

static inline bool slice_ends_with(struct slice text, struct slice suffix) {
        return text.length >= suffix.length && slice_equal(slice_from(text, text.length - suffix.length), suffix);
}

/* Without the spaces and tabs (OWS, RFC 9110 section 5.6.3) at both ends. */
static inline struct slice slice_trim(struct slice text) {
        while (text.length && (*text.data == ' ' || *text.data == '\t')) {
                text.data++;
                text.length--;
        }
        while (text.length && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
                text.length--;
        return text;
}
