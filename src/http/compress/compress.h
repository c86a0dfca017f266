/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "http/negotiate.h"
#include "shared/slice.h"

/* The codings that this build can make, as a set of enum http_coding. */
unsigned http_compress_codings(void);

/* Compresses a whole body at once; slow, for a thread pool. `level` is the coding's own scale: gzip 1 to 9, brotli 0 to 11,
 * zstd 1 to 22. `stop`, unless NULL, is looked at every 256 KiB: -ECANCELED once it is true. The caller frees `ret_data`.
 * -ENOMEM; -EINVAL for identity or a level out of range; -EOPNOTSUPP for a coding that is not built in. -E2BIG when the
 * result would not be smaller than the source. */
int http_compress(enum http_coding coding, int level, struct slice body, const atomic_bool *stop, void **ret_data,
                  size_t *ret_length);
