/* SPDX-License-Identifier: Apache-2.0 */
/* Holds nothing beside the connection: the transport knows how far the handshake is. */
#include "http/handshake.h"

#include <errno.h>
#include <sys/epoll.h>

#include "http/engine_metrics.h"
#include "http/h1/h1_session.h"
#include "http/h2/h2_session.h"
#include "tls/tls_transport.h"

static void start_session(struct http_connection *connection) {
        bool is_http2 = connection->transport->is_secure &&
                        tls_transport_protocol(connection->transport) == TLS_PROTOCOL_HTTP2;
        if ((is_http2 ? h2_session_start(connection) : h1_session_start(connection)) < 0)
                http_connection_close(connection);
}

/* The client speaks plain HTTP on a port for TLS: it is told so in its own language. */
static void answer_plainly(struct http_connection *connection) {
        int fd = connection->transport->fd;
        transport_free(connection->transport);
        transport_init_plain(&connection->plain, fd);
        connection->transport = &connection->plain;
        start_session(connection);
        if (!connection->is_dead)
                h1_session_refuse(connection, CAUSE_TLS_REQUIRED, "plain HTTP was spoken to a port for TLS");
}

static void proceed(struct http_connection *connection) {
        struct http_worker *worker = connection->worker;
        const struct http_engine_metrics *ids = worker->services->ids;
        const char *detail = NULL;
        int r = transport_handshake(connection->transport, &detail);
        if (r == -EAGAIN) {
                http_connection_progress(connection, 1);
                http_connection_wait(connection);
                return;
        }
        if (r == -EPROTOTYPE) {
                metrics_increment(worker->metrics, ids->handshakes_failed);
                answer_plainly(connection);
                return;
        }
        if (r < 0) {
                metrics_increment(worker->metrics, ids->handshakes_failed);
                http_connection_refuse(connection, CAUSE_HANDSHAKE_FAILED, detail);
                http_connection_close(connection);
                return;
        }
        metrics_increment(worker->metrics, tls_transport_is_resumed(connection->transport) ? ids->handshakes_resumed
                                                                                           : ids->handshakes_full);
        http_connection_watch(connection, EPOLLIN);
        start_session(connection);
        /* The first request may have come with the end of the handshake and be in the transport already. If it is still with
         * the kernel, or on its way as after most handshakes, epoll tells. */
        if (!connection->is_dead && connection->transport->is_readable)
                connection->session->on_readable(connection);
}

static void on_timeout(struct http_connection *connection, enum cause cause) {
        http_connection_refuse(connection, cause, NULL);
        http_connection_close(connection);
}

/* The session that follows ends as soon as it may. */
static void drain(struct http_connection *connection) {
        (void) connection;
}

static void free_session(struct http_connection *connection) {
        (void) connection;
}

static const struct http_session_operations operations = {
        .on_readable = proceed,
        .on_writable = proceed,
        .on_timeout = on_timeout,
        .drain = drain,
        .free = free_session,
};

void http_handshake_start(struct http_connection *connection) {
        if (!connection->transport->is_secure) {
                start_session(connection);
                return;
        }
        connection->session = &operations;
        http_connection_set_phase(connection, HTTP_PHASE_HANDSHAKE);
}
