/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

/*
 * The sealed side of a TLS connection: an OpenSSL BIO on a non-blocking socket.
 *
 * What OpenSSL writes is always taken: it is sent at once, or, while a cork is set, gathered so that several records
 * leave in one send(2). What the socket did not take waits in a block of the heap, up to 256 KiB (-ENOBUFS); whoever
 * seals bytes does so only while nothing waits.
 */
struct tls_stream {
        int fd;
        int failure; /* negative errno of a recv(2) or send(2) that ended the connection */
        bool is_ended;
        bool more;  /* what is written without a cork will be followed by more (MSG_MORE) */
        char *cork; /* somebody's stack while one call lasts; NULL: none */
        size_t cork_size, cork_used;
        char *unsent; /* NULL: nothing waits */
        size_t unsent_start, unsent_end;
};

/* A method is freed with BIO_meth_free, after the last BIO made with it. NULL when malloc fails. */
BIO_METHOD *tls_stream_method_new(void);

/* `stream` outlives the BIO and closes nothing. NULL when malloc fails. */
BIO *tls_stream_bio_new(const BIO_METHOD *method, struct tls_stream *stream);

void tls_stream_done(struct tls_stream *stream);

static inline bool tls_stream_is_clear(const struct tls_stream *stream) {
        return !stream->unsent;
}

/* Sends what waits. 0 when nothing is left, -EAGAIN, or the error of the connection. */
int tls_stream_flush(struct tls_stream *stream);

/* Gathers in `buffer` what is written from now on. */
void tls_stream_cork(struct tls_stream *stream, void *buffer, size_t size);

/* Bytes that the cork still takes. */
static inline size_t tls_stream_cork_room(const struct tls_stream *stream) {
        return stream->cork_size - stream->cork_used;
}

/* Sends what was gathered and goes on gathering. Returns as tls_stream_flush. `more`: more will follow (MSG_MORE). */
int tls_stream_push(struct tls_stream *stream, bool more);

/* tls_stream_push, and gathers no longer. */
int tls_stream_uncork(struct tls_stream *stream, bool more);
