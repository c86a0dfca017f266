/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_fault.h"
#include "shared/config_value.h"

/* What config_bind says of each kind of mistake: what was expected, what was found, and what to write instead. */
struct config_complainant {
        struct config_faults *faults;
        const struct config_table *root; /* to tell where a misplaced key belongs */
};

/* `node` has a key that `table`, which stands at `section`, does not know. */
void config_complain_unknown(const struct config_complainant *complainant, const struct config_table *table,
                             const struct config_section *section, const struct config_tree *node);

/* `node` is not of the key's type, or not one of its choices. */
void config_complain_type(const struct config_complainant *complainant, const struct config_key *key,
                          const struct config_section *section, const struct config_tree *node);

void config_complain_bounds(const struct config_complainant *complainant, const struct config_key *key,
                            const struct config_section *section, const struct config_tree *node);

/* `origin` is that of the table that lacks the key. */
void config_complain_missing(const struct config_complainant *complainant, const struct config_key *key,
                             const struct config_section *section, const struct config_origin *origin);

/* "'KEY' in [SECTION] WORDS". */
void config_complain(const struct config_complainant *complainant, const struct config_key *key,
                     const struct config_section *section, const struct config_tree *node, const char *words);
