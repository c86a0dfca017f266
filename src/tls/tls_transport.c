/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS transport: OpenSSL between a session's bytes and the stream of sealed records. Bytes that are sealed but not
 * yet sent are not reported as written; the caller offers them again, and they are skipped once they are gone. Every
 * failure leaves OpenSSL's error queue empty and is repeated by each later call. */
#include "tls/tls_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "shared/syscall.h"
#include "tls/tls_context_private.h"
#include "tls/tls_stream.h"
#include "tls/tls_words.h"

#define RECORD_PLAIN 16384                   /* bytes of a full record (RFC 8446 section 5.1) */
#define RECORD_SEALED (RECORD_PLAIN + 256)   /* with header, nonce, tag and padding of any suite */
#define BATCH_PLAIN (4 * RECORD_PLAIN)       /* sent at once: measured, a third cheaper than record by record */
#define BATCH_SEALED (4 * RECORD_SEALED + 1) /* one byte more, so that a full batch leaves room to be seen */

struct tls_transport {
        struct transport transport;
        struct transport kernel; /* the plain transport of the same descriptor; used when the kernel seals */
        struct tls_stream stream;
        SSL *ssl;
        struct tls_context *context;
        char *server_name;
        char *client_subject;
        size_t sealed; /* plain bytes whose records wait in the stream */
        size_t gone;   /* plain bytes whose records have been sent since, which the caller will offer again */
        size_t batch;  /* plain bytes to seal before sending: less while the peer reads slowly */
        int failure;   /* of OpenSSL, for good */
        bool is_established;
        bool is_kernel; /* the kernel seals what is written */
};

static struct tls_transport *tls_of(const struct transport *transport) {
        return container_of(transport, struct tls_transport, transport);
}

static int would_block(struct tls_transport *tls, bool is_write) {
        tls->transport.wants_write = is_write;
        return -EAGAIN;
}

/* The negative errno for an OpenSSL call that returned `result`, 0 for the orderly end. `ret_code`: OpenSSL's own. */
static int failure_of(struct tls_transport *tls, int result, unsigned long *ret_code) {
        int saved = errno;
        *ret_code = 0;
        switch (SSL_get_error(tls->ssl, result)) {
        case SSL_ERROR_ZERO_RETURN:
                return 0;
        case SSL_ERROR_WANT_READ:
                return would_block(tls, false);
        case SSL_ERROR_WANT_WRITE:
                return would_block(tls, true);
        case SSL_ERROR_SYSCALL:
                if (!tls->failure)
                        tls->failure = tls->stream.failure ? tls->stream.failure : saved ? -saved : -ECONNRESET;
                break;
        default:
                *ret_code = ERR_peek_error();
                if (!tls->failure)
                        tls->failure = ERR_GET_REASON(*ret_code) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? -ECONNRESET
                                                                                                       : -EPROTO;
        }
        ERR_clear_error();
        return tls->failure;
}

/* The peer asked for new keys (RFC 8446 section 4.6.3). OpenSSL would send its answer when it is called again, and seal by
 * new ones from then on; kernels take none before 6.14, so that the peer could read no more. The stream ends instead. */
static bool needs_new_keys(const struct tls_transport *tls) {
        return tls->is_kernel && SSL_get_key_update_type(tls->ssl) != SSL_KEY_UPDATE_NONE;
}

/* Reads on while OpenSSL holds bytes, since epoll does not know of those. A record that is not complete costs one more
 * recv(2); one that came whole, as nearly all do, none. */
static ssize_t tls_read(struct transport *transport, void *buffer, size_t size) {
        struct tls_transport *tls = tls_of(transport);
        size_t length = 0;
        if (needs_new_keys(tls))
                return 0;
        tls_words_clear();
        do {
                unsigned long code;
                int count = SSL_read(tls->ssl, (char *) buffer + length, (int) MIN_OF(size - length, INT32_MAX));
                if (count <= 0) {
                        int r = failure_of(tls, count, &code);
                        if (r == -EAGAIN && needs_new_keys(tls))
                                r = 0;
                        transport->is_readable = length > 0 && r != -EAGAIN;
                        return length > 0 ? (ssize_t) length : r;
                }
                length += (size_t) count;
        } while (length < size && SSL_has_pending(tls->ssl) && !needs_new_keys(tls));
        transport->is_readable = length == size || needs_new_keys(tls);
        return (ssize_t) length;
}

/* The part of a vector that is still to be sealed. */
struct remainder {
        const struct iovec *vector;
        size_t offset; /* into the first of it */
        size_t length; /* of all of it */
};

static void remainder_skip(struct remainder *rest, size_t length) {
        rest->length -= length;
        rest->offset += length;
        while (rest->length && rest->offset >= rest->vector->iov_len) {
                rest->offset -= rest->vector->iov_len;
                rest->vector++;
        }
}

static struct remainder remainder_of(const struct iovec *vector, int count) {
        struct remainder rest = { .vector = vector };
        for (int i = 0; i < count; i++)
                rest.length += vector[i].iov_len;
        return rest;
}

/* The bytes of the next record: where they are when they lie together, else gathered in `scratch`. */
static const char *remainder_peek(const struct remainder *rest, char scratch[RECORD_PLAIN], size_t *ret_length) {
        size_t length = *ret_length = MIN_OF(rest->length, (size_t) RECORD_PLAIN);
        const struct iovec *piece = rest->vector;
        const char *start = (const char *) piece->iov_base + rest->offset;
        size_t there = piece->iov_len - rest->offset;
        if (there >= length)
                return start;
        /* A record that is half full costs less than to copy it together with what follows. */
        if (rest->length > RECORD_PLAIN && there >= RECORD_PLAIN / 2) {
                *ret_length = there;
                return start;
        }

        memcpy(scratch, start, there);
        while (there < length) {
                piece++;
                size_t take = MIN_OF(length - there, piece->iov_len);
                if (take)
                        memcpy(scratch + there, piece->iov_base, take);
                there += take;
        }
        return scratch;
}

/* Seals one record and moves on. Returns its plain bytes, or an error. */
static ssize_t seal_record(struct tls_transport *tls, struct remainder *rest, char scratch[RECORD_PLAIN]) {
        size_t length;
        const char *bytes = remainder_peek(rest, scratch, &length);
        int count = SSL_write(tls->ssl, bytes, (int) length);
        if (count <= 0) {
                unsigned long code;
                int r = failure_of(tls, count, &code);
                return r ? r : -EPIPE;
        }
        remainder_skip(rest, (size_t) count);
        return count;
}

/* What fits in one record leaves in one record and one send(2), straight from OpenSSL's buffer. */
static ssize_t write_small(struct tls_transport *tls, struct remainder *rest, bool more) {
        char scratch[RECORD_PLAIN] __attribute__((uninitialized)); /* clearing costs more than filling it */
        ssize_t written = 0;
        tls->stream.more = more;
        while (rest->length) { /* once, unless the client asked for shorter records (RFC 6066 section 4) */
                ssize_t count = seal_record(tls, rest, scratch);
                if (count >= 0 && !tls_stream_is_clear(&tls->stream)) {
                        tls->sealed = (size_t) count;
                        count = would_block(tls, true);
                }
                if (count < 0)
                        return written ? written : count;
                written += count;
        }
        return written;
}

/* Seals up to a batch into the cork. */
static ssize_t seal_batch(struct tls_transport *tls, struct remainder *rest, char scratch[RECORD_PLAIN]) {
        size_t sealed = 0;
        while (rest->length && sealed < tls->batch && tls_stream_cork_room(&tls->stream) > RECORD_SEALED) {
                ssize_t count = seal_record(tls, rest, scratch);
                if (count < 0)
                        return sealed ? (ssize_t) sealed : count;
                sealed += (size_t) count;
        }
        return (ssize_t) sealed;
}

/* More than a record leaves in batches. One that the socket does not take whole is held until it does, so batches are
 * small while the peer reads slowly. */
static __attribute__((noinline)) ssize_t write_large(struct tls_transport *tls, struct remainder *rest, bool more) {
        char cork[BATCH_SEALED] __attribute__((uninitialized));
        char scratch[RECORD_PLAIN] __attribute__((uninitialized));
        size_t written = 0;
        ssize_t r = 0;
        tls_stream_cork(&tls->stream, cork, sizeof(cork));
        while (rest->length && r == 0) {
                r = seal_batch(tls, rest, scratch);
                if (r < 0)
                        break;
                size_t sealed = (size_t) r;
                r = tls_stream_push(&tls->stream, more || rest->length > 0);
                if (r == 0) {
                        written += sealed;
                        tls->batch = MIN_OF(2 * tls->batch, (size_t) BATCH_PLAIN);
                } else if (r == -EAGAIN) {
                        tls->sealed = sealed;
                        tls->batch = RECORD_PLAIN;
                        r = would_block(tls, true);
                }
        }
        (void) tls_stream_uncork(&tls->stream, false); /* empty, or the connection has failed */
        return written ? (ssize_t) written : r;
}

/* Sends what waits. */
static int send_waiting(struct tls_transport *tls) {
        /* A stream that is clear may have become so just behind us, with what was sealed for it. */
        if (tls->sealed == 0 && tls_stream_is_clear(&tls->stream))
                return 0;
        int r = tls_stream_flush(&tls->stream);
        if (r == -EAGAIN)
                return would_block(tls, true);
        if (r < 0)
                return r;
        tls->gone += tls->sealed;
        tls->sealed = 0;
        return 0;
}

/* How many of the bytes that are offered have been sent already. */
static size_t take_gone(struct tls_transport *tls, size_t offered) {
        size_t taken = MIN_OF(tls->gone, offered);
        tls->gone -= taken;
        return taken;
}

static ssize_t tls_write(struct transport *transport, const struct iovec *vector, int count, bool more) {
        struct tls_transport *tls = tls_of(transport);
        if (tls->is_kernel) {
                ssize_t written = transport_write(&tls->kernel, vector, count, more);
                return written == -EAGAIN ? would_block(tls, true) : written;
        }

        int r = send_waiting(tls);
        if (r < 0)
                return r;
        struct remainder rest = remainder_of(vector, count);
        size_t gone = take_gone(tls, rest.length);
        remainder_skip(&rest, gone);
        if (!rest.length)
                return (ssize_t) gone;
        tls_words_clear();
        ssize_t written = rest.length <= RECORD_PLAIN ? write_small(tls, &rest, more) : write_large(tls, &rest, more);
        if (written < 0)
                return gone ? (ssize_t) gone : written;
        return (ssize_t) gone + written;
}

static ssize_t kernel_send_file(struct tls_transport *tls, int file, off_t offset, size_t length, bool more) {
        tls_words_clear();
        errno = 0;
        ssize_t count = SSL_sendfile(tls->ssl, file, offset, length, 0);
        if (count >= 0)
                return count;
        int saved = errno;
        bool is_full = SSL_get_error(tls->ssl, (int) count) == SSL_ERROR_WANT_WRITE;
        ERR_clear_error();
        if (is_full)
                return would_block(tls, true);
        if (saved == EINVAL || saved == ENOSYS) /* not from this file system */
                return transport_copy_file(&tls->transport, file, offset, length, more);
        return saved ? -saved : -EPROTO;
}

static ssize_t tls_send_file(struct transport *transport, int file, off_t offset, size_t length, bool more) {
        struct tls_transport *tls = tls_of(transport);
        if (tls->is_kernel)
                return kernel_send_file(tls, file, offset, length, more);

        /* What waited was sealed and need not be read again. */
        int r = send_waiting(tls);
        if (r < 0)
                return r;
        size_t gone = take_gone(tls, length);
        if (gone == length)
                return (ssize_t) gone;
        ssize_t count = transport_copy_file(transport, file, offset + (off_t) gone, length - gone, more);
        if (count < 0)
                return gone ? (ssize_t) gone : count;
        return (ssize_t) gone + count;
}

int tls_kernel_attach(int fd) {
        return NEGATIVE_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")));
}

/* Only OpenSSL's own socket BIO can hand keys to the kernel. */
static bool try_kernel(struct tls_context *context, int fd) {
        int state = atomic_load_explicit(&context->kernel_tls, memory_order_relaxed);
        if (state == TLS_KERNEL_UNTRIED) {
                int r = tls_kernel_attach(fd);
                if (r < 0 && r != -ENOENT)
                        return false; /* not a TCP socket */
                state = r == 0 ? TLS_KERNEL_ON : TLS_KERNEL_OFF;
                atomic_store_explicit(&context->kernel_tls, state, memory_order_relaxed);
        }
        return state == TLS_KERNEL_ON;
}

static int use_stream(struct tls_transport *tls) {
        BIO *bio = tls_stream_bio_new(tls->context->stream_method, &tls->stream);
        if (!bio)
                return -ENOMEM;
        SSL_set_bio(tls->ssl, bio, bio);
        return 0;
}

static int connect_bio(struct tls_transport *tls) {
        if (!try_kernel(tls->context, tls->transport.fd))
                return use_stream(tls);
        return SSL_set_fd(tls->ssl, tls->transport.fd) == 1 ? 0 : -ENOMEM;
}

/* After the handshake: who seals from now on. The kernel does not know every suite. */
static int settle_sealing(struct tls_transport *tls) {
        if (BIO_get_ktls_send(SSL_get_wbio(tls->ssl))) {
                transport_init_plain(&tls->kernel, tls->transport.fd);
                tls->is_kernel = tls->transport.is_zero_copy = true;
                return 0;
        }
        if (BIO_method_type(SSL_get_wbio(tls->ssl)) == BIO_TYPE_SOCKET && !BIO_get_ktls_recv(SSL_get_rbio(tls->ssl)))
                return use_stream(tls);
        return 0;
}

static int remember_server_name(struct tls_transport *tls) {
        const char *name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
        if (!name)
                return 0;
        tls->server_name = strdup(name);
        if (!tls->server_name)
                return -ENOMEM;
        for (char *c = tls->server_name; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char) (*c | 0x20);
        return 0;
}

static int remember_client(struct tls_transport *tls) {
        X509 *certificate = tls->context->asks_client ? SSL_get0_peer_certificate(tls->ssl) : NULL;
        if (!certificate)
                return 0;
        return tls_certificate_subject(certificate, &tls->client_subject);
}

static int establish(struct tls_transport *tls, const char **ret_detail) {
        int r = settle_sealing(tls);
        if (r == 0)
                r = remember_server_name(tls);
        if (r == 0)
                r = remember_client(tls);
        if (r < 0) {
                *ret_detail = "no memory";
                return tls->failure = r;
        }
        tls->is_established = true;
        return 0;
}

static int refuse_handshake(struct tls_transport *tls, int failure, unsigned long code, const char **ret_detail) {
        if (failure == -ECONNRESET || !code) {
                *ret_detail = "the client closed the connection";
                return failure ? failure : -ECONNRESET;
        }
        *ret_detail = tls_words(code);
        int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
                *ret_detail = X509_verify_cert_error_string(SSL_get_verify_result(tls->ssl));
        if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST)
                return -EPROTOTYPE;
        return failure;
}

/* What a step writes (a flight, the tickets, an alert) leaves in one send(2). */
static int tls_handshake(struct transport *transport, const char **ret_detail) {
        struct tls_transport *tls = tls_of(transport);
        int r = tls_stream_flush(&tls->stream);
        if (r == -EAGAIN)
                return would_block(tls, true);

        char cork[RECORD_PLAIN] __attribute__((uninitialized));
        unsigned long code = 0;
        tls_words_clear();
        tls_stream_cork(&tls->stream, cork, sizeof(cork));
        int result = SSL_do_handshake(tls->ssl);
        int failure = result == 1 ? 0 : failure_of(tls, result, &code);
        r = tls_stream_uncork(&tls->stream, false);
        if (result != 1 && failure != -EAGAIN)
                return refuse_handshake(tls, failure, code, ret_detail);
        if (r == -EAGAIN)
                return would_block(tls, true);
        if (r < 0)
                return refuse_handshake(tls, r, 0, ret_detail);
        if (failure == -EAGAIN)
                return -EAGAIN;

        transport->is_readable = SSL_has_pending(tls->ssl);
        return tls->is_established ? 0 : establish(tls, ret_detail);
}

static int tls_shutdown(struct transport *transport) {
        struct tls_transport *tls = tls_of(transport);
        int r = send_waiting(tls);
        if (r < 0)
                return r;
        if (tls->is_established && !tls->failure && !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN)) {
                tls_words_clear();
                unsigned long code;
                int result = SSL_shutdown(tls->ssl);
                if (result < 0 && failure_of(tls, result, &code) == -EAGAIN)
                        return -EAGAIN;
                r = send_waiting(tls);
                if (r < 0)
                        return r;
        }
        return NEGATIVE_ERRNO(shutdown(transport->fd, SHUT_WR));
}

static void tls_free(struct transport *transport) {
        struct tls_transport *tls = tls_of(transport);
        SSL_free(tls->ssl);
        tls_stream_done(&tls->stream);
        tls_context_unref(tls->context);
        free(tls->server_name);
        free(tls->client_subject);
        free(tls);
}

static const struct transport_operations tls_operations = {
        .read = tls_read,
        .write = tls_write,
        .send_file = tls_send_file,
        .handshake = tls_handshake,
        .shutdown = tls_shutdown,
        .free = tls_free,
};

int tls_transport_new(struct tls_context *context, int fd, struct transport **ret_transport) {
        struct tls_transport *tls = calloc(1, sizeof(*tls));
        if (!tls)
                return -ENOMEM;
        tls->transport = (struct transport) { .operations = &tls_operations, .fd = fd, .is_secure = true };
        tls->stream.fd = fd;
        tls->batch = BATCH_PLAIN;
        tls->context = tls_context_ref(context);
        tls->ssl = SSL_new(context->ssl);
        if (!tls->ssl || connect_bio(tls) < 0) {
                ERR_clear_error();
                tls_free(&tls->transport);
                return -ENOMEM;
        }
        SSL_set_accept_state(tls->ssl);
        *ret_transport = &tls->transport;
        return 0;
}

enum tls_protocol tls_transport_protocol(const struct transport *transport) {
        const unsigned char *name;
        unsigned length;
        SSL_get0_alpn_selected(tls_of(transport)->ssl, &name, &length);
        if (!length)
                return TLS_PROTOCOL_NONE;
        return *name == 'h' && length == 2 ? TLS_PROTOCOL_HTTP2 : TLS_PROTOCOL_HTTP1;
}

struct slice tls_transport_server_name(const struct transport *transport) {
        return slice_of(tls_of(transport)->server_name);
}

const char *tls_transport_version(const struct transport *transport) {
        return SSL_get_version(tls_of(transport)->ssl);
}

const char *tls_transport_cipher(const struct transport *transport) {
        return SSL_get_cipher_name(tls_of(transport)->ssl);
}

bool tls_transport_is_resumed(const struct transport *transport) {
        return SSL_session_reused(tls_of(transport)->ssl);
}

struct slice tls_transport_client_subject(const struct transport *transport) {
        return slice_of(tls_of(transport)->client_subject);
}

struct tls_context *tls_transport_context(const struct transport *transport) {
        return tls_of(transport)->context;
}
