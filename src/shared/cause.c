/* SPDX-License-Identifier: Apache-2.0 */
/* Turns cause_table.h into an array that is indexed by enum cause: both are made from the same rows, so that no cause
 * is without an entry. */
#include "shared/cause.h"

#include <assert.h>

static const struct cause_entry entries[CAUSE_COUNT] = {
        [CAUSE_NONE] = { "none", 200, "The request succeeded.", "Nothing to do." },
#define CAUSE(identifier, code, status, sentence, advice) [CAUSE_##identifier] = { code, status, sentence, advice },
#include "shared/cause_table.h"
#undef CAUSE
};

const struct cause_entry *cause_entry(enum cause cause) {
        assert((unsigned) cause < CAUSE_COUNT);
        return &entries[cause];
}

enum cause cause_from_code(struct slice code) {
        for (enum cause cause = CAUSE_NONE; cause < CAUSE_COUNT; cause++)
                if (slice_equal_text(code, entries[cause].code))
                        return cause;
        return CAUSE_NONE;
}
