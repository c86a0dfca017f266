/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/text.h"

/* Manual pages in mdoc(7), as they are made from tables. */

/* One byte of mdoc text: a backslash is an escape anywhere, a dot or an apostrophe a request at the start of a line. */
void mdoc_append_byte(struct text *text, char byte);

/* Text lines, where each sentence begins a new one. */
void mdoc_append(struct text *text, const char *words);
