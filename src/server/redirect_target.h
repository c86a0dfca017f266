/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/path_pattern.h"
#include "shared/text.h"

/*
 * The target of a redirect rule: literal text with "$1" to "$9" for what the pattern's wildcards matched, "$uri" for
 * the whole path, "$query" for the query, "$$" for a dollar sign. What comes from a request is encoded again for the
 * place where it stands, so that it can neither end the header field nor change which host the target leads to.
 * Immutable once compiled.
 */
struct redirect_part;

struct redirect_target {
        struct redirect_part *parts;
        size_t part_count;
};

/* `wildcards`: how many captures the pattern has. Keeps views of `text`. -EINVAL with the reason in `error`; -ENOMEM.
 * */
int redirect_target_compile(const char *text, size_t wildcards, struct arena *arena, struct error *error,
                            struct redirect_target *ret_target);

/* Where "$query" stands for nothing at the end, the '?' or '&' in front of it goes too. */
void redirect_target_append(const struct redirect_target *target, struct slice path, struct slice query,
                            const struct path_captures *captures, struct text *text);

/* A query as it was sent, with everything percent-encoded that may not stand in one (RFC 3986 section 3.4). */
void redirect_append_query(struct text *text, struct slice query);
