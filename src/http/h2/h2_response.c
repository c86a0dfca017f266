/* SPDX-License-Identifier: Apache-2.0 */
/* From an exchange to the fields and the body of a stream. Fields are not copied: what they point to lives as long as the
 * exchange, which lives as long as the stream. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "http/engine_metrics.h"
#include "http/h2/h2_state.h"
#include "http/problem.h"
#include "http/status.h"
#include "shared/text.h"

/* What the session itself adds: :status, date, server, content-length. */
#define OWN_FIELDS 4

static struct slice format_number(struct http_exchange *exchange, uint64_t number) {
        char *text = arena_alloc(&exchange->arena, UNSIGNED_DIGITS_MAX);
        if (!text)
                return SLICE_NULL;
        return (struct slice) { text, format_unsigned(number, text) };
}

/* The value alone of a line "Name: value\r\n". */
static struct slice line_value(struct slice line) {
        size_t colon = (size_t) ((const char *) memchr(line.data, ':', line.length) - line.data);
        return (struct slice) { line.data + colon + 2, line.length - colon - 4 };
}

static size_t add_extra(const struct http_response *response, struct h2_field *fields, size_t count) {
        for (size_t i = 0; i < response->extra_count; i++)
                fields[count++] = (struct h2_field) { response->extra[i].name, response->extra[i].value };
        return count;
}

/* All fields of the response's head, or NULL without memory. */
static struct h2_field *make_head(struct h2_stream *stream, size_t *ret_count) {
        struct http_exchange *exchange = stream->exchange;
        const struct http_response *response = &exchange->response;
        size_t most = OWN_FIELDS + (response->block ? response->block->field_count : 0) + response->extra_count;
        struct h2_field *fields = arena_alloc(&exchange->arena, most * sizeof(*fields));
        if (!fields)
                return NULL;
        size_t count = 0;
        fields[count++] = (struct h2_field) { SLICE_LITERAL(":status"),
                                              http_status_digits(response->is_tunnel ? 200 : response->status) };
        fields[count++] = (struct h2_field) { SLICE_LITERAL("date"),
                                              line_value(http_worker_date_line(exchange->worker)) };
        if (http_exchange_config(exchange)->http.server_field)
                fields[count++] = (struct h2_field) { SLICE_LITERAL("server"), SLICE_LITERAL("ccodes") };
        for (size_t i = 0; response->block && i < response->block->field_count; i++)
                fields[count++] =
                                (struct h2_field) { response->block->fields[i].name, response->block->fields[i].value };
        count = add_extra(response, fields, count);
        if (response->content_length >= 0 && !http_status_is_bodyless(response->status)) {
                struct slice text = format_number(exchange, (uint64_t) response->content_length);
                if (!text.data)
                        return NULL;
                fields[count++] = (struct h2_field) { SLICE_LITERAL("content-length"), text };
        }
        *ret_count = count;
        return fields;
}

/* Whether a body follows the head, and how long it is. */
static bool decide_body(struct h2_stream *stream) {
        struct http_exchange *exchange = stream->exchange;
        struct http_response *response = &exchange->response;
        if (response->is_tunnel) {
                stream->response_left = UINT64_MAX;
                return true;
        }
        bool has_body = response->body && exchange->request.method != HTTP_METHOD_HEAD &&
                        !http_status_is_bodyless(response->status);
        if (!response->body && response->content_length < 0 && exchange->request.method != HTTP_METHOD_HEAD)
                response->content_length = 0;
        stream->response_left = response->content_length >= 0 ? (uint64_t) response->content_length : UINT64_MAX;
        return has_body && stream->response_left > 0;
}

static void reset(struct h2_stream *stream, enum cause cause) {
        stream->exchange->response.cause = cause;
        stream->is_ended = true;
        (void) h2_framing_reset(stream->session->framing, stream->id, H2_INTERNAL_ERROR);
}

/* Nothing is left to be sent, and what the client still sends is of no use. It is told so a moment later (see h2_session.c): clients that
 * are reset while they send lose the response that they have not read yet. */
static void end_response(struct h2_stream *stream) {
        stream->is_ended = true;
        if (!stream->peer_ended)
                stream->is_dropped = true;
}

static void respond(struct http_exchange *exchange) {
        struct h2_stream *stream = exchange->stream;
        struct h2_session *session = stream->session;
        if (exchange->connection->is_dead)
                return;
        size_t count;
        if (exchange->response.is_tunnel)
                h2_request_open_tunnel(stream);
        bool has_body = decide_body(stream);
        struct h2_field *fields = make_head(stream, &count);
        int r = fields ? h2_framing_submit_head(session->framing, stream->id, fields, count, has_body) : -ENOMEM;
        stream->is_submitted = true;
        if (r < 0)
                reset(stream, CAUSE_OUT_OF_MEMORY);
        else if (!has_body)
                end_response(stream);
        http_phase_clock_start(&stream->send_clock, loop_now(exchange->worker->loop));
        h2_session_wake(session);
}

static void resume(struct http_exchange *exchange) {
        struct h2_stream *stream = exchange->stream;
        if (exchange->connection->is_dead)
                return;
        if (stream->is_waiting) {
                stream->is_waiting = false;
                (void) h2_framing_resume(stream->session->framing, stream->id);
                http_phase_clock_start(&stream->send_clock, loop_now(exchange->worker->loop));
        }
        h2_request_resume_body(stream);
        h2_session_wake(stream->session);
}

static void inform(struct http_exchange *exchange, int status) {
        struct h2_stream *stream = exchange->stream;
        const struct http_response *response = &exchange->response;
        if (exchange->connection->is_dead || exchange->is_responded)
                return;
        struct h2_field *fields = arena_alloc(&exchange->arena, (1 + response->extra_count) * sizeof(*fields));
        if (!fields)
                return;
        fields[0] = (struct h2_field) { SLICE_LITERAL(":status"), http_status_digits(status) };
        size_t count = status == 100 ? 1 : add_extra(response, fields, 1);
        (void) h2_framing_submit_informational(stream->session->framing, stream->id, fields, count);
        h2_session_wake(stream->session);
}

static void read_body(struct http_exchange *exchange) {
        struct h2_stream *stream = exchange->stream;
        if (exchange->connection->is_dead)
                return;
        if (stream->awaits_continue && !exchange->is_responded) {
                stream->awaits_continue = false;
                inform(exchange, 100);
        }
        h2_request_read_body(stream);
        h2_session_wake(stream->session);
}

const struct http_exchange_operations h2_exchange_operations = {
        .respond = respond,
        .resume = resume,
        .read_body = read_body,
        .inform = inform,
};

/* Copies what a segment has, `size` bytes at most. 0 never; negative with the exchange's cause set. */
static ssize_t copy_segment(struct http_exchange *exchange, const struct http_segment *segment, char *room,
                            size_t size) {
        size_t length = (size_t) MIN_OF(segment->length, (uint64_t) size);
        if (segment->type == HTTP_SEGMENT_MEMORY) {
                memcpy(room, segment->data, length);
                return (ssize_t) length;
        }
        ssize_t n = pread(segment->fd, room, length, (off_t) segment->offset);
        if (n <= 0)
                exchange->response.cause = n == 0 ? CAUSE_FILE_CHANGED : CAUSE_READ_FAILED;
        return n > 0 ? n : -EIO;
}

ssize_t h2_response_read(struct h2_stream *stream, char *room, size_t size, bool *ret_is_end) {
        struct http_exchange *exchange = stream->exchange;
        struct http_body *body = exchange->response.body;
        size_t filled = 0;
        bool is_end = false;
        while (filled < size && !(is_end = stream->response_left == 0)) {
                struct http_segment segment;
                int r = http_exchange_peek(exchange, &segment);
                if (r == -EAGAIN && filled > 0)
                        break;
                stream->is_waiting = r == -EAGAIN;
                if (r == -EAGAIN)
                        return r;
                if (r < 0 || (r == 0 && stream->response_left != UINT64_MAX)) {
                        exchange->response.cause = r < 0 ? http_body_cause(r) : CAUSE_INTERNAL_ERROR;
                        return -EIO;
                }
                if ((is_end = r == 0))
                        break;
                ssize_t n = copy_segment(exchange, &segment, room + filled,
                                         (size_t) MIN_OF((uint64_t) (size - filled), stream->response_left));
                if (n < 0)
                        return n;
                body->operations->consume(body, (uint64_t) n);
                filled += (size_t) n;
                exchange->body_sent += (uint64_t) n;
                if (stream->response_left != UINT64_MAX)
                        stream->response_left -= (uint64_t) n;
        }
        http_phase_clock_progress(&stream->send_clock, loop_now(exchange->worker->loop), filled);
        h2_accounts_sent(&stream->session->accounts, stream->is_tunnel ? H2_SMALL_PART : filled);
        stream->session->data_sent += filled;
        if (is_end || stream->response_left == 0) {
                *ret_is_end = true;
                end_response(stream);
        }
        return (ssize_t) filled;
}

bool h2_response_end(struct h2_stream *stream) {
        struct http_exchange *exchange = stream->exchange;
        const struct http_response *response = &exchange->response;
        if (response->trailer_count == 0)
                return false;
        struct h2_field *fields = arena_alloc(&exchange->arena, response->trailer_count * sizeof(*fields));
        for (size_t i = 0; fields && i < response->trailer_count; i++)
                fields[i] = (struct h2_field) { response->trailers[i].name, response->trailers[i].value };
        if (!fields ||
            h2_framing_submit_trailers(stream->session->framing, stream->id, fields, response->trailer_count) < 0)
                reset(stream, CAUSE_OUT_OF_MEMORY);
        return true;
}
