/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an HTTP/2 connection. Bytes are read into a borrowed buffer and handed to the framing at once, and what it has to
 * say is gathered in a few buffers and written when all of it is known: neither is held while the connection waits. The connection's
 * phase says whether it is idle, blocked, or in the middle of a head; each stream has clocks of its own besides. */
#include "http/h2/h2_session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "http/client_table.h"
#include "http/engine_metrics.h"
#include "http/h2/h2_state.h"

/* Reads before others have their turn. */
#define READS_IN_A_ROW 8

/* Bytes that one connection may send before others have their turn. */
#define SEND_BUDGET (1u << 20)

/* Buffers that are filled before they leave with one write: as many as fit, sealed, into what is sent at once (64 KiB). */
#define BATCH_MAX 3

#define SWEEP_MSEC 1000

/* From the announcement of the end until it is final: a request that the client sent before it knew arrives by then. */
#define END_MSEC 500

/* How long a client may go on with a body after the response's end before its stream is reset. */
#define RESET_MSEC 1000

/* Frames that may wait for a client that does not read before nothing more is read from it. */
#define QUEUE_MAX 512

static const struct config_http *settings(const struct h2_session *session) {
        return &session->connection->worker->generation->shared->config->root.http;
}

static uint64_t now_of(const struct h2_session *session) {
        return loop_now(session->connection->worker->loop);
}

int h2_session_abort(struct h2_session *session, enum h2_error error_code, enum cause cause, const char *detail) {
        if (!session->is_aborted) {
                session->is_aborted = true;
                http_connection_refuse(session->connection, cause, detail);
                (void) h2_framing_abort(session->framing, error_code);
        }
        return -ECONNABORTED;
}

static int charge(struct h2_session *session, const char *excess) {
        struct http_connection *connection = session->connection;
        if (!excess)
                return 0;
        client_table_note_flood(connection->worker->services->clients, &connection->peer.any, now_of(session));
        return h2_session_abort(session, H2_ENHANCE_YOUR_CALM, CAUSE_HTTP2_FLOOD, excess);
}

static void drain_tunnels(struct h2_session *session) {
        list_for_each (link, &session->streams) {
                struct http_exchange *exchange = list_entry(link, struct h2_stream, link)->exchange;
                if (exchange->on_drain)
                        exchange->on_drain(exchange);
        }
}

/* Two steps, so that no request is lost that is under way (RFC 9113 section 6.8). */
static void end_orderly(struct http_connection *connection) {
        struct h2_session *session = connection->session_state;
        if (connection->worker->is_draining)
                drain_tunnels(session);
        if (session->is_ending)
                return;
        session->is_ending = true;
        session->end_at = now_of(session) + END_MSEC;
        (void) h2_framing_announce_end(session->framing);
        loop_timer_start(connection->worker->loop, &session->sweep, session->end_at);
        h2_session_wake(session);
}

/* Events of the framing. */

static int on_frame(void *userdata, enum h2_frame type, unsigned flags, size_t length, bool is_late) {
        struct h2_session *session = userdata;
        return charge(session, h2_accounts_frame(&session->accounts, &settings(session)->http2, now_of(session), type,
                                                 flags, length, is_late));
}

static void on_reset_sent(void *userdata, uint32_t error_code) {
        struct h2_session *session = userdata;
        (void) error_code;
        (void) charge(session, h2_accounts_reset(&session->accounts, &settings(session)->http2, now_of(session)));
}

static void on_abort_sent(void *userdata, uint32_t error_code, const char *detail) {
        struct h2_session *session = userdata;
        (void) error_code;
        if (!session->is_aborted) {
                session->is_aborted = true;
                http_connection_refuse(session->connection, CAUSE_HTTP2_MALFORMED, detail[0] ? detail : NULL);
        }
}

static int on_head_begin(void *userdata, int32_t id, void **ret_stream) {
        struct h2_session *session = userdata;
        struct h2_stream *stream;
        int r = h2_request_begin(session, id, &stream);
        if (r < 0)
                return r;
        if (!timer_is_started(&session->sweep))
                loop_timer_start(session->connection->worker->loop, &session->sweep, now_of(session) + SWEEP_MSEC);
        session->had_stream = true;
        if (++session->requests == (uint64_t) settings(session)->limits.max_requests)
                end_orderly(session->connection);
        *ret_stream = stream;
        return 0;
}

static int on_field(void *userdata, void *stream, struct slice name, struct slice value) {
        (void) userdata;
        return h2_request_field(stream, name, value);
}

static int on_head_end(void *userdata, void *stream, bool is_end) {
        struct h2_session *session = userdata;
        h2_request_head(stream, is_end);
        return session->is_aborted ? -ECONNABORTED : 0;
}

static int on_trailers_end(void *userdata, void *stream) {
        (void) userdata;
        h2_request_trailers(stream);
        return 0;
}

static int on_data(void *userdata, void *stream, struct slice bytes) {
        (void) userdata;
        return h2_request_data(stream, bytes);
}

static int on_end(void *userdata, void *stream) {
        (void) userdata;
        h2_request_end(stream);
        return 0;
}

static void on_close(void *userdata, void *stream_, uint32_t error_code) {
        struct h2_stream *stream = stream_;
        (void) userdata, (void) error_code;
        if (!stream->is_ended && stream->exchange->response.cause == CAUSE_NONE)
                stream->exchange->response.cause = CAUSE_CLIENT_CLOSED;
        h2_request_close(stream);
}

static ssize_t on_read_body(void *userdata, void *stream, char *room, size_t size, bool *ret_is_end) {
        (void) userdata;
        return h2_response_read(stream, room, size, ret_is_end);
}

static bool on_end_body(void *userdata, void *stream, int32_t id) {
        (void) userdata, (void) id;
        return h2_response_end(stream);
}

static const struct h2_events events = {
        .on_frame = on_frame,
        .on_reset_sent = on_reset_sent,
        .on_abort_sent = on_abort_sent,
        .on_head_begin = on_head_begin,
        .on_field = on_field,
        .on_head_end = on_head_end,
        .on_trailers_end = on_trailers_end,
        .on_data = on_data,
        .on_end = on_end,
        .on_close = on_close,
        .read_body = on_read_body,
        .end_body = on_end_body,
};

/* What the connection waits for now. */
static void settle(struct h2_session *session) {
        struct http_connection *connection = session->connection;
        struct http_worker *worker = connection->worker;
        if (connection->is_dead || connection->is_lingering)
                return;
        if (!session->is_blocked && h2_framing_is_over(session->framing)) {
                http_connection_linger(connection);
                return;
        }
        enum http_phase phase = HTTP_PHASE_HANDLER;
        if (session->is_blocked)
                phase = HTTP_PHASE_SEND;
        else if (h2_framing_is_in_head(session->framing))
                phase = HTTP_PHASE_HEAD;
        else if (list_is_empty(&session->streams))
                phase = worker->is_draining ? HTTP_PHASE_DRAIN : HTTP_PHASE_KEEP_ALIVE;
        /* Anew after each request: the time runs from the last one. */
        if (connection->phase != phase || (phase == HTTP_PHASE_KEEP_ALIVE && session->had_stream))
                http_connection_set_phase(connection, phase);
        session->had_stream = false;

        bool holds_head = h2_framing_is_in_head(session->framing) && !session->is_aborted;
        if (http_connection_hold_head(connection, holds_head ? (uint32_t) settings(session)->limits.max_head : 0) < 0) {
                (void) h2_session_abort(session, H2_ENHANCE_YOUR_CALM, CAUSE_TOO_MANY_HEADS, NULL);
                h2_session_wake(session);
        }

        uint32_t watched = session->is_blocked ? EPOLLOUT : 0;
        if (!session->is_aborted && h2_framing_queue_length(session->framing) < QUEUE_MAX)
                watched |= EPOLLIN;
        http_connection_watch(connection, watched);
}

static void drop_out(struct h2_session *session) {
        while (session->out) {
                struct buffer *buffer = session->out;
                session->out = buffer->next;
                buffer_put(&session->connection->worker->buffers, buffer);
        }
}

/* Fills a batch with frames. 1 when there are more than it takes, 0 when there are none beyond it, or an error. */
static int fill_out(struct h2_session *session) {
        struct buffer_pool *pool = &session->connection->worker->buffers;
        struct buffer **link = &session->out;
        int r = 1;
        for (unsigned i = 0; r > 0 && i < session->batch; i++) {
                struct buffer *buffer = buffer_get(pool);
                if (!buffer)
                        return -ENOMEM;
                r = h2_framing_write(session->framing, buffer);
                if (buffer_length(buffer) == 0) {
                        buffer_put(pool, buffer);
                        break;
                }
                *link = buffer;
                link = &buffer->next;
        }
        return r;
}

/* Gives back what was written, or the part of it that fills whole buffers. */
static void out_written(struct h2_session *session, size_t length) {
        while (length > 0) {
                struct buffer *buffer = session->out;
                size_t taken = MIN_OF(length, buffer_length(buffer));
                buffer->start += (uint32_t) taken;
                length -= taken;
                if (buffer_length(buffer) > 0)
                        break;
                session->out = buffer->next;
                buffer_put(&session->connection->worker->buffers, buffer);
        }
}

/* Writes what `out` has. Its bytes; negative when the transport takes no more, or the connection is dead. */
static ssize_t write_out(struct h2_session *session) {
        struct http_connection *connection = session->connection;
        ssize_t sent = 0;
        while (session->out) {
                struct iovec vector[BATCH_MAX];
                int count = 0;
                for (struct buffer *buffer = session->out; buffer; buffer = buffer->next)
                        vector[count++] = (struct iovec) { buffer->data + buffer->start, buffer_length(buffer) };
                ssize_t n = transport_write(connection->transport, vector, count, false);
                if (n == -EAGAIN) {
                        session->is_blocked = true;
                        session->batch = 1;
                        return n;
                }
                if (n < 0) {
                        http_connection_close(connection);
                        return n;
                }
                http_connection_progress(connection, (size_t) n);
                out_written(session, (size_t) n);
                sent += n;
        }
        session->batch = MIN_OF(2 * session->batch, (unsigned) BATCH_MAX);
        return sent;
}

static void flush(struct h2_session *session) {
        struct http_connection *connection = session->connection;
        uint64_t sent = 0;
        int more = 1;
        while (!connection->is_dead && !session->is_blocked && more > 0) {
                if (!session->out && (more = fill_out(session)) < 0) {
                        http_connection_close(connection);
                        break;
                }
                ssize_t n = write_out(session);
                if (n < 0)
                        break;
                sent += (uint64_t) n;
                /* Writable still: epoll says so again once the others had their turn. */
                if (sent >= SEND_BUDGET && more > 0)
                        session->is_blocked = true;
        }
}

static void process(struct h2_session *session) {
        session->is_processing = true;
        if (!session->is_blocked)
                flush(session);
        session->is_processing = false;
        settle(session);
}

void h2_session_wake(struct h2_session *session) {
        if (!session->is_processing && !session->connection->is_dead)
                loop_defer(session->connection->worker->loop, &session->flush);
}

static void on_flush(struct loop_deferred *deferred, void *userdata) {
        struct h2_session *session = userdata;
        (void) deferred;
        if (!session->connection->is_dead && !session->connection->is_lingering)
                process(session);
}

/* Hands bytes to the framing. False when the connection ends. */
static bool take(struct h2_session *session, struct slice bytes) {
        int r = h2_framing_read(session->framing, bytes);
        if (r >= 0)
                return true;
        if (r == -ECONNABORTED || r == -EPROTO) {
                /* What is told the client is written yet. */
                if (r == -EPROTO)
                        (void) h2_session_abort(session, H2_PROTOCOL_ERROR, CAUSE_HTTP2_MALFORMED,
                                                h2_framing_fault(session->framing));
                return false;
        }
        http_connection_close(session->connection);
        return false;
}

static void on_readable(struct http_connection *connection) {
        struct h2_session *session = connection->session_state;
        struct buffer_pool *pool = &connection->worker->buffers;
        struct buffer *in = buffer_get(pool);
        if (!in) {
                http_connection_close(connection);
                return;
        }
        session->is_processing = true;
        bool again = false;
        for (unsigned i = 0; !connection->is_dead && !session->is_aborted; i++) {
                if (i == READS_IN_A_ROW) {
                        again = true;
                        break;
                }
                ssize_t n = transport_read(connection->transport, in->data, BUFFER_SIZE);
                if (n == -EAGAIN)
                        break;
                if (n <= 0) {
                        http_connection_close(connection);
                        break;
                }
                if (connection->phase == HTTP_PHASE_HEAD)
                        http_connection_progress(connection, (size_t) n);
                if (!take(session, (struct slice) { in->data, (size_t) n }))
                        break;
                if (n < BUFFER_SIZE && !connection->transport->is_readable)
                        break;
        }
        buffer_put(pool, in);
        session->is_processing = false;
        if (connection->is_dead)
                return;
        process(session);
        if (again)
                http_connection_read_again(connection);
}

static void on_writable(struct http_connection *connection) {
        struct h2_session *session = connection->session_state;
        session->is_blocked = false;
        process(session);
}

static void on_timeout(struct http_connection *connection, enum cause cause) {
        struct h2_session *session = connection->session_state;
        switch (connection->phase) {
        case HTTP_PHASE_HEAD:
                (void) h2_session_abort(session, H2_ENHANCE_YOUR_CALM, cause, NULL);
                process(session);
                break;
        case HTTP_PHASE_SEND:
                list_for_each (link, &session->streams) {
                        struct h2_stream *stream = list_entry(link, struct h2_stream, link);
                        stream->exchange->response.cause = cause;
                }
                http_connection_close(connection);
                break;
        default:
                (void) h2_framing_end(session->framing);
                process(session);
                if (!connection->is_dead && !connection->is_lingering)
                        http_connection_linger(connection);
                break;
        }
}

/* Whether the client lets the connection send: its window is open, or others than this stream use it up and go on. */
static bool is_moving(struct h2_session *session) {
        return h2_framing_has_connection_window(session->framing) ||
               session->data_sent - session->data_swept > settings(session)->timeouts.send.minimum_rate;
}

/* Looks whether a stream's body comes, or its response is taken, fast enough. */
static void check_stream(struct h2_session *session, struct h2_stream *stream, uint64_t now) {
        const struct config_http_timeouts *timeouts = &settings(session)->timeouts;
        struct http_exchange *exchange = stream->exchange;
        if (stream->is_reading && !stream->is_tunnel && !stream->is_paused && !stream->is_dropped &&
            !stream->peer_ended && http_phase_clock_check(&stream->body_clock, &timeouts->body, now) <= now) {
                h2_request_abort_body(stream, CAUSE_BODY_TOO_SLOW, NULL, H2_CANCEL);
                return;
        }
        if (!stream->is_submitted)
                return;
        if (stream->is_ended) {
                if (!stream->peer_ended && now >= stream->send_clock.progress + RESET_MSEC)
                        (void) h2_framing_reset(session->framing, stream->id, H2_NO_ERROR);
                return;
        }
        /* Only a window that the client keeps shut is the client's doing. */
        if (stream->is_waiting || (h2_framing_has_stream_window(session->framing, stream->id) && is_moving(session))) {
                http_phase_clock_start(&stream->send_clock, now);
                h2_stream_end_slow_read(stream);
        } else if (http_phase_clock_check(&stream->send_clock, &timeouts->send, now) <= now) {
                exchange->response.cause = CAUSE_SEND_TOO_SLOW;
                (void) h2_framing_reset(session->framing, stream->id, H2_CANCEL);
        } else if (!stream->is_slow_read && now - stream->send_clock.started >= HTTP_SLOW_READ_MSEC) {
                stream->is_slow_read = http_connection_charge(session->connection, CLIENT_SLOW_READS, 1) >= 0;
                if (stream->is_slow_read)
                        return;
                exchange->response.cause = CAUSE_TOO_MANY_SLOW_READS;
                http_connection_log_refusal(session->connection, CAUSE_TOO_MANY_SLOW_READS, NULL);
                (void) h2_framing_reset(session->framing, stream->id, H2_CANCEL);
        }
}

static void on_sweep(struct timer *timer, void *userdata) {
        struct h2_session *session = userdata;
        uint64_t now = now_of(session);
        if (session->connection->is_dead || session->connection->is_lingering)
                return;
        session->is_processing = true;
        if (session->end_at && now >= session->end_at) {
                session->end_at = 0;
                (void) h2_framing_end(session->framing);
        }
        list_for_each (link, &session->streams)
                check_stream(session, list_entry(link, struct h2_stream, link), now);
        session->data_swept = session->data_sent;
        session->is_processing = false;
        if (!list_is_empty(&session->streams) || session->end_at)
                loop_timer_start(session->connection->worker->loop, timer,
                                 session->end_at ? MIN_OF(session->end_at, now + SWEEP_MSEC) : now + SWEEP_MSEC);
        process(session);
}

static void session_free(struct http_connection *connection) {
        struct h2_session *session = connection->session_state;
        loop_timer_stop(connection->worker->loop, &session->sweep);
        loop_deferred_cancel(&session->flush);
        list_for_each (link, &session->streams) {
                struct h2_stream *stream = list_entry(link, struct h2_stream, link);
                if (stream->exchange->response.cause == CAUSE_NONE)
                        stream->exchange->response.cause = CAUSE_CLIENT_CLOSED;
                h2_request_close(stream);
        }
        h2_framing_free(session->framing);
        drop_out(session);
        free(session);
}

static const struct http_session_operations operations = {
        .on_readable = on_readable,
        .on_writable = on_writable,
        .on_timeout = on_timeout,
        .drain = end_orderly,
        .refresh = end_orderly,
        .free = session_free,
};

/* Whether this client was cut for a flood so short a time ago that coming back would give it the burst anew. */
static bool has_flooded(const struct h2_session *session) {
        const struct http_connection *connection = session->connection;
        uint64_t at = client_table_flooded_at(connection->worker->services->clients, &connection->peer.any);
        return at != 0 && now_of(session) < at + H2_BURST_MSEC;
}

int h2_session_start(struct http_connection *connection) {
        struct h2_session *session = calloc(1, sizeof(*session));
        if (!session)
                return -ENOMEM;
        session->connection = connection;
        session->batch = BATCH_MAX;
        list_init(&session->streams);
        timer_init(&session->sweep, on_sweep, session);
        loop_deferred_init(&session->flush, on_flush, session);
        const struct config_http *config = settings(session);
        const struct h2_framing_options options = {
                .events = &events,
                .userdata = session,
                .pool = &connection->worker->blocks,
                .max_streams = (uint32_t) config->http2.max_streams,
                .max_head = (uint32_t) config->limits.max_head,
                .stream_window = (uint32_t) config->http2.stream_window,
        };
        int r = h2_framing_new(&options, &session->framing);
        if (r < 0) {
                free(session);
                return r;
        }
        if (has_flooded(session))
                h2_accounts_spend_burst(&session->accounts, &config->http2, now_of(session));
        connection->session = &operations;
        connection->session_state = session;
        http_connection_set_phase(connection, HTTP_PHASE_HEAD);
        h2_session_wake(session);
        return 0;
}

int h2_session_take_over(struct http_connection *connection, struct slice bytes) {
        int r = h2_session_start(connection);
        if (r < 0)
                return r;
        struct h2_session *session = connection->session_state;
        session->is_processing = true;
        (void) take(session, bytes);
        session->is_processing = false;
        if (!connection->is_dead)
                process(session);
        return 0;
}
