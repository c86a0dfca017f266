/* SPDX-License-Identifier: Apache-2.0 */
/* Opens connections, asks for one file on each, and holds them idle until its standard input ends. Prints "held N" when
 * they are all there, and at the end "closed N": how many of them the server had closed meanwhile. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client_connection.h"

#define AT_A_TIME 128       /* so that no listen queue overflows */
#define PATIENCE_MSEC 10000 /* without any progress */

struct holder {
        struct client_target target;
        struct client_connection *connections;
        char request[512];
        size_t request_length;
        unsigned wanted, opened, held;
        int epoll;
};

/* What comes next on a connection. */
static int proceed(struct holder *holder, struct client_connection *connection) {
        int r;
        if (!connection->is_open) {
                r = client_connection_establish(connection);
                return r < 0 ? r : client_connection_send(connection, holder->request, holder->request_length);
        }
        r = client_connection_receive(connection);
        if (r == 1 && connection->status != 200)
                return -EBADMSG;
        holder->held += r == 1;
        return r;
}

static int open_more(struct holder *holder) {
        while (holder->opened < holder->wanted && holder->opened - holder->held < AT_A_TIME) {
                unsigned index = holder->opened++;
                int r = client_connection_open(&holder->connections[index], &holder->target, index, NULL, holder->epoll,
                                               &holder->connections[index]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int open_all(struct holder *holder) {
        while (holder->held < holder->wanted) {
                struct epoll_event events[AT_A_TIME];
                int r = open_more(holder);
                if (r < 0)
                        return r;
                int count = epoll_wait(holder->epoll, events, AT_A_TIME, PATIENCE_MSEC);
                if (count <= 0)
                        return count < 0 ? -errno : -ETIMEDOUT;
                for (int i = 0; i < count; i++) {
                        r = proceed(holder, events[i].data.ptr);
                        if (r < 0 && r != -EAGAIN)
                                return r;
                }
        }
        return 0;
}

static unsigned count_closed(struct holder *holder) {
        unsigned closed = 0;
        for (unsigned i = 0; i < holder->wanted; i++)
                closed += client_connection_receive(&holder->connections[i]) != -EAGAIN;
        return closed;
}

int main(int argc, char **argv) {
        struct holder holder = { 0 };
        if (argc < 4) {
                fprintf(stderr, "Usage: hold PORT CONNECTIONS PATH [tls]\n");
                return 2;
        }
        client_raise_file_limit();
        holder.wanted = (unsigned) atoi(argv[2]);
        holder.request_length = (size_t) snprintf(holder.request, sizeof(holder.request),
                                                  "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[3]);
        holder.connections = calloc(holder.wanted, sizeof(*holder.connections));
        holder.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (!holder.connections || holder.epoll < 0 || holder.request_length >= sizeof(holder.request) ||
            client_target_init(&holder.target, atoi(argv[1]), argc > 4) < 0)
                return 1;
        int r = open_all(&holder);
        if (r < 0) {
                fprintf(stderr, "hold: %s after %u of %u connections\n", strerror(-r), holder.held, holder.wanted);
                return 1;
        }
        printf("held %u\n", holder.held);
        (void) fflush(stdout);
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        (void) poll(&input, 1, -1);
        printf("closed %u\n", count_closed(&holder));
        return 0;
}
