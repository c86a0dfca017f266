/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/slice.h"

/*
 * Looks at the front of `text`, which is not empty. True: a well-formed UTF-8 sequence (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF) of *ret_length bytes stands there. False: it does not, and *ret_length is how
 * many bytes one U+FFFD should replace ("maximal subpart", The Unicode Standard, section 3.9).
 */
bool utf8_next(struct slice text, size_t *ret_length);

/* All of it is well-formed. The empty text is. */
bool utf8_is_valid(struct slice text);
