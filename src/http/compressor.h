/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* One coding for compress.c. A coding that is not built in has a stub file in place of its own, whose functions are NULL. */
struct http_compressor {
        int level_min, level_max;

        /* Writes the whole coding of `data` to `target`. -E2BIG when it has more than `capacity` bytes; -ENOMEM. */
        int (*compress)(int level, const void *data, size_t length, void *target, size_t capacity, size_t *ret_length);
};

extern const struct http_compressor http_compressor_brotli;
extern const struct http_compressor http_compressor_gzip;
extern const struct http_compressor http_compressor_zstd;
