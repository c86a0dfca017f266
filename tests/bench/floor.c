/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: one epoll loop that answers whatever comes with one recv and one send of a canned response (above 64 KiB:
 * a send and sendfile), and nothing else. Nobody who uses two system calls a request can beat it.
 * Usage: floor PORT BYTES [FILE]             (FILE: sendfile its first BYTES bytes)
 *        floor PORT BYTES "" PROCESSES       (which share the port) */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static char response[1 << 20];
static size_t head_length, length;
static off_t left[1 << 16]; /* bytes of the file that a descriptor still has to get */

static void send_file(int epoll, int fd, int file, off_t size) {
        while (left[fd] > 0) {
                off_t offset = size - left[fd];
                ssize_t n = sendfile(fd, file, &offset, (size_t) left[fd]);
                if (n <= 0)
                        break;
                left[fd] -= n;
        }
        struct epoll_event event = { .events = left[fd] > 0 ? EPOLLOUT : EPOLLIN, .data.fd = fd };
        static unsigned char waits_for_output[1 << 16];
        if (waits_for_output[fd] != (left[fd] > 0)) {
                waits_for_output[fd] = left[fd] > 0;
                epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
        }
}

int main(int argc, char **argv) {
        if (argc < 3)
                return 2;
        signal(SIGPIPE, SIG_IGN);
        size_t size = strtoull(argv[2], NULL, 10);
        int file = argc > 3 && *argv[3] ? open(argv[3], O_RDONLY | O_CLOEXEC) : -1, one = 1;
        head_length = (size_t) sprintf(response,
                                       "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                       "Content-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
                                       size);
        memset(response + head_length, 'x', file < 0 ? size : 0);
        length = head_length + (file < 0 ? size : 0);

        for (int others = argc > 4 ? atoi(argv[4]) - 1 : 0; others > 0; others--)
                if (fork() == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        break;
                }
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t) atoi(argv[1])) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), epoll = epoll_create1(0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (bind(listener, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(listener, 4096) < 0) {
                perror("floor");
                return 1;
        }
        struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, events[512];
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
        for (;;) {
                int count = epoll_wait(epoll, events, 512, -1);
                for (int i = 0; i < count; i++) {
                        int fd = events[i].data.fd;
                        if (fd == listener) {
                                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                                if (event.data.fd >= 0)
                                        epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
                                continue;
                        }
                        if (events[i].events & EPOLLOUT) {
                                send_file(epoll, fd, file, (off_t) size);
                                continue;
                        }
                        char request[16384];
                        if (recv(fd, request, sizeof(request), 0) <= 0) {
                                close(fd);
                                continue;
                        }
                        if (send(fd, response, length, file >= 0 ? MSG_MORE : 0) < 0)
                                continue;
                        if (file >= 0) {
                                left[fd] = (off_t) size;
                                send_file(epoll, fd, file, (off_t) size);
                        }
                }
        }
}
