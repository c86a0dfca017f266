/* SPDX-License-Identifier: Apache-2.0 */
/* Owns a client's socket and its TLS state, and reads responses only as far as to find their end: the load generators
 * must cost little themselves. One request is under way on a connection at a time. */
#include "client_connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_PER_SOURCE 20000
#define BYTES_ACKED_OFFSET 120 /* of tcpi_bytes_acked in the kernel's struct tcp_info, which libc's header lacks */

uint64_t client_now(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

void client_raise_file_limit(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

/* One group and one cipher suite for every server, so that they all compute the same. */
static SSL_CTX *make_tls(void) {
        SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
        if (!tls)
                return NULL;
        if (!SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
            !SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(tls, "X25519")) {
                SSL_CTX_free(tls);
                return NULL;
        }
        /* Not every server says in TLS that it closes; else OpenSSL would hold the session to be broken. */
        SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        return tls;
}

int client_target_init(struct client_target *target, int port, bool tls) {
        *target = (struct client_target) {
                .address = { .sin_family = AF_INET, .sin_port = htons((in_port_t) port) },
        };
        target->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (tls)
                target->tls = make_tls();
        return tls && !target->tls ? -ENOMEM : 0;
}

void client_target_done(struct client_target *target) {
        SSL_CTX_free(target->tls);
        target->tls = NULL;
}

static int start_tls(struct client_connection *connection, SSL_CTX *tls, SSL_SESSION *session) {
        connection->ssl = SSL_new(tls);
        if (!connection->ssl || !SSL_set_fd(connection->ssl, connection->fd))
                return -ENOMEM;
        if (session && !SSL_set_session(connection->ssl, session))
                return -EINVAL;
        SSL_set_connect_state(connection->ssl);
        return 0;
}

static int start_connecting(int fd, const struct sockaddr_in *address, unsigned index) {
        int one = 1;
        struct sockaddr_in source = { .sin_family = AF_INET };
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / CONNECTIONS_PER_SOURCE);
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
        if (bind(fd, (const struct sockaddr *) &source, sizeof(source)) < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0 && errno != EINPROGRESS)
                return -errno;
        return 0;
}

int client_connection_open(struct client_connection *connection, const struct client_target *target, unsigned index,
                           SSL_SESSION *session, int epoll, void *userdata) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = userdata };
        memset(connection, 0, sizeof(*connection));
        connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connection->fd < 0)
                return -errno;
        int r = start_connecting(connection->fd, &target->address, index);
        if (r >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
                r = -errno;
        if (r >= 0 && target->tls)
                r = start_tls(connection, target->tls, session);
        if (r < 0)
                client_connection_close(connection);
        return r;
}

void client_connection_close(struct client_connection *connection) {
        SSL_free(connection->ssl);
        connection->ssl = NULL;
        if (connection->fd >= 0)
                (void) close(connection->fd);
        connection->fd = -1;
        connection->is_open = false;
}

/* What a call into OpenSSL that returned `result` means. */
static int tls_result(struct client_connection *connection, int result) {
        switch (SSL_get_error(connection->ssl, result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
                return -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
                return -EPIPE;
        case SSL_ERROR_SYSCALL:
                return errno > 0 ? -errno : -EPIPE;
        default:
                return -EPROTO;
        }
}

int client_connection_establish(struct client_connection *connection) {
        int failure = 0;
        socklen_t length = sizeof(failure);
        struct sockaddr_in peer;
        socklen_t peer_length = sizeof(peer);
        if (connection->is_open)
                return 0;
        if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0 || failure)
                return -failure;
        if (getpeername(connection->fd, (struct sockaddr *) &peer, &peer_length) < 0)
                return -EAGAIN;
        if (connection->ssl) {
                errno = 0;
                int result = SSL_do_handshake(connection->ssl);
                if (result != 1)
                        return tls_result(connection, result);
        }
        connection->is_open = true;
        return 0;
}

static uint64_t bytes_acked(int fd) {
        unsigned char information[BYTES_ACKED_OFFSET + sizeof(uint64_t)];
        socklen_t length = sizeof(information);
        uint64_t acked = 0;
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, information, &length) == 0 && length == sizeof(information))
                memcpy(&acked, information + BYTES_ACKED_OFFSET, sizeof(acked));
        return acked;
}

int client_connection_send(struct client_connection *connection, const char *request, size_t length) {
        connection->head_size = 0;
        connection->received = 0;
        connection->has_head = connection->is_chunked = false;
        connection->acked = bytes_acked(connection->fd);
        if (connection->ssl) {
                errno = 0;
                int result = SSL_write(connection->ssl, request, (int) length);
                return result == (int) length ? 0 : tls_result(connection, result);
        }
        ssize_t n = send(connection->fd, request, length, MSG_NOSIGNAL);
        return n == (ssize_t) length ? 0 : n < 0 ? -errno : -EAGAIN;
}

bool client_connection_closed_while_idle(const struct client_connection *connection) {
        return connection->was_used && connection->received == 0 && bytes_acked(connection->fd) == connection->acked;
}

/* Status and framing out of a complete head. */
static int parse_head(struct client_connection *connection) {
        const char *length = strcasestr(connection->head, "\r\ncontent-length:");
        if (sscanf(connection->head, "HTTP/1.%*d %d", &connection->status) != 1)
                return -EBADMSG;
        connection->is_chunked = strcasestr(connection->head, "\r\ntransfer-encoding:") != NULL;
        if (!length && !connection->is_chunked)
                return -EBADMSG;
        connection->body_left = length ? strtoull(length + strlen("\r\ncontent-length:"), NULL, 10) : 0;
        connection->has_head = true;
        return 0;
}

/* Takes bytes of the body: 1 when it is complete. A chunked body ends with its last chunk. That is looked for at the
 * very end only: with one request at a time nothing follows it. */
static int take_body(struct client_connection *connection, const char *data, size_t size) {
        static const char last_chunk[] = "\r\n0\r\n\r\n";
        const size_t wanted = sizeof(last_chunk) - 1;
        if (!connection->is_chunked) {
                connection->body_left -= size < connection->body_left ? size : connection->body_left;
                return connection->body_left == 0 ? 1 : -EAGAIN;
        }
        if (size >= wanted) {
                memcpy(connection->tail, data + size - wanted, wanted);
        } else if (size > 0) {
                memmove(connection->tail, connection->tail + size, wanted - size);
                memcpy(connection->tail + wanted - size, data, size);
        }
        return memcmp(connection->tail, last_chunk, wanted) == 0 ? 1 : -EAGAIN;
}

static int take_head(struct client_connection *connection, const char *data, size_t size) {
        size_t space = sizeof(connection->head) - 1 - connection->head_size, before = connection->head_size;
        size_t copied = size < space ? size : space;
        memcpy(connection->head + before, data, copied);
        connection->head_size += copied;
        connection->head[connection->head_size] = '\0';
        char *end = strstr(connection->head, "\r\n\r\n");
        if (!end)
                return connection->head_size == sizeof(connection->head) - 1 ? -EMSGSIZE : -EAGAIN;
        size_t head_end = (size_t) (end - connection->head) + 4;
        end[2] = '\0';
        int r = parse_head(connection);
        if (r < 0)
                return r;
        memset(connection->tail, 0, sizeof(connection->tail));
        return take_body(connection, data + (head_end - before), size - (head_end - before));
}

int client_connection_receive(struct client_connection *connection) {
        char data[65536];
        for (;;) {
                ssize_t n;
                if (connection->ssl) {
                        errno = 0;
                        n = SSL_read(connection->ssl, data, sizeof(data));
                        if (n <= 0)
                                return tls_result(connection, (int) n);
                } else {
                        n = recv(connection->fd, data, sizeof(data), 0);
                        if (n <= 0)
                                return n == 0 ? -EPIPE : -errno;
                }
                connection->received += (uint64_t) n;
                int r = connection->has_head ? take_body(connection, data, (size_t) n)
                                             : take_head(connection, data, (size_t) n);
                if (r == 1)
                        connection->was_used = true;
                if (r != -EAGAIN)
                        return r;
        }
}
