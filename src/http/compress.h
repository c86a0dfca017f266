/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "http/negotiate.h"

/* Compresses a whole body at once; slow, for a thread pool. `level` is the coding's own scale. The caller frees `ret_data`.
 * -ENOMEM; -EINVAL for identity or a level out of range. -E2BIG when the result would not be smaller than the source. */
int http_compress(enum http_coding coding, int level, const void *data, size_t length, void **ret_data,
                  size_t *ret_length);
