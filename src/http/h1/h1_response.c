/* SPDX-License-Identifier: Apache-2.0 */
/* From an exchange to bytes. The head, and bodies that are small, are gathered in one buffer and leave with one write,
 * together with the answers to pipelined requests; larger ones go out from where they are, beside it or by sendfile. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/h1/h1_state.h"
#include "http/problem.h"
#include "http/status.h"
#include "shared/text.h"

/* Memory segments up to this size are copied behind the head: cheaper than a vector of two. */
#define COPY_MAX 8192

/* Bytes that one connection may send before others have their turn. */
#define SEND_BUDGET (4u << 20)

/* What is left of a file up to this size is gathered with the head for a transport that copies; above it the transport reads
 * larger pieces than a buffer takes, and sends several records at once. */
#define COPY_FILE_MAX (2 * BUFFER_SIZE)

/* Bytes that leave at once over a plain transport: with a head before them one segment of the loopback, and about as much as a
 * network card splits by itself. The client works on one piece while the next is made, and congestion control that paces (BBR)
 * sees how fast each went, where it would have the kernel wait in the middle of a longer one. */
#define PIECE_MAX (60u << 10)

#define CHUNK_MAX (1u << 20)

/* "fffff\r\n", the longest size line of a chunk, and the CR LF after the chunk before it. */
#define CHUNK_LINE_MAX 16

static void fail(struct h1_session *session, enum cause cause) {
        session->exchange->response.cause = cause;
        http_connection_close(session->connection);
}

static struct buffer *out_buffer(struct h1_session *session) {
        if (!session->out && !(session->out = buffer_get(&session->connection->worker->buffers)))
                fail(session, CAUSE_OUT_OF_MEMORY);
        return session->out;
}

/* Takes what was written off `out`. */
static void out_written(struct buffer *out, size_t length) {
        out->start += (uint32_t) length;
        if (out->start == out->end)
                out->start = out->end = 0;
}

int h1_response_flush(struct h1_session *session, bool more) {
        struct http_connection *connection = session->connection;
        struct buffer *out = session->out;
        while (out && buffer_length(out) > 0) {
                struct iovec vector = { out->data + out->start, buffer_length(out) };
                ssize_t n = transport_write(connection->transport, &vector, 1, more);
                if (n == -EAGAIN) {
                        session->is_blocked = true;
                        return -EAGAIN;
                }
                if (n < 0) {
                        http_connection_close(connection);
                        return (int) n;
                }
                http_connection_progress(connection, (size_t) n);
                out_written(out, (size_t) n);
        }
        return 0;
}

/* Makes room for `length` bytes in `out`. False when the transport takes no more, or the connection is dead. */
static bool reserve(struct h1_session *session, size_t length) {
        assert(length <= BUFFER_SIZE);
        if (!out_buffer(session))
                return false;
        if (buffer_room(session->out) >= length)
                return true;
        if (h1_response_flush(session, true) < 0)
                return false;
        return true;
}

static void append(struct buffer *out, struct slice bytes) {
        memcpy(out->data + out->end, bytes.data, bytes.length);
        out->end += (uint32_t) bytes.length;
}

static void append_field(struct buffer *out, const struct http_head_field *field) {
        append(out, field->name);
        append(out, SLICE_LITERAL(": "));
        append(out, field->value);
        append(out, SLICE_LITERAL("\r\n"));
}

static size_t head_size(const struct http_response *response) {
        size_t size = 512; /* the status line and the session's own fields */
        if (response->block)
                size += response->block->text.length;
        for (size_t i = 0; i < response->extra_count; i++)
                size += response->extra[i].name.length + response->extra[i].value.length + 4;
        return size;
}

/* Whether there is more in `in` than the present request. */
static bool has_input(const struct h1_session *session) {
        return session->in && session->in->end > session->in->start;
}

/* From here on nothing is delimited, and no request follows. */
static void open_tunnel(struct h1_session *session) {
        session->is_tunnel = true;
        session->keep_alive = session->is_chunked = session->in_chunk = false;
        session->response_left = UINT64_MAX;
        session->body = H1_FRAMING_LENGTH;
        session->body_left = UINT64_MAX;
        session->is_reading = true;
        session->is_paused = false;
}

/* How the body is delimited, and whether another request may follow. */
static void decide_framing(struct h1_session *session) {
        struct http_exchange *exchange = session->exchange;
        struct http_response *response = &exchange->response;
        if (response->is_tunnel) {
                open_tunnel(session);
                return;
        }
        bool has_body = response->body && exchange->request.method != HTTP_METHOD_HEAD &&
                        !http_status_is_bodyless(response->status);

        if (!response->body && response->content_length < 0 && exchange->request.method != HTTP_METHOD_HEAD)
                response->content_length = 0;
        session->is_chunked = has_body && response->content_length < 0 && !session->is_http10;
        session->in_chunk = false;
        if (has_body && response->content_length < 0 && session->is_http10)
                session->keep_alive = false;
        session->response_left = !has_body                       ? 0
                                 : response->content_length >= 0 ? (uint64_t) response->content_length
                                                                 : UINT64_MAX;
        /* Requests that have come already are answered yet when the worker stops. */
        bool is_last = exchange->worker->is_draining && !has_input(session);
        if (exchange->close || is_last || session->peer_ended ||
            (session->body != H1_FRAMING_NONE && !exchange->reader.on_data && !h1_request_may_drop_body(session)))
                session->keep_alive = false;
}

static void write_head(struct h1_session *session) {
        struct http_exchange *exchange = session->exchange;
        const struct http_response *response = &exchange->response;
        struct buffer *out = session->out;

        append(out, http_status_line(response->status));
        append(out, http_worker_date_line(exchange->worker));
        if (http_exchange_config(exchange)->http.server_field)
                append(out, SLICE_LITERAL("Server: ccodes\r\n"));
        if (response->block)
                append(out, response->block->text);
        for (size_t i = 0; i < response->extra_count; i++)
                append_field(out, &response->extra[i]);
        if (session->is_chunked) {
                append(out, SLICE_LITERAL("Transfer-Encoding: chunked\r\n"));
        } else if (response->content_length >= 0 && !http_status_is_bodyless(response->status)) {
                append(out, SLICE_LITERAL("Content-Length: "));
                out->end += (uint32_t) format_unsigned((uint64_t) response->content_length, out->data + out->end);
                append(out, SLICE_LITERAL("\r\n"));
        }
        if (session->is_tunnel) {
                append(out, SLICE_LITERAL("Connection: Upgrade\r\nUpgrade: "));
                append(out, exchange->request.upgrade);
                append(out, SLICE_LITERAL("\r\n"));
        } else if (response->upgrade.data) {
                append(out, session->keep_alive ? SLICE_LITERAL("Connection: Upgrade\r\nUpgrade: ")
                                                : SLICE_LITERAL("Connection: Upgrade, close\r\nUpgrade: "));
                append(out, response->upgrade);
                append(out, SLICE_LITERAL("\r\n"));
        } else if (!session->keep_alive)
                append(out, SLICE_LITERAL("Connection: close\r\n"));
        else if (session->is_http10)
                append(out, SLICE_LITERAL("Connection: keep-alive\r\n"));
        append(out, SLICE_LITERAL("\r\n"));
}

/* Writes the head into `out`. False when there is no room yet, or the connection is dead. */
static bool start(struct h1_session *session) {
        struct http_exchange *exchange = session->exchange;
        if (head_size(&exchange->response) > BUFFER_SIZE) {
                exchange->detail = "the response's head is larger than a buffer";
                http_problem_prepare(exchange, CAUSE_INTERNAL_ERROR);
        }
        if (!reserve(session, head_size(&exchange->response)))
                return false;
        decide_framing(session);
        write_head(session);
        session->is_started = true;
        return true;
}

static void count_sent(struct h1_session *session, size_t length) {
        struct http_exchange *exchange = session->exchange;
        exchange->response.body->operations->consume(exchange->response.body, length);
        exchange->body_sent += length;
        if (session->response_left != UINT64_MAX)
                session->response_left -= length;
}

/* Writes `out` and a memory segment together. */
static void send_memory(struct h1_session *session, const char *data, size_t length) {
        struct http_connection *connection = session->connection;
        struct buffer *out = out_buffer(session);
        if (!out)
                return;
        if (length <= COPY_MAX && length <= buffer_room(out)) {
                append(out, (struct slice) { data, length });
                count_sent(session, length);
                return;
        }
        size_t gathered = buffer_length(out);
        struct iovec vector[2] = { { out->data + out->start, gathered }, { (char *) data, length } };
        ssize_t n = gathered > 0 ? transport_write(connection->transport, vector, 2, false)
                                 : transport_write(connection->transport, vector + 1, 1, false);
        if (n == -EAGAIN) {
                session->is_blocked = true;
                return;
        }
        if (n < 0) {
                http_connection_close(connection);
                return;
        }
        http_connection_progress(connection, (size_t) n);
        size_t of_gathered = MIN_OF((size_t) n, gathered);
        if (of_gathered > 0)
                out_written(out, of_gathered);
        if ((size_t) n > of_gathered)
                count_sent(session, (size_t) n - of_gathered);
}

/* Copies file bytes behind what is gathered, for a transport that would copy them anyway. */
static void read_file(struct h1_session *session, const struct http_segment *segment, size_t length) {
        if (!reserve(session, MIN_OF(length, (size_t) BUFFER_SIZE / 2)))
                return;
        struct buffer *out = session->out;
        ssize_t n = pread(segment->fd, out->data + out->end, MIN_OF(length, buffer_room(out)), (off_t) segment->offset);
        if (n <= 0) {
                fail(session, n == 0 ? CAUSE_FILE_CHANGED : CAUSE_READ_FAILED);
                return;
        }
        out->end += (uint32_t) n;
        count_sent(session, (size_t) n);
}

static void send_file(struct h1_session *session, const struct http_segment *segment, size_t length) {
        struct http_connection *connection = session->connection;
        if (!connection->transport->is_zero_copy && length <= COPY_FILE_MAX) {
                read_file(session, segment, length);
                return;
        }
        if (h1_response_flush(session, true) < 0)
                return;
        ssize_t n = transport_send_file(connection->transport, segment->fd, (off_t) segment->offset, length, false);
        if (n == -EAGAIN) {
                session->is_blocked = true;
        } else if (n == 0) {
                fail(session, CAUSE_FILE_CHANGED);
        } else if (n < 0) {
                http_connection_close(connection);
        } else {
                http_connection_progress(connection, (size_t) n);
                count_sent(session, (size_t) n);
        }
}

/* Begins a chunk of at most the segment's length. */
static bool begin_chunk(struct h1_session *session, uint64_t available) {
        if (!reserve(session, CHUNK_LINE_MAX))
                return false;
        session->response_left = MIN_OF(available, (uint64_t) CHUNK_MAX);
        struct buffer *out = session->out;
        out->end += (uint32_t) snprintf(out->data + out->end, CHUNK_LINE_MAX, "%llx\r\n",
                                        (unsigned long long) session->response_left);
        session->in_chunk = true;
        return true;
}

static void end_chunk(struct h1_session *session) {
        if (!reserve(session, 2))
                return;
        append(session->out, SLICE_LITERAL("\r\n"));
        session->in_chunk = false;
}

/* The last chunk, and the trailers if there are any and the client takes them (RFC 9112 section 7.1.2). False as reserve. */
static bool end_chunks(struct h1_session *session) {
        const struct http_exchange *exchange = session->exchange;
        const struct http_response *response = &exchange->response;
        bool wants = http_fields_list_has(&exchange->request.fields, HTTP_FIELD_TE, SLICE_LITERAL("trailers"));
        size_t count = wants ? response->trailer_count : 0, size = CHUNK_LINE_MAX;
        for (size_t i = 0; i < count; i++)
                size += response->trailers[i].name.length + response->trailers[i].value.length + 4;
        if (size > BUFFER_SIZE) {
                fail(session, CAUSE_INTERNAL_ERROR);
                return false;
        }
        if (!reserve(session, size))
                return false;
        append(session->out, SLICE_LITERAL("0\r\n"));
        for (size_t i = 0; i < count; i++)
                append_field(session->out, &response->trailers[i]);
        append(session->out, SLICE_LITERAL("\r\n"));
        return true;
}

/* The body's source has no more. */
static void end_body(struct h1_session *session) {
        if (session->is_chunked) {
                if (!end_chunks(session))
                        return;
        } else if (session->response_left != 0 && session->response_left != UINT64_MAX) {
                /* Fewer bytes than announced: only the closed connection can say so. */
                fail(session, CAUSE_INTERNAL_ERROR);
                return;
        }
        session->is_ended = true;
}

/* One step of the body. False when there is nothing more to do now. */
static bool pump_once(struct h1_session *session) {
        if (session->in_chunk && session->response_left == 0) {
                end_chunk(session);
                return true;
        }
        if (!session->is_chunked && session->response_left == 0) {
                session->is_ended = true;
                return false;
        }
        struct http_segment segment;
        int r = http_exchange_peek(session->exchange, &segment);
        if (r == 0) {
                end_body(session);
                return true;
        }
        if (r == -EAGAIN) {
                (void) h1_response_flush(session, false);
                return false;
        }
        if (r < 0) {
                fail(session, http_body_cause(r));
                return false;
        }
        if (session->is_chunked && !session->in_chunk && !begin_chunk(session, segment.length))
                return false;
        size_t length = (size_t) MIN_OF(segment.length, session->response_left);
        if (!session->connection->transport->is_secure)
                length = MIN_OF(length, (size_t) PIECE_MAX);
        if (segment.type == HTTP_SEGMENT_MEMORY)
                send_memory(session, segment.data, length);
        else
                send_file(session, &segment, length);
        return true;
}

void h1_response_pump(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        struct http_exchange *exchange = session->exchange;
        if (!session->is_started && !start(session))
                return;

        uint64_t until = exchange->body_sent + SEND_BUDGET;
        while (!connection->is_dead && !session->is_blocked && !session->is_ended && pump_once(session)) {
                if (exchange->body_sent >= until) {
                        /* Writable still: epoll says so again once the others had their turn. */
                        connection->transport->wants_write = true;
                        session->is_blocked = true;
                }
        }
        if (connection->is_dead || !session->is_ended)
                return;
        /* With more requests waiting in `in`, their answers may leave together. */
        bool pipelined = session->is_processing && session->keep_alive && session->in &&
                         buffer_length(session->in) > 0 && session->body == H1_FRAMING_NONE;
        if (!pipelined)
                (void) h1_response_flush(session, false);
}

static void respond(struct http_exchange *exchange) {
        struct h1_session *session = exchange->connection->session_state;
        if (exchange->connection->is_dead)
                return;
        h1_response_pump(session);
        h1_session_process(session);
}

static void resume(struct http_exchange *exchange) {
        struct h1_session *session = exchange->connection->session_state;
        if (exchange->connection->is_dead)
                return;
        session->is_paused = false;
        if (exchange->is_responded && !session->is_ended && !session->is_blocked)
                h1_response_pump(session);
        h1_session_process(session);
}

static void inform(struct http_exchange *exchange, int status) {
        struct h1_session *session = exchange->connection->session_state;
        struct http_response *response = &exchange->response;
        if (exchange->connection->is_dead || session->is_http10 || exchange->is_responded)
                return;
        if (head_size(response) > BUFFER_SIZE) /* hints are worth no more than that */
                return;
        if (!reserve(session, head_size(response)))
                return;
        append(session->out, http_status_line(status));
        for (size_t i = 0; i < response->extra_count; i++)
                append_field(session->out, &response->extra[i]);
        append(session->out, SLICE_LITERAL("\r\n"));
        (void) h1_response_flush(session, false);
}

static void read_body(struct http_exchange *exchange) {
        struct h1_session *session = exchange->connection->session_state;
        if (exchange->connection->is_dead)
                return;
        session->is_reading = true;
        if (session->awaits_continue) {
                session->awaits_continue = false;
                size_t extra = exchange->response.extra_count;
                exchange->response.extra_count = 0;
                inform(exchange, 100);
                exchange->response.extra_count = extra;
        }
        h1_session_process(session);
}

const struct http_exchange_operations h1_exchange_operations = {
        .respond = respond,
        .resume = resume,
        .read_body = read_body,
        .inform = inform,
};
