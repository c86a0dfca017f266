/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "http/client_table.h"
#include "http/peer.h"
#include "http/phase_clock.h"
#include "http/worker.h"
#include "shared/cause.h"
#include "tls/transport.h"

/*
 * An accepted connection: its transport, its session, and the time that its present phase may take.
 *
 * Belongs to one worker. It is never freed within a callback: closing marks it dead and takes it off the loop; the worker
 * frees it at the end of the turn, so that whoever is up the stack may still look at it.
 */

/* What a connection waits for; each has its limits in [http.timeouts]. */
enum http_phase {
        HTTP_PHASE_HANDSHAKE,
        HTTP_PHASE_HEAD,
        HTTP_PHASE_BODY,
        HTTP_PHASE_SEND,
        HTTP_PHASE_KEEP_ALIVE, /* between requests */
        HTTP_PHASE_HANDLER,    /* for our own work: no limit */
        HTTP_PHASE_DRAIN,      /* for one last request, while the worker stops */
        HTTP_PHASE_LINGER,     /* for the client's end, after ours */
};

/* The protocol spoken on a connection. */
struct http_session_operations {
        void (*on_readable)(struct http_connection *connection);
        void (*on_writable)(struct http_connection *connection);

        /* The present phase took too long; the session answers or closes. */
        void (*on_timeout)(struct http_connection *connection, enum cause cause);

        /* The worker stops: end orderly as soon as nothing is under way. */
        void (*drain)(struct http_connection *connection);

        /* There is a new configuration: what was settled at the connection's start is to be settled anew, on another. May be NULL. */
        void (*refresh)(struct http_connection *connection);

        /* Ends exchanges and frees the session. */
        void (*free)(struct http_connection *connection);
};

struct http_connection {
        struct loop_io io;
        struct timer timer;
        struct list link; /* of the worker's connections, or of its dead ones */
        struct http_worker *worker;
        struct http_listener *listener;
        struct transport *transport; /* &plain, or TLS */
        struct transport plain;
        const struct http_session_operations *session;
        void *session_state;
        struct client_entry *client;   /* the account of its address; NULL for unix sockets */
        struct loop_deferred again;    /* input that the transport may hold already */
        uint64_t acknowledged;         /* bytes that the client's kernel had taken of this phase when looked at last */
        struct http_phase_clock clock; /* of the present phase */
        uint32_t head_memory;          /* bytes that are charged to `client` for an unfinished head */
        enum http_phase phase : 8;
        bool is_dead : 1;
        bool is_lingering : 1;
        bool is_shut_down : 1; /* our end was said */
        bool is_exempt : 1;    /* from the limits of [http.clients] */
        bool is_slow_read : 1; /* what it is sent is charged to `client` as read slowly */
        struct http_peer peer;
};

/* Takes an accepted descriptor over; http_handshake_start makes it speak. -ENOMEM, -EUSERS when the client's account is full: the
 * descriptor is still the caller's. */
int http_connection_new(struct http_listener *listener, int fd, const struct sockaddr *address, socklen_t length,
                        struct http_connection **ret_connection);

/* Frees at once; for the worker only. */
void http_connection_free(struct http_connection *connection);

/* Ends the connection in both directions now. */
void http_connection_close(struct http_connection *connection);

/* Ends it so that the client sees all that was written: says the end, then reads and drops for a while what still comes, since
 * closing a socket with unread bytes would reset it (RFC 9112 section 9.6). */
void http_connection_linger(struct http_connection *connection);

/* Waits for these events (EPOLLIN, EPOLLOUT, or 0) from now on; a system call only when they differ from the present ones. */
void http_connection_watch(struct http_connection *connection, uint32_t events);

/* After -EAGAIN from the transport: waits for what it needs. */
void http_connection_wait(struct http_connection *connection);

/* Begins a phase, its clocks included. Costs no system call, and no timer unless it ends before the present one would. */
void http_connection_set_phase(struct http_connection *connection, enum http_phase phase);

/* The present phase goes on from what it had been before it was left: the time in between does not count. */
void http_connection_resume_clock(struct http_connection *connection, const struct http_phase_clock *clock);

/* Charges something to the account of the client's address: -EUSERS when it has as much as it may. Given back by
 * client_account_release(connection->client, …). */
int http_connection_charge(struct http_connection *connection, enum client_holding holding, uint32_t amount);

/* An unfinished head holds this much memory from now on; 0: there is none. As above; what it held before is given back in any case. */
int http_connection_hold_head(struct http_connection *connection, uint32_t bytes);

/* How long, in ms, a client may take what it is sent slowly before that is charged to its account. */
#define HTTP_SLOW_READ_MSEC 5000

/* Bytes came or went in this phase. */
static inline void http_connection_progress(struct http_connection *connection, size_t bytes) {
        http_phase_clock_progress(&connection->clock, loop_now(connection->worker->loop), bytes);
}

/* Logs that a client was refused and why, at most once a second for each client. */
void http_connection_log_refusal(struct http_connection *connection, enum cause cause, const char *detail);

/* The same of what no exchange stands for, which counts it when it ends: counts it, too. */
void http_connection_refuse(struct http_connection *connection, enum cause cause, const char *detail);

/* Calls the session's on_readable at the end of this turn, whether or not epoll reports anything. */
void http_connection_read_again(struct http_connection *connection);
