/* SPDX-License-Identifier: Apache-2.0 */
/* Carries sealed records between OpenSSL and the socket. Order is kept: bytes in the cork come after those in the
 * block that waits, and nothing is sent past either. OpenSSL never hears of a write that was refused or done by half. */
#include "tls/tls_stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/socket_io.h"
#include "shared/syscall.h"

/* More than the largest flight of a handshake, and than a batch. Beyond it a peer makes us answer without reading. */
#define UNSENT_MAX (256 * 1024)

static ssize_t send_bytes(struct tls_stream *stream, const char *bytes, size_t length, bool more) {
        if (stream->failure)
                return stream->failure;
        ssize_t count;
        do
                count = socket_send(stream->fd, bytes, length, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        while (count == -EINTR);
        if (count < 0 && count != -EAGAIN)
                stream->failure = (int) count;
        return count;
}

/* Appends to what waits. */
static int keep_unsent(struct tls_stream *stream, const char *bytes, size_t length) {
        size_t waiting = stream->unsent_end - stream->unsent_start;
        if (waiting + length > UNSENT_MAX)
                return stream->failure = -ENOBUFS;
        char *block = malloc(waiting + length);
        if (!block)
                return stream->failure = -ENOMEM;
        if (waiting)
                memcpy(block, stream->unsent + stream->unsent_start, waiting);
        memcpy(block + waiting, bytes, length);
        free(stream->unsent);
        stream->unsent = block;
        stream->unsent_start = 0;
        stream->unsent_end = waiting + length;
        return 0;
}

int tls_stream_flush(struct tls_stream *stream) {
        while (stream->unsent) {
                ssize_t count = send_bytes(stream, stream->unsent + stream->unsent_start,
                                           stream->unsent_end - stream->unsent_start, false);
                if (count < 0)
                        return (int) count;
                stream->unsent_start += (size_t) count;
                if (stream->unsent_start < stream->unsent_end)
                        return -EAGAIN;
                free(take_pointer(stream->unsent));
                stream->unsent_start = stream->unsent_end = 0;
        }
        return stream->failure;
}

/* Sends, and keeps what the socket did not take. -EAGAIN when something was kept. */
static int send_or_keep(struct tls_stream *stream, const char *bytes, size_t length, bool more) {
        ssize_t count = tls_stream_flush(stream);
        if (count == 0 && length > 0)
                count = send_bytes(stream, bytes, length, more);
        if (count < 0 && count != -EAGAIN)
                return (int) count;
        size_t sent = count < 0 ? 0 : (size_t) count;
        if (sent < length) {
                int r = keep_unsent(stream, bytes + sent, length - sent);
                if (r < 0)
                        return r;
        }
        return tls_stream_is_clear(stream) ? 0 : -EAGAIN;
}

void tls_stream_cork(struct tls_stream *stream, void *buffer, size_t size) {
        stream->cork = buffer;
        stream->cork_size = size;
        stream->cork_used = 0;
}

int tls_stream_push(struct tls_stream *stream, bool more) {
        size_t used = stream->cork_used;
        stream->cork_used = 0;
        return send_or_keep(stream, stream->cork, used, more);
}

int tls_stream_uncork(struct tls_stream *stream, bool more) {
        int r = tls_stream_push(stream, more);
        stream->cork = NULL;
        stream->cork_size = 0;
        return r;
}

static int stream_write(BIO *bio, const char *bytes, int length) {
        struct tls_stream *stream = BIO_get_data(bio);
        BIO_clear_retry_flags(bio);
        if (length <= 0)
                return length;
        if ((size_t) length <= tls_stream_cork_room(stream)) {
                memcpy(stream->cork + stream->cork_used, bytes, (size_t) length);
                stream->cork_used += (size_t) length;
                return length;
        }

        int r = tls_stream_push(stream, true);
        if (r == 0 || r == -EAGAIN)
                r = send_or_keep(stream, bytes, (size_t) length, stream->more);
        return r == 0 || r == -EAGAIN ? length : -1;
}

static int stream_read(BIO *bio, char *buffer, int size) {
        struct tls_stream *stream = BIO_get_data(bio);
        BIO_clear_retry_flags(bio);
        ssize_t count;
        do
                count = socket_receive(stream->fd, buffer, (size_t) size);
        while (count == -EINTR);
        if (count == -EAGAIN)
                BIO_set_retry_read(bio);
        else if (count < 0)
                stream->failure = (int) count;
        stream->is_ended = count == 0;
        return count < 0 ? -1 : (int) count;
}

static long stream_control(BIO *bio, int command, long number, void *pointer) {
        (void) number;
        (void) pointer;
        const struct tls_stream *stream = BIO_get_data(bio);
        switch (command) {
        case BIO_CTRL_FLUSH: /* what waits is flushed by the transport */
                return 1;
        case BIO_CTRL_EOF:
                return stream->is_ended;
        default:
                return 0;
        }
}

BIO_METHOD *tls_stream_method_new(void) {
        BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tls_stream");
        if (!method)
                return NULL;
        (void) BIO_meth_set_write(method, stream_write);
        (void) BIO_meth_set_read(method, stream_read);
        (void) BIO_meth_set_ctrl(method, stream_control);
        return method;
}

BIO *tls_stream_bio_new(const BIO_METHOD *method, struct tls_stream *stream) {
        BIO *bio = BIO_new(method);
        if (!bio)
                return NULL;
        BIO_set_data(bio, stream);
        BIO_set_init(bio, 1);
        return bio;
}

void tls_stream_done(struct tls_stream *stream) {
        free(take_pointer(stream->unsent));
        stream->unsent_start = stream->unsent_end = 0;
}
