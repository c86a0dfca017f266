/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_tree.h"
#include "shared/error.h"
#include "shared/slice.h"

/*
 * What surrounds the TOML parser: a look at the text before it runs, and plain words for what it found wrong.
 */

/*
 * -EINVAL, with file:line:column, when the text is not UTF-8 or a key has more than CONFIG_NESTING_MAX parts. Says nothing
 * about other mistakes.
 */
int config_syntax_check(struct slice text, const char *file, struct error *error);

/* Sets the error for the parser's `description`, with a hint where the mistake is a usual one. Returns -EINVAL. */
int config_syntax_explain(struct slice text, const struct config_origin *origin, struct slice description,
                          struct error *error);
