/* SPDX-License-Identifier: Apache-2.0 */
/* The order of things on an HTTP/1 connection: bytes come, requests are taken from them one by one, and after each
 * step `settle` decides, in one place, what the connection waits for and which buffers go back. */
#include "http/h1/h1_session.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "http/h1/h1_state.h"
#include "http/h2/h2_session.h"

/* Full reads in a row before other connections have their turn. */
#define READS_IN_A_ROW 8

/* A connection that was idle for longer than this is not waited for when the worker stops. */
#define DRAIN_RECENT_MSEC 2000

static void put_buffers(struct h1_session *session) {
        struct buffer_pool *pool = &session->connection->worker->buffers;
        if (session->in && buffer_length(session->in) == 0 && !session->exchange) {
                buffer_put(pool, session->in);
                session->in = NULL;
        }
        if (session->out && buffer_length(session->out) == 0) {
                buffer_put(pool, session->out);
                session->out = NULL;
        }
}

static void set_phase(struct h1_session *session, enum http_phase phase) {
        if (session->connection->phase != phase)
                http_connection_set_phase(session->connection, phase);
}

static bool wants_input(const struct h1_session *session) {
        if (session->peer_ended || session->is_blocked)
                return false;
        return !session->exchange || (session->body != H1_FRAMING_NONE && session->is_reading && !session->is_paused);
}

static void settle_between_requests(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        if (!session->keep_alive || session->peer_ended) {
                http_connection_linger(connection);
                return;
        }
        enum http_phase phase = session->in                       ? HTTP_PHASE_HEAD
                                : connection->worker->is_draining ? HTTP_PHASE_DRAIN
                                : session->requests > 0           ? HTTP_PHASE_KEEP_ALIVE
                                                                  : HTTP_PHASE_HEAD;
        /* Anew after each request, but for nothing else that happens on the connection: the time runs from the last one. */
        if (session->has_finished || connection->phase != phase)
                http_connection_set_phase(connection, phase);
        session->has_finished = false;
        http_connection_watch(connection, EPOLLIN);
        if (http_connection_hold_head(connection, session->in ? BUFFER_SIZE : 0) < 0)
                h1_session_refuse(connection, CAUSE_TOO_MANY_HEADS, NULL);
}

/* The clock of a body goes on where it stood before the reader paused. */
static void watch_body(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        struct http_phase_clock *clock = &session->exchange->body_clock;
        if (connection->phase == HTTP_PHASE_BODY)
                return;
        http_connection_set_phase(connection, HTTP_PHASE_BODY);
        if (clock->progress > 0)
                http_connection_resume_clock(connection, clock);
}

static void pause_body(struct h1_session *session) {
        if (session->connection->phase == HTTP_PHASE_BODY)
                session->exchange->body_clock = session->connection->clock;
}

static void settle(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        if (connection->is_dead || connection->is_lingering)
                return;
        put_buffers(session);
        if (session->exchange)
                (void) http_connection_hold_head(connection, 0);
        if (session->is_blocked) {
                if (session->exchange)
                        pause_body(session);
                set_phase(session, HTTP_PHASE_SEND);
                http_connection_wait(connection);
        } else if (!session->exchange) {
                settle_between_requests(session);
        } else if (session->is_tunnel) {
                set_phase(session, HTTP_PHASE_HANDLER);
                http_connection_watch(connection, wants_input(session) ? EPOLLIN : 0);
        } else if (wants_input(session)) {
                watch_body(session);
                http_connection_watch(connection, EPOLLIN);
        } else {
                pause_body(session);
                /* Left watched: if input comes all the same, on_readable stops it, which most exchanges never need. */
                set_phase(session, HTTP_PHASE_HANDLER);
                if (connection->io.events & EPOLLOUT)
                        http_connection_watch(connection, EPOLLIN);
        }
        if (connection->transport->is_readable && wants_input(session))
                http_connection_read_again(connection);
}

/* The response is out. Ends the exchange if its request's body is in as well, or does not matter; otherwise begins to
 * drop the body. False when there is nothing to do but wait for it. */
static bool finish_exchange(struct h1_session *session) {
        if (session->body != H1_FRAMING_NONE && session->keep_alive) {
                if (h1_request_may_drop_body(session)) {
                        bool begins = !session->is_reading || session->is_paused;
                        session->is_reading = true;
                        session->is_paused = false;
                        session->exchange->reader = (struct http_body_reader) { 0 };
                        return begins;
                }
                session->keep_alive = false;
        }
        http_exchange_finish(session->exchange);
        session->exchange = NULL;
        session->has_finished = true;
        session->scanned = 0;
        if (!session->keep_alive && session->in)
                session->in->start = session->in->end;
        if (session->in && buffer_length(session->in) > 0 && session->keep_alive)
                buffer_compact(session->in);
        return true;
}

void h1_session_process(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        if (session->is_processing)
                return;
        session->is_processing = true;
        while (!connection->is_dead && !session->is_blocked) {
                if (!session->exchange) {
                        if (!session->keep_alive || !session->in || !h1_request_read_head(session))
                                break;
                        continue;
                }
                bool moved = h1_request_read_body(session);
                if (connection->is_dead)
                        break;
                if (session->is_ended)
                        moved |= finish_exchange(session);
                if (!moved)
                        break;
        }
        /* Answers to pipelined requests were gathered. */
        if (!connection->is_dead && !session->is_blocked && session->out && !session->exchange)
                (void) h1_response_flush(session, false);
        session->is_processing = false;
        settle(session);
}

static void on_end_of_input(struct h1_session *session) {
        session->peer_ended = true;
        session->keep_alive = false;
        if (session->is_tunnel) {
                session->body = H1_FRAMING_NONE;
                session->exchange->reader.on_end(session->exchange, session->exchange->reader.userdata);
                http_connection_watch(session->connection, 0);
                return;
        }
        if (!session->exchange || session->body != H1_FRAMING_NONE) {
                http_connection_close(session->connection);
                return;
        }
        /* It closed its half and waits for the answer. */
        http_connection_watch(session->connection, 0);
}

/* Whether the first bytes in clear text are those of HTTP/2's preface, or could become them. */
static bool may_be_http2(const struct h1_session *session) {
        const struct http_connection *connection = session->connection;
        size_t length = buffer_length(session->in);
        if (session->requests > 0 || session->exchange || connection->transport->is_secure ||
            !connection->worker->generation->shared->config->root.http.http2.enabled)
                return false;
        return memcmp(session->in->data + session->in->start, H2_PREFACE.data, MIN_OF(length, H2_PREFACE.length)) == 0;
}

/* Gives the connection, and what was read, over to HTTP/2. */
static void switch_to_http2(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        struct buffer *in = session->in;
        session->in = NULL;
        connection->session->free(connection);
        connection->session = NULL;
        if (h2_session_take_over(connection, (struct slice) { in->data + in->start, buffer_length(in) }) < 0)
                http_connection_close(connection);
        buffer_put(&connection->worker->buffers, in);
}

static void on_readable(struct http_connection *connection) {
        struct h1_session *session = connection->session_state;
        for (unsigned i = 0; wants_input(session); i++) {
                if (i == READS_IN_A_ROW) {
                        http_connection_read_again(connection);
                        return;
                }
                if (!session->in && !(session->in = buffer_get(&connection->worker->buffers))) {
                        http_connection_close(connection);
                        return;
                }
                size_t room = buffer_room(session->in);
                assert(room > 0);
                ssize_t n = transport_read(connection->transport, session->in->data + session->in->end, room);
                if (n == -EAGAIN) {
                        settle(session);
                        return;
                }
                if (n < 0) {
                        http_connection_close(connection);
                        return;
                }
                if (n == 0) {
                        on_end_of_input(session);
                        return;
                }
                session->in->end += (uint32_t) n;
                http_connection_progress(connection, (size_t) n);
                if (may_be_http2(session)) {
                        if (buffer_length(session->in) < H2_PREFACE.length)
                                settle(session);
                        else
                                switch_to_http2(session);
                        return;
                }
                h1_session_process(session);
                if (connection->is_dead || connection->is_lingering ||
                    ((size_t) n < room && !connection->transport->is_readable))
                        return;
        }
        /* What comes now has to wait until the present exchange has ended. */
        if (!connection->is_dead && !session->is_blocked)
                http_connection_watch(connection, 0);
}

static void on_writable(struct http_connection *connection) {
        struct h1_session *session = connection->session_state;
        session->is_blocked = false;
        if (session->out && h1_response_flush(session, false) < 0) {
                settle(session);
                return;
        }
        if (session->exchange && session->exchange->is_responded && !session->is_ended)
                h1_response_pump(session);
        h1_session_process(session);
}

/* The answer may be out already, with this as all that the exchange waited for. It lasts until it was told. */
static void on_body_timeout(struct h1_session *session, enum cause cause) {
        session->is_processing = true;
        h1_request_fail_body(session, cause, NULL);
        session->is_processing = false;
        h1_session_process(session);
}

static void on_timeout(struct http_connection *connection, enum cause cause) {
        struct h1_session *session = connection->session_state;
        switch (connection->phase) {
        case HTTP_PHASE_HEAD:
                if (session->in)
                        h1_session_refuse(connection, cause, NULL);
                else
                        http_connection_linger(connection);
                break;
        case HTTP_PHASE_BODY:
                on_body_timeout(session, cause);
                break;
        case HTTP_PHASE_SEND:
                if (session->exchange)
                        session->exchange->response.cause = cause;
                http_connection_close(connection);
                break;
        default:
                http_connection_linger(connection);
                break;
        }
}

void h1_session_refuse(struct http_connection *connection, enum cause cause, const char *detail) {
        struct h1_session *session = connection->session_state;
        h1_request_refuse(session, cause, detail);
        h1_session_process(session);
}

static void drain(struct http_connection *connection) {
        struct h1_session *session = connection->session_state;
        if (session->exchange && session->exchange->on_drain)
                session->exchange->on_drain(session->exchange);
        if (session->exchange || session->in)
                return;
        if (session->requests > 0 && loop_now(connection->worker->loop) - connection->clock.started > DRAIN_RECENT_MSEC)
                http_connection_linger(connection);
        else
                http_connection_set_phase(connection, HTTP_PHASE_DRAIN);
}

static void session_free(struct http_connection *connection) {
        struct h1_session *session = connection->session_state;
        struct buffer_pool *pool = &connection->worker->buffers;
        if (session->exchange) {
                if (session->exchange->response.cause == CAUSE_NONE)
                        session->exchange->response.cause = CAUSE_CLIENT_CLOSED;
                http_exchange_finish(session->exchange);
        }
        buffer_put(pool, session->in);
        buffer_put(pool, session->out);
        free(session);
}

static const struct http_session_operations operations = {
        .on_readable = on_readable,
        .on_writable = on_writable,
        .on_timeout = on_timeout,
        .drain = drain,
        .free = session_free,
};

int h1_session_start(struct http_connection *connection) {
        struct h1_session *session = calloc(1, sizeof(*session));
        if (!session)
                return -ENOMEM;
        session->connection = connection;
        session->keep_alive = true;
        connection->session = &operations;
        connection->session_state = session;
        http_connection_set_phase(connection, connection->worker->is_draining ? HTTP_PHASE_DRAIN : HTTP_PHASE_HEAD);
        return 0;
}
