/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>

#include "http/worker.h"

/* Listening sockets of one worker, of all its listeners together. */
#define HTTP_LISTENERS_MAX 1024

/* A listening socket of one worker. */
struct http_listener {
        struct loop_io io;
        struct http_worker *worker;
        unsigned index;          /* into the generation's listeners */
        bool is_unix, is_shared; /* shared: with other workers, EPOLLEXCLUSIVE */
        bool is_handed;          /* connections come in datagrams: see descriptor_passing.h */
        int paused_fd; /* while no descriptor is left: accepted from again when `resume` fires; -1: not paused */
        struct timer resume;
};

/* Accepts from a listening socket, or takes what is handed to a datagram socket; the descriptor then belongs to the worker. `index`: into the generation's listeners; `is_shared`: with
 * other workers. -ENOBUFS when the worker has HTTP_LISTENERS_MAX. */
int http_listener_start(struct http_worker *worker, int fd, unsigned index, bool is_shared);

/* Stops accepting and closes all of a worker's listening sockets. */
void http_listeners_stop(struct http_worker *worker);
