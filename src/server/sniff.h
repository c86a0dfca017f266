/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"

/* How many bytes of a file's beginning are looked at (WHATWG MIME Sniffing, "resource header"). */
#define SNIFF_LENGTH 1445

/*
 * The media type that the first bytes of a file tell, by the rules for identifying an unknown media type of the
 * WHATWG MIME Sniffing Standard (section 7.1). Always one: text/plain or application/octet-stream at last. Static.
 */
const char *sniff_media_type(const void *data, size_t length);

/* Whether a type is one of those that it tells, so that a file which it does not tell it of is none. */
bool sniff_knows(struct slice type);
