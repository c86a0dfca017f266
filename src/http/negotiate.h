/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/slice.h"

/* Content codings, as bits of a set. Identity is the empty set. */
enum http_coding {
        HTTP_CODING_IDENTITY = 0,
        HTTP_CODING_BROTLI = 1 << 0,
        HTTP_CODING_ZSTD = 1 << 1,
        HTTP_CODING_GZIP = 1 << 2,
};
#define HTTP_CODING_COUNT 3

/* 0 for identity, i + 1 for the coding 1 << i: where tables by coding have it. */
static inline unsigned http_coding_index(enum http_coding coding) {
        return coding == HTTP_CODING_IDENTITY ? 0 : 1 + (unsigned) __builtin_ctz(coding);
}

/* "br", "zstd", "gzip"; "identity" for 0. */
struct slice http_coding_name(enum http_coding coding);

/* What Accept-Encoding (RFC 9110 section 12.5.3) allows, as weights of 0 to 1000, HTTP_CODING_IDENTITY under index 0,
 * coding 1 << i under index i + 1. Identity that is not excluded weighs 1, so that every coding asked for comes first. */
struct http_accept_encoding {
        unsigned short weight[1 + HTTP_CODING_COUNT];
};

/* An absent field (data == NULL) allows identity only: a client that does not ask gets no coding. */
void http_accept_encoding_parse(struct slice field, struct http_accept_encoding *ret_accept);

/*
 * The coding to send: the highest weight among `available` (set of enum http_coding), ties in the order of `preference`
 * (`preference_count` single codings), identity only when it weighs more than all of them. */
enum http_coding http_coding_choose(const struct http_accept_encoding *accept, unsigned available,
                                    const enum http_coding *preference, size_t preference_count);

/* Whether a media type ("text/html; charset=utf-8") is in a list of patterns: "text/html", "text/", "+json", "*". */
bool http_media_type_in(struct slice type, const char *const *patterns, size_t pattern_count);
