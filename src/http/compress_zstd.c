/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard (RFC 8878). The window is kept within the 8 MiB that every client has to accept (RFC 9659 section 3). */
#include <errno.h>
#include <stdbool.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "http/compressor.h"
#include "shared/syscall.h"

#define WINDOW_LOG_MAX 23
#define WINDOW_LOG_MAX_UNTIL 19 /* levels above take windows of up to 128 MiB of their own accord */
#define LEVEL_MAX 22

static void context_done(ZSTD_CCtx **context) {
        (void) ZSTD_freeCCtx(*context);
}

static bool set_parameters(ZSTD_CCtx *context, int level) {
        if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)))
                return false;
        return level <= WINDOW_LOG_MAX_UNTIL ||
               !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG_MAX));
}

static int compress_zstd(int level, const void *data, size_t length, void *target, size_t capacity,
                         size_t *ret_length) {
        _cleanup_(context_done) ZSTD_CCtx *context = ZSTD_createCCtx();
        if (!context || !set_parameters(context, level))
                return -ENOMEM;
        size_t written = ZSTD_compress2(context, target, capacity, data, length);
        if (ZSTD_isError(written))
                return ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? -E2BIG : -ENOMEM;
        *ret_length = written;
        return 0;
}

const struct http_compressor http_compressor_zstd = { 1, LEVEL_MAX, compress_zstd };
