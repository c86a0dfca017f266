/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of TLS: accept, SSL_accept, close, one connection after the other, with OpenSSL set as the server sets it.
 * Usage: handshake_floor --port N --certificate FILE --key FILE [--answer BYTES] [--hold]
 *   --answer: read one request and answer it before closing;  --hold: keep connections, to weigh an idle one */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct settings {
        int port;
        const char *certificate, *key;
        size_t answer;
        int hold;
};

static int parse(int argc, char **argv, struct settings *settings) {
        static const struct option options[] = {
                { "port", required_argument, NULL, 'p' }, { "certificate", required_argument, NULL, 'c' },
                { "key", required_argument, NULL, 'k' },  { "answer", required_argument, NULL, 'a' },
                { "hold", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
        };
        int option;
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (option) {
                case 'p':
                        settings->port = atoi(optarg);
                        break;
                case 'c':
                        settings->certificate = optarg;
                        break;
                case 'k':
                        settings->key = optarg;
                        break;
                case 'a':
                        settings->answer = strtoul(optarg, NULL, 10);
                        break;
                case 'h':
                        settings->hold = 1;
                        break;
                default:
                        return -1;
                }
        }
        return settings->port && settings->certificate && settings->key ? 0 : -1;
}

static SSL_CTX *make_context(const struct settings *settings) {
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        if (!context || SSL_CTX_use_certificate_chain_file(context, settings->certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
            SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) {
                ERR_print_errors_fp(stderr);
                return NULL;
        }
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
        return context;
}

static int open_listener(int port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t) port) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 4096) < 0) {
                perror("handshake_floor");
                return -1;
        }
        return fd;
}

static void answer(SSL *ssl, size_t size) {
        static char request[16384], response[65536];
        int head = sprintf(response, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", size);
        if (SSL_read(ssl, request, sizeof(request)) > 0 && size < sizeof(response) - 256)
                (void) SSL_write(ssl, response, head + (int) size);
}

int main(int argc, char **argv) {
        struct settings settings = { 0 };
        if (parse(argc, argv, &settings) < 0) {
                fprintf(stderr,
                        "usage: handshake_floor --port N --certificate FILE --key FILE [--answer BYTES] [--hold]\n");
                return 2;
        }
        signal(SIGPIPE, SIG_IGN);
        SSL_CTX *context = make_context(&settings);
        int listener = context ? open_listener(settings.port) : -1;
        const struct timeval patience = { .tv_sec = 1 };
        while (listener >= 0) {
                int fd = accept(listener, NULL, NULL);
                if (fd < 0)
                        continue;
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
                SSL *ssl = SSL_new(context);
                SSL_set_fd(ssl, fd);
                if (SSL_accept(ssl) == 1) {
                        if (settings.answer)
                                answer(ssl, settings.answer);
                        if (settings.hold)
                                continue; /* nobody will ask for them again: they are there to be weighed */
                        SSL_shutdown(ssl);
                }
                ERR_clear_error();
                SSL_free(ssl);
                close(fd);
        }
        return 1;
}
