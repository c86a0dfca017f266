/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/slice.h"

/*
 * Dictionaries of structured field values (RFC 8941 section 3.2), member by member. A pure function on bytes; the whole
 * field is read as strictly as the RFC's algorithm reads it, whatever the caller makes of the members.
 */
enum structured_type {
        STRUCTURED_INTEGER,
        STRUCTURED_BYTES,
        STRUCTURED_OTHER, /* a decimal, string, token, boolean, date or inner list */
};

struct structured_member {
        struct slice key;
        enum structured_type type;
        int64_t integer;    /* of STRUCTURED_INTEGER */
        struct slice bytes; /* of STRUCTURED_BYTES: base64, without the colons; not decoded yet */
};

/* Takes the next member off the front, its parameters too. 1; 0 at the end; -EBADMSG for what is no dictionary. A key may
 * come again: the last one counts. */
int structured_dictionary_next(struct slice *dictionary, struct structured_member *ret_member);
