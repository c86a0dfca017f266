/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"

/*
 * Names that clients may give to files: relative paths whose every part is a name that a listing shows and every system
 * can store. NULL when it is one, otherwise the rule that it breaks, for the log.
 *
 * Refused: nothing at all, an empty part, one that begins with '.' (the staging folder's among them), control
 * characters, what is not UTF-8, a part of more than 255 bytes, more than UPLOAD_NAME_PARTS parts, more than
 * UPLOAD_NAME_MAX bytes.
 */
#define UPLOAD_NAME_MAX 1024
#define UPLOAD_NAME_PARTS 32
const char *upload_name_fault(struct slice name);

/* The last part of a name that a browser sent, which may be a path of the client's own system (RFC 7578 section 4.2). */
struct slice upload_name_last(struct slice name);
