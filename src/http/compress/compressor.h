/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/slice.h"

/* One coding for compress.c. A coding that is not built in has a stub file in place of its own, whose functions are NULL. */
struct http_compressor {
        int level_min, level_max;

        /* Writes the whole coding of `body` to `target`. -E2BIG when it has more than `capacity` bytes; -ENOMEM;
         * -ECANCELED when `stop` was true between two slices. */
        int (*compress)(int level, struct slice body, const atomic_bool *stop, void *target, size_t capacity,
                        size_t *ret_length);
};

extern const struct http_compressor http_compressor_brotli;
extern const struct http_compressor http_compressor_gzip;
extern const struct http_compressor http_compressor_zstd;

/* How much of a body is compressed between two looks at `stop`: a fraction of a second at the highest levels. */
#define HTTP_COMPRESS_SLICE ((size_t) 256 << 10)

static inline bool http_compress_must_stop(const atomic_bool *stop) {
        return stop && atomic_load_explicit(stop, memory_order_relaxed);
}
