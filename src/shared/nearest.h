/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "Did you mean": how far a name that somebody typed is from one that exists. */

#define NEAREST_NONE ((unsigned) -1)

/*
 * The number of insertions, deletions, replacements and swaps of neighbours that lead from one name to the other (optimal
 * string alignment), without regard to ASCII case and with '-' and '_' as one. NEAREST_NONE where the two are too
 * unlike to be a slip: that is, above two fifths of the longer one, unless one begins with the other.
 */
unsigned nearest_distance(const char *typed, const char *candidate);

/* The nearest of a NULL-terminated array, the first one among equals; NULL when none is near. */
const char *nearest_of(const char *typed, const char *const *candidates);
