/* SPDX-License-Identifier: Apache-2.0 */
/* permessage-deflate by zlib. Each half keeps its window from message to message unless it was agreed otherwise, and is made when
 * its first message comes, since many connections never compress anything in one of the directions. */
#include "http/websocket/websocket_deflate.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

/* Less than zlib's usual 8 halves the memory of a connection for little. */
#define MEMORY_LEVEL 7
#define LEVEL 5
#define WINDOW_BITS_MIN 9 /* of zlib's raw DEFLATE; it reads what was made with a smaller window as well */

#define STEP 16384

struct websocket_deflate {
        struct websocket_extension extension;
        z_stream out, in;
        bool has_out, has_in;
};

int websocket_deflate_new(const struct websocket_extension *extension, struct websocket_deflate **ret_deflate) {
        struct websocket_deflate *codec = calloc(1, sizeof(*codec));
        if (!codec)
                return -ENOMEM;
        codec->extension = *extension;
        *ret_deflate = codec;
        return 0;
}

static void end_out(struct websocket_deflate *codec) {
        if (codec->has_out)
                (void) deflateEnd(&codec->out);
        codec->has_out = false;
}

static void end_in(struct websocket_deflate *codec) {
        if (codec->has_in)
                (void) inflateEnd(&codec->in);
        codec->has_in = false;
}

void websocket_deflate_free(struct websocket_deflate *codec) {
        if (!codec)
                return;
        end_out(codec);
        end_in(codec);
        free(codec);
}

int websocket_deflate_compress(struct websocket_deflate *codec, struct slice message, struct text *out) {
        z_stream *stream = &codec->out;
        if (!codec->has_out) {
                *stream = (z_stream) { 0 };
                if (deflateInit2(stream, LEVEL, Z_DEFLATED, -codec->extension.server_window_bits, MEMORY_LEVEL,
                                 Z_DEFAULT_STRATEGY) != Z_OK)
                        return -ENOMEM;
                codec->has_out = true;
        }
        if (message.length == 0) {
                text_append(out, (struct slice) { "", 1 }); /* section 7.2.3.6 */
                return out->failed ? -ENOMEM : 0;
        }
        unsigned char step[STEP];
        stream->next_in = (unsigned char *) message.data;
        stream->avail_in = (unsigned) message.length;
        do {
                stream->next_out = step;
                stream->avail_out = sizeof(step);
                (void) deflate(stream, Z_SYNC_FLUSH);
                text_append(out, (struct slice) { (char *) step, sizeof(step) - stream->avail_out });
        } while (stream->avail_out == 0);
        if (out->failed)
                return -ENOMEM;
        /* The empty block that ends a flush, 00 00 ff ff (section 7.2.1). */
        out->length -= 4;
        out->data[out->length] = 0;
        if (codec->extension.server_no_context_takeover)
                end_out(codec);
        return 0;
}

static int expand_part(z_stream *stream, struct slice part, size_t limit, struct text *out) {
        unsigned char step[STEP];
        stream->next_in = (unsigned char *) part.data;
        stream->avail_in = (unsigned) part.length;
        do {
                stream->next_out = step;
                stream->avail_out = sizeof(step);
                int r = inflate(stream, Z_SYNC_FLUSH);
                if (r == Z_MEM_ERROR)
                        return -ENOMEM;
                if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
                        return -EBADMSG;
                text_append(out, (struct slice) { (char *) step, sizeof(step) - stream->avail_out });
                if (out->length > limit)
                        return -EMSGSIZE;
                if (r == Z_STREAM_END && inflateReset(stream) != Z_OK)
                        return -ENOMEM;
        } while (stream->avail_out == 0 || stream->avail_in > 0);
        return out->failed ? -ENOMEM : 0;
}

int websocket_deflate_expand(struct websocket_deflate *codec, struct slice payload, size_t limit, struct text *out) {
        z_stream *stream = &codec->in;
        if (!codec->has_in) {
                *stream = (z_stream) { 0 };
                if (inflateInit2(stream, -MAX_OF((int) codec->extension.client_window_bits, WINDOW_BITS_MIN)) != Z_OK)
                        return -ENOMEM;
                codec->has_in = true;
        }
        int r = expand_part(stream, payload, limit, out);
        if (r >= 0)
                r = expand_part(stream, (struct slice) { "\x00\x00\xff\xff", 4 }, limit, out);
        if (codec->extension.client_no_context_takeover)
                end_in(codec);
        return r;
}
