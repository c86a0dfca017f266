/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection, plain or TLS 1.3, and the one response that it waits for. Non-blocking; every function gives
 * -EAGAIN where it has to be called again after the next event. */
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where connections go to: 127.0.0.1. */
struct client_target {
        struct sockaddr_in address;
        SSL_CTX *tls; /* NULL: plain */
};

int client_target_init(struct client_target *target, int port, bool tls);
void client_target_done(struct client_target *target);

struct client_connection {
        int fd; /* -1: none */
        SSL *ssl;
        bool is_open;     /* connected and, with TLS, shaken hands */
        bool was_used;    /* a response came on it */
        uint64_t acked;   /* bytes of ours that the other kernel had taken when the request was sent */
        size_t head_size; /* of the response: bytes in head */
        char head[4096];
        bool has_head, is_chunked;
        int status;
        uint64_t body_left; /* where the length is known */
        char tail[8];       /* the last bytes of a chunked response */
        uint64_t received;  /* bytes of the response so far */
};

/* Starts to connect and adds the socket, edge-triggered for both directions, to the epoll with `userdata`. Source
 * addresses vary by `index`, so that more connections than there are local ports fit. */
int client_connection_open(struct client_connection *connection, const struct client_target *target, unsigned index,
                           SSL_SESSION *session, int epoll, void *userdata);
void client_connection_close(struct client_connection *connection);

/* Goes on with connecting and the handshake: 0 when requests can be sent. */
int client_connection_establish(struct client_connection *connection);

/* Sends a whole request, which is small enough for a socket's buffer. */
int client_connection_send(struct client_connection *connection, const char *request, size_t length);

/* Reads on: 1 when the response is complete, -EAGAIN when more must come, -EPIPE at the end of the stream. */
int client_connection_receive(struct client_connection *connection);

/* Whether the connection ended in order before the server's kernel took the request: that is no loss. */
bool client_connection_closed_while_idle(const struct client_connection *connection);

/* The monotonic clock in nanoseconds. */
uint64_t client_now(void);
/* Raises the limit of open files as far as allowed. */
void client_raise_file_limit(void);
