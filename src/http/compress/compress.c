/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of whole bodies, by whichever codings are built in. The result is written to a block that is one byte smaller
 * than the source, so that what does not become smaller costs no more memory than it would save. */
#include "http/compress/compress.h"

#include <errno.h>
#include <stdlib.h>

#include "http/compress/compressor.h"
#include "shared/syscall.h"

static const struct http_compressor *compressor_of(enum http_coding coding) {
        switch (coding) {
        case HTTP_CODING_BROTLI:
                return &http_compressor_brotli;
        case HTTP_CODING_ZSTD:
                return &http_compressor_zstd;
        case HTTP_CODING_GZIP:
                return &http_compressor_gzip;
        default:
                return NULL;
        }
}

unsigned http_compress_codings(void) {
        unsigned set = 0;
        for (unsigned i = 0; i < HTTP_CODING_COUNT; i++)
                if (compressor_of((enum http_coding)(1u << i))->compress)
                        set |= 1u << i;
        return set;
}

int http_compress(enum http_coding coding, int level, struct slice body, const atomic_bool *stop, void **ret_data,
                  size_t *ret_length) {
        const struct http_compressor *compressor = compressor_of(coding);
        if (!compressor)
                return -EINVAL;
        if (!compressor->compress)
                return -EOPNOTSUPP;
        if (level < compressor->level_min || level > compressor->level_max)
                return -EINVAL;
        if (body.length < 2)
                return -E2BIG;

        _cleanup_free_ void *target = malloc(body.length - 1);
        if (!target)
                return -ENOMEM;
        size_t written;
        int r = compressor->compress(level, body, stop, target, body.length - 1, &written);
        if (r < 0)
                return r;
        void *exact = realloc(target, written);
        if (exact)
                target = exact;
        *ret_data = take_pointer(target);
        *ret_length = written;
        return 0;
}
