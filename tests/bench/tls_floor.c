/* SPDX-License-Identifier: Apache-2.0 */
/* The floor with TLS: the loop of floor.c with SSL_read and SSL_write where that one has recv and send, TLS 1.3 by
 * OpenSSL with its stateless tickets, and nothing else. A connection is its SSL object: what it weighs is what a
 * connection weighs at least.
 * Usage: tls_floor PORT BYTES CERTIFICATE_AND_KEY */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char response[1 << 20];
static int length;

static SSL_CTX *make_context(const char *file) {
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
            SSL_CTX_use_certificate_chain_file(context, file) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) != 1)
                return NULL;
        /* An idle connection holds no buffer, and sessions are kept by the clients alone. */
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        return context;
}

static int make_listener(int port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t) port) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (bind(listener, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(listener, 4096) < 0) {
                perror("tls_floor");
                exit(1);
        }
        return listener;
}

static void accept_connection(int epoll, int listener, SSL_CTX *context) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        SSL *ssl = fd < 0 ? NULL : SSL_new(context);
        if (!ssl || !SSL_set_fd(ssl, fd))
                return;
        SSL_set_accept_state(ssl);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = ssl };
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* SSL_read shakes hands too, as long as that is not done. */
static void serve(SSL *ssl) {
        char request[16384];
        int n = SSL_read(ssl, request, sizeof(request));
        if (n > 0)
                n = SSL_write(ssl, response, length);
        if (n > 0 || SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ)
                return;
        int fd = SSL_get_fd(ssl);
        SSL_shutdown(ssl);
        SSL_free(ssl);
        ERR_clear_error(); /* or the next SSL_get_error would find it */
        close(fd);
}

int main(int argc, char **argv) {
        if (argc < 4)
                return 2;
        signal(SIGPIPE, SIG_IGN);
        size_t size = strtoull(argv[2], NULL, 10);
        SSL_CTX *context = make_context(argv[3]);
        if (!context || size > sizeof(response) - 256)
                return 1;
        int head = sprintf(response,
                           "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                           "Content-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
                           size);
        memset(response + head, 'x', size);
        length = head + (int) size;

        int listener = make_listener(atoi(argv[1])), epoll = epoll_create1(0);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[512];
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
        for (;;) {
                int count = epoll_wait(epoll, events, 512, -1);
                for (int i = 0; i < count; i++) {
                        if (events[i].data.ptr)
                                serve(events[i].data.ptr);
                        else
                                accept_connection(epoll, listener, context);
                }
        }
}
