/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/arena.h"
#include "shared/config_tree.h"
#include "shared/error.h"

/*
 * The C face of toml++, the one place that speaks C++. Only config_tree_parse calls it, which has bounded the length and
 * the nesting of the text before: toml++ recurses, and its tables would overflow the stack when they are freed.
 * `file` must live as long as the arena.
 */
int config_toml_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *error,
                      struct config_tree **ret_tree);
