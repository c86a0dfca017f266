/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/error.h"
#include "shared/slice.h"

/*
 * Media types by the extension of a file's name: the system's table (/etc/mime.types of Debian's media-types and
 * Fedora's mailcap), over a small table of our own for what it lacks or when it is missing. Immutable once loaded.
 */
struct mime_types;

#define MIME_TYPES_FILE "/etc/mime.types"

/* A file that does not exist is no error; any other fault in reading it is. */
int mime_types_load(const char *file, struct error *error, struct mime_types **ret_types);
void mime_types_free(struct mime_types *types); /* NULL */

/* By the longest extension that is known: of "a.tar.gz" first "tar.gz", then "gz". Without regard to case. `name` may
 * be a whole path. NULL when there is none. */
const char *mime_types_find(const struct mime_types *types, struct slice name);

/* Whether a media type is a text whose character set a site's `charset` tells: "text/…" and JavaScript, but not XML,
 * which says it itself (RFC 7303), and nothing that names one already. */
bool mime_type_takes_charset(struct slice type);
