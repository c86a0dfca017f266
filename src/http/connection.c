/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life, from its descriptor to its end. Owns the descriptor, the transport, the
 * client's account and the one timer that watches over the phases; the session owns all else. */
#include "http/connection.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/engine_metrics.h"
#include "http/listener.h"
#include "shared/message_id.h"
#include "shared/network.h"
#include "shared/quantity.h"
#include "tls/tls_transport.h"

#define USEC_PER_MSEC 1000

/* More than any send buffer holds. */
#define SEND_BUFFER_MAX (UINT64_C(1) << 32)

/* How long a connection that was busy just now may take for one more request when the worker stops. */
#define DRAIN_USEC (500 * USEC_PER_MSEC)

static const struct config_http *settings(const struct http_connection *connection) {
        return &connection->worker->generation->shared->config->root.http;
}

/* The limits of the present phase. Those of one number are given as a deadline. */
static struct config_phase phase_limits(const struct http_connection *connection) {
        const struct config_http_timeouts *timeouts = &settings(connection)->timeouts;
        struct config_phase single = { .deadline = QUANTITY_INFINITY, .idle = QUANTITY_INFINITY };
        switch (connection->phase) {
        case HTTP_PHASE_HANDSHAKE:
                return timeouts->handshake;
        case HTTP_PHASE_HEAD:
                return timeouts->head;
        case HTTP_PHASE_BODY:
                return timeouts->body;
        case HTTP_PHASE_SEND:
                return timeouts->send;
        case HTTP_PHASE_KEEP_ALIVE:
                single.deadline = timeouts->keep_alive;
                return single;
        case HTTP_PHASE_DRAIN:
                single.deadline = DRAIN_USEC;
                return single;
        case HTTP_PHASE_LINGER:
                single.deadline = timeouts->linger;
                return single;
        case HTTP_PHASE_HANDLER:
                break;
        }
        return single;
}

static enum cause phase_cause(enum http_phase phase) {
        switch (phase) {
        case HTTP_PHASE_HANDSHAKE:
                return CAUSE_HANDSHAKE_TOO_SLOW;
        case HTTP_PHASE_HEAD:
                return CAUSE_HEAD_TOO_SLOW;
        case HTTP_PHASE_BODY:
                return CAUSE_BODY_TOO_SLOW;
        case HTTP_PHASE_SEND:
                return CAUSE_SEND_TOO_SLOW;
        default:
                return CAUSE_NONE;
        }
}

/* When the present phase has to be looked at next; at or before `now` when it is over its limits. */
static uint64_t phase_check(const struct http_connection *connection, uint64_t now) {
        const struct config_phase limits = phase_limits(connection);
        uint64_t check = http_phase_clock_check(&connection->clock, &limits, now);
        return connection->phase == HTTP_PHASE_SEND ? MIN_OF(check, now + HTTP_SLOW_READ_MSEC) : check;
}

int http_connection_charge(struct http_connection *connection, enum client_holding holding, uint32_t amount) {
        const struct config_clients *clients = &settings(connection)->clients;
        const uint64_t limits[CLIENT_HOLDINGS] = {
                [CLIENT_REQUESTS] = (uint64_t) clients->max_requests,
                [CLIENT_HEAD_MEMORY] = clients->max_head_memory,
                [CLIENT_SLOW_READS] = (uint64_t) clients->max_slow_reads,
        };
        return client_account_charge(connection->client, holding, amount, connection->is_exempt ? 0 : limits[holding]);
}

int http_connection_hold_head(struct http_connection *connection, uint32_t bytes) {
        if (connection->head_memory == bytes)
                return 0;
        client_account_release(connection->client, CLIENT_HEAD_MEMORY, connection->head_memory);
        connection->head_memory = 0;
        int r = http_connection_charge(connection, CLIENT_HEAD_MEMORY, bytes);
        if (r >= 0)
                connection->head_memory = bytes;
        return r;
}

static void end_slow_read(struct http_connection *connection) {
        if (connection->is_slow_read)
                client_account_release(connection->client, CLIENT_SLOW_READS, 1);
        connection->is_slow_read = false;
}

/* A client that reads slowly but steadily empties a full send buffer without our being told: epoll reports room only when a large
 * part of it is free. */
static void look_for_acknowledgements(struct http_connection *connection, uint64_t now) {
        int waiting = 0;
        if (ioctl(connection->transport->fd, SIOCOUTQ, &waiting) < 0)
                return;
        uint64_t taken = connection->clock.bytes + SEND_BUFFER_MAX - (uint64_t) waiting;
        if (taken > connection->acknowledged)
                connection->clock.progress = now;
        connection->acknowledged = taken;
}

/* Charges an answer that is taken slowly to the client's account. -EUSERS: it has too many of them. */
static int charge_slow_read(struct http_connection *connection, uint64_t now) {
        uint64_t elapsed = now - connection->clock.started;
        uint64_t taken = connection->acknowledged > SEND_BUFFER_MAX ? connection->acknowledged - SEND_BUFFER_MAX : 0;
        if (elapsed < HTTP_SLOW_READ_MSEC || taken >= settings(connection)->clients.slow_read_rate * (elapsed / 1000)) {
                end_slow_read(connection);
                return 0;
        }
        if (connection->is_slow_read)
                return 0;
        int r = http_connection_charge(connection, CLIENT_SLOW_READS, 1);
        connection->is_slow_read = r >= 0;
        return r;
}

static void on_timeout(struct timer *timer, void *userdata) {
        struct http_connection *connection = userdata;
        (void) timer;
        if (connection->phase == HTTP_PHASE_HANDLER)
                return;

        uint64_t now = loop_now(connection->worker->loop);
        if (connection->phase == HTTP_PHASE_SEND) {
                look_for_acknowledgements(connection, now);
                if (charge_slow_read(connection, now) < 0) {
                        http_connection_log_refusal(connection, CAUSE_TOO_MANY_SLOW_READS, NULL);
                        connection->session->on_timeout(connection, CAUSE_TOO_MANY_SLOW_READS);
                        return;
                }
        }
        uint64_t check = phase_check(connection, now);
        if (check > now) {
                if (check != UINT64_MAX)
                        loop_timer_start(connection->worker->loop, &connection->timer, check);
                return;
        }
        if (connection->is_lingering) {
                http_connection_close(connection);
                return;
        }
        connection->session->on_timeout(connection, phase_cause(connection->phase));
}

void http_connection_set_phase(struct http_connection *connection, enum http_phase phase) {
        uint64_t now = loop_now(connection->worker->loop);
        connection->phase = phase;
        http_phase_clock_start(&connection->clock, now);
        connection->acknowledged = 0;
        end_slow_read(connection);
        if (phase == HTTP_PHASE_HANDLER)
                return;

        /* The timer that runs is kept when it fires early enough: it looks and starts itself again. */
        uint64_t check = phase_check(connection, now + 1);
        if (check != UINT64_MAX && (!timer_is_started(&connection->timer) || check < connection->timer.deadline))
                loop_timer_start(connection->worker->loop, &connection->timer, check);
}

void http_connection_resume_clock(struct http_connection *connection, const struct http_phase_clock *clock) {
        connection->clock = *clock;
        http_phase_clock_resume(&connection->clock, loop_now(connection->worker->loop));
}

void http_connection_watch(struct http_connection *connection, uint32_t events) {
        if (connection->is_dead || connection->io.events == events)
                return;
        if (loop_io_change(connection->worker->loop, &connection->io, events) < 0)
                http_connection_close(connection);
}

void http_connection_wait(struct http_connection *connection) {
        http_connection_watch(connection, connection->transport->wants_write ? EPOLLOUT : EPOLLIN);
}

void http_connection_log_refusal(struct http_connection *connection, enum cause cause, const char *detail) {
        struct http_worker *worker = connection->worker;
        const struct cause_entry *entry = cause_entry(cause);

        if (!client_table_may_log(worker->services->clients, &connection->peer.any, loop_realtime(worker->loop))) {
                metrics_increment(worker->metrics, worker->services->ids->refusals_unlogged);
                return;
        }
        char peer[HTTP_PEER_TEXT_MAX];
        http_peer_text(&connection->peer, peer);
        const struct log_field fields[] = {
                { "CCODES_CAUSE", slice_of(entry->code) },
                { "CCODES_CLIENT", slice_of(peer) },
                { "CCODES_DETAIL", slice_of(detail ? detail : entry->sentence) },
        };
        log_event(worker->log, LOG_LEVEL_NOTICE, MESSAGE_ID_CLIENT_REFUSED, fields, ELEMENTS_OF(fields),
                  "%s: refused (%s): %s", peer, entry->code, detail ? detail : entry->sentence);
}

void http_connection_refuse(struct http_connection *connection, enum cause cause, const char *detail) {
        struct http_worker *worker = connection->worker;
        metrics_increment(worker->metrics, worker->services->ids->causes[cause]);
        http_connection_log_refusal(connection, cause, detail);
}

/* Reads and drops what a client still sends after our end. */
static void drop_input(struct http_connection *connection) {
        char dropped[4096];
        for (unsigned i = 0; i < 16; i++) {
                ssize_t n = transport_read(connection->transport, dropped, sizeof(dropped));
                if (n == -EAGAIN || (n > 0 && n < (ssize_t) sizeof(dropped)))
                        return;
                if (n <= 0) {
                        http_connection_close(connection);
                        return;
                }
        }
}

/* Says our end. False when the transport takes no more yet, or the connection is dead. */
static bool say_end(struct http_connection *connection) {
        int r = transport_shutdown(connection->transport);
        if (r == -EAGAIN)
                http_connection_wait(connection);
        else if (r < 0)
                http_connection_close(connection);
        else
                connection->is_shut_down = true;
        return connection->is_shut_down;
}

static void linger(struct http_connection *connection) {
        if (!connection->is_shut_down) {
                if (say_end(connection))
                        http_connection_watch(connection, EPOLLIN);
                return;
        }
        drop_input(connection);
}

/* A session that asked for both has both: one that always has something to send must hear the client all the same. */
static void on_room(struct http_connection *connection, bool is_readable) {
        connection->session->on_writable(connection);
        if (is_readable && !connection->is_dead && !connection->is_lingering)
                connection->session->on_readable(connection);
}

static void on_event(struct loop_io *io, uint32_t events, void *userdata) {
        struct http_connection *connection = userdata;
        (void) io;
        if (connection->is_lingering)
                linger(connection);
        else if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN))
                http_connection_close(connection);
        else if (!(events & EPOLLOUT))
                connection->session->on_readable(connection);
        else
                on_room(connection, events & EPOLLIN);
}

static void read_again(struct loop_deferred *deferred, void *userdata) {
        struct http_connection *connection = userdata;
        (void) deferred;
        if (!connection->is_dead && !connection->is_lingering)
                connection->session->on_readable(connection);
}

void http_connection_read_again(struct http_connection *connection) {
        if (!connection->is_dead)
                loop_defer(connection->worker->loop, &connection->again);
}

static int make_transport(struct http_connection *connection, int fd) {
        const struct http_generation *generation = connection->worker->generation->shared;
        struct tls_context *tls = generation->listeners[connection->listener->index].tls;
        if (tls)
                return tls_transport_new(tls, fd, &connection->transport);
        transport_init_plain(&connection->plain, fd);
        connection->transport = &connection->plain;
        return 0;
}

int http_connection_new(struct http_listener *listener, int fd, const struct sockaddr *address, socklen_t length,
                        struct http_connection **ret_connection) {
        struct http_worker *worker = listener->worker;
        struct http_connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;
        connection->worker = worker;
        connection->listener = listener;
        connection->io.fd = -1;
        list_init(&connection->link);
        timer_init(&connection->timer, on_timeout, connection);
        loop_deferred_init(&connection->again, read_again, connection);
        connection->peer = http_peer_of(address, length);

        struct ip_address ip;
        connection->is_exempt = ip_address_from_socket(address, &ip) &&
                                network_set_has(worker->generation->shared->exempt, &ip);
        int64_t limit = connection->is_exempt ? 0 : settings(connection)->clients.max_connections;
        int r = client_table_enter(worker->services->clients, address, limit, &connection->client);
        if (r >= 0)
                r = make_transport(connection, fd);
        if (r >= 0)
                r = loop_io_start(worker->loop, &connection->io, fd, EPOLLIN, on_event, connection);
        if (r < 0) {
                if (r == -EUSERS)
                        http_connection_log_refusal(connection, CAUSE_TOO_MANY_CONNECTIONS, NULL);
                if (connection->transport)
                        transport_free(connection->transport);
                client_table_leave(worker->services->clients, connection->client);
                free(connection);
                return r;
        }

        list_append(&worker->connections, &connection->link);
        worker->connection_count++;
        metrics_increment(worker->metrics, worker->services->ids->connections_open);
        *ret_connection = connection;
        return 0;
}

void http_connection_free(struct http_connection *connection) {
        int fd = connection->transport->fd;
        if (connection->session)
                connection->session->free(connection);
        if (!connection->is_dead) {
                loop_io_stop(connection->worker->loop, &connection->io);
                loop_timer_stop(connection->worker->loop, &connection->timer);
        }
        loop_deferred_cancel(&connection->again);
        list_remove(&connection->link);
        transport_free(connection->transport);
        (void) http_connection_hold_head(connection, 0);
        end_slow_read(connection);
        client_table_leave(connection->worker->services->clients, connection->client);
        close_fd(fd);
        free(connection);
}

void http_connection_close(struct http_connection *connection) {
        struct http_worker *worker = connection->worker;
        if (connection->is_dead)
                return;
        connection->is_dead = true;
        loop_io_stop(worker->loop, &connection->io);
        loop_timer_stop(worker->loop, &connection->timer);
        metrics_decrement(worker->metrics, worker->services->ids->connections_open);
        list_remove(&connection->link);
        list_append(&worker->dead, &connection->link);
        loop_defer(worker->loop, &worker->reaper);
}

void http_connection_linger(struct http_connection *connection) {
        if (connection->is_dead || connection->is_lingering)
                return;
        connection->is_lingering = true;
        http_connection_set_phase(connection, HTTP_PHASE_LINGER);
        if (say_end(connection))
                http_connection_watch(connection, EPOLLIN);
}
