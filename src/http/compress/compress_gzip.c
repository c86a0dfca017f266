/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by zlib. The header carries neither name nor time, so that equal bodies give equal bytes. */
#include <errno.h>
#include <limits.h>
#include <zlib.h>

#include "http/compress/compressor.h"
#include "shared/syscall.h"

#define GZIP_WINDOW_BITS (15 + 16) /* the largest window; 16 asks zlib for gzip's framing */

static void stream_done(z_stream *stream) {
        (void) deflateEnd(stream);
}

static int compress_gzip(int level, struct slice body, const atomic_bool *stop, void *target, size_t capacity,
                         size_t *ret_length) {
        _cleanup_(stream_done) z_stream stream = { .next_in = (Bytef *) body.data, .next_out = target };
        if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
                return -ENOMEM;

        int r = Z_OK;
        while (r == Z_OK && stream.total_out < capacity) {
                size_t in = MIN_OF(body.length - stream.total_in, HTTP_COMPRESS_SLICE);
                if (http_compress_must_stop(stop))
                        return -ECANCELED;
                stream.avail_in = (uInt) in;
                stream.avail_out = (uInt) MIN_OF(capacity - stream.total_out, (size_t) UINT_MAX); /* zlib's counter */
                r = deflate(&stream, stream.total_in + in == body.length ? Z_FINISH : Z_NO_FLUSH);
        }
        if (r != Z_STREAM_END)
                return -E2BIG;
        *ret_length = stream.total_out;
        return 0;
}

const struct http_compressor http_compressor_gzip = { 1, 9, compress_gzip };
