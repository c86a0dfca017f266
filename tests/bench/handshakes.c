/* SPDX-License-Identifier: Apache-2.0 */
/* New TLS 1.3 connections for a number of seconds, several at a time: each shakes hands, ends its side in order and
 * waits until the server has ended the other, so that the server has done all of its part, tickets included. With
 * `resume`, each takes up the session of an earlier one. Prints a JSON object. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client_connection.h"

#define AT_A_TIME 16

struct run {
        struct client_target target;
        struct client_connection connections[AT_A_TIME];
        SSL_SESSION *session; /* with `resume`: the first one; not every server gives a resumed connection a new one */
        bool resume, failed;
        unsigned long completed, resumed, tickets;
        int epoll;
};

static int keep_session(SSL *ssl, SSL_SESSION *session) {
        struct run *run = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        if (!run->resume || run->session)
                return 0;
        run->session = session;
        /* OpenSSL would throw it away at its first use: it can be used as often as wanted, though. */
        (void) SSL_CTX_set_session_cache_mode(run->target.tls, SSL_SESS_CACHE_OFF);
        return 1; /* the reference is ours now */
}

/* Counts the tickets that the server sends (NewSessionTicket, RFC 8446 section 4.6.1). */
static void on_message(int is_sent, int version, int content_type, const void *bytes, size_t length, SSL *ssl,
                       void *userdata) {
        (void) version;
        (void) ssl;
        struct run *run = userdata;
        if (!is_sent && content_type == SSL3_RT_HANDSHAKE && length > 0 &&
            *(const unsigned char *) bytes == SSL3_MT_NEWSESSION_TICKET)
                run->tickets++;
}

static void open_connection(struct run *run, struct client_connection *connection) {
        int r = client_connection_open(connection, &run->target, 0, run->session, run->epoll, connection);
        if (r < 0)
                run->failed = true;
}

/* Reads to the end of the stream: tickets, and the server's end. 0 when it is there. */
static int read_to_end(struct client_connection *connection) {
        char data[4096];
        int n;
        do {
                errno = 0;
                n = SSL_read(connection->ssl, data, sizeof(data)); /* some answer the missing request with an error */
        } while (n > 0);
        int error = SSL_get_error(connection->ssl, n);
        if (error == SSL_ERROR_WANT_READ)
                return -EAGAIN;
        /* Some servers end the stream without TLS's own notice; that is complete enough here. */
        return 0;
}

static int proceed(struct run *run, struct client_connection *connection) {
        bool was_open = connection->is_open;
        int r = client_connection_establish(connection);
        if (r < 0)
                return r;
        if (!was_open) {
                run->resumed += SSL_session_reused(connection->ssl) != 0;
                (void) SSL_shutdown(connection->ssl);
                (void) shutdown(connection->fd, SHUT_WR);
        }
        return read_to_end(connection);
}

static void turn(struct run *run) {
        struct epoll_event events[AT_A_TIME];
        int count = epoll_wait(run->epoll, events, AT_A_TIME, 1000);
        for (int i = 0; i < count; i++) {
                struct client_connection *connection = events[i].data.ptr;
                if (connection->fd < 0)
                        continue;
                int r = proceed(run, connection);
                if (r == -EAGAIN)
                        continue;
                client_connection_close(connection);
                if (r < 0) {
                        fprintf(stderr, "handshakes: %s after %lu\n", strerror(-r), run->completed);
                        run->failed = true;
                        return;
                }
                run->completed++;
                open_connection(run, connection);
        }
        run->failed |= count == 0;
}

int main(int argc, char **argv) {
        static struct run run;
        if (argc < 3) {
                fprintf(stderr, "Usage: handshakes PORT SECONDS [resume]\n");
                return 2;
        }
        run.resume = argc > 3;
        run.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (run.epoll < 0 || client_target_init(&run.target, atoi(argv[1]), true) < 0)
                return 1;
        SSL_CTX_set_app_data(run.target.tls, &run);
        SSL_CTX_sess_set_new_cb(run.target.tls, keep_session);
        SSL_CTX_set_msg_callback(run.target.tls, on_message);
        SSL_CTX_set_msg_callback_arg(run.target.tls, &run);
        uint64_t start = client_now(), length = strtoull(argv[2], NULL, 10) * 1000000000u;
        for (unsigned i = 0; i < AT_A_TIME; i++)
                open_connection(&run, &run.connections[i]);
        while (!run.failed && client_now() - start < length)
                turn(&run);
        double seconds = (double) (client_now() - start) / 1e9;
        printf("{\"completed\": %lu, \"resumed\": %lu, \"tickets\": %lu, \"seconds\": %.3f}\n", run.completed,
               run.resumed, run.tickets, seconds);
        return run.failed ? 1 : 0;
}
