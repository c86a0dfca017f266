/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard (RFC 8878). The window is kept within the 8 MiB that every client has to accept (RFC 9659 section 3). */
#include <errno.h>
#include <stdbool.h>
#include <zstd.h>

#include "http/compress/compressor.h"
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

static int compress_zstd(int level, struct slice body, const atomic_bool *stop, void *target, size_t capacity,
                         size_t *ret_length) {
        _cleanup_(context_done) ZSTD_CCtx *context = ZSTD_createCCtx();
        if (!context || !set_parameters(context, level) ||
            ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, body.length)))
                return -ENOMEM;
        ZSTD_inBuffer in = { .src = body.data };
        ZSTD_outBuffer out = { .dst = target, .size = capacity };
        size_t rest;
        do {
                if (http_compress_must_stop(stop))
                        return -ECANCELED;
                in.size = MIN_OF(body.length, in.pos + HTTP_COMPRESS_SLICE);
                rest = ZSTD_compressStream2(context, &out, &in, in.size == body.length ? ZSTD_e_end : ZSTD_e_continue);
                if (ZSTD_isError(rest))
                        return -ENOMEM;
                if (out.pos == out.size && (rest > 0 || in.pos < body.length))
                        return -E2BIG;
        } while (rest > 0 || in.pos < body.length);
        *ret_length = out.pos;
        return 0;
}

const struct http_compressor http_compressor_zstd = { 1, LEVEL_MAX, compress_zstd };
