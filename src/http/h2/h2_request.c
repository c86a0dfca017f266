/* SPDX-License-Identifier: Apache-2.0 */
/* From a head's fields to an exchange, and its body on to the reader. The framing has checked that the head is well-formed (RFC 9113
 * section 8.1); here it is bounded, kept, and read as a request. What of a body nobody takes yet is held in the worker's buffers,
 * bounded by the stream's window: bytes are given back to it when they are passed on, not before. */
#include <errno.h>
#include <string.h>

#include "http/h2/h2_state.h"
#include "http/request_target.h"
#include "http/trailers.h"

#define FIELDS_FIRST 24

/* What each field counts for beyond its bytes (RFC 9113 section 6.5.2). */
#define FIELD_OVERHEAD 32

/* A head is decoded on beyond its limit, so that it can be answered; up to this many times the limit. */
#define HEAD_EXCESS 4

static const struct config_http *settings(const struct h2_stream *stream) {
        return &http_exchange_config(stream->exchange)->http;
}

int h2_request_begin(struct h2_session *session, int32_t id, struct h2_stream **ret_stream) {
        struct http_exchange *exchange = http_exchange_begin(session->connection, &h2_exchange_operations);
        if (!exchange)
                return -ENOMEM;
        struct h2_stream *stream = arena_alloc_zero(&exchange->arena, sizeof(*stream));
        const struct config_http_limits *limits = &http_exchange_config(exchange)->http.limits;
        uint16_t capacity = (uint16_t) MIN_OF((int64_t) FIELDS_FIRST, limits->max_fields);
        struct http_field *items = arena_alloc(&exchange->arena, capacity * sizeof(*items));
        if (!stream || !items) {
                http_exchange_discard(exchange);
                return -ENOMEM;
        }
        http_fields_init(&exchange->request.fields, items, capacity);
        exchange->stream = stream;
        stream->session = session;
        stream->exchange = exchange;
        stream->id = id;
        list_append(&session->streams, &stream->link);
        *ret_stream = stream;
        return 0;
}

static void set_fault(struct h2_stream *stream, enum cause cause, const char *detail) {
        if (stream->fault.cause == CAUSE_NONE)
                (void) http_fault_set(&stream->fault, cause, detail);
}

/* Room for one more field. */
static bool grow_fields(struct h2_stream *stream) {
        struct http_fields *fields = &stream->exchange->request.fields;
        if (fields->count < fields->capacity)
                return true;
        uint16_t capacity = (uint16_t) MIN_OF(2 * (int64_t) fields->capacity, settings(stream)->limits.max_fields);
        if (capacity <= fields->count) {
                set_fault(stream, CAUSE_FIELDS_TOO_LARGE, "there are more fields than max_fields");
                return false;
        }
        struct http_field *larger = arena_alloc(&stream->exchange->arena, capacity * sizeof(*larger));
        if (!larger) {
                set_fault(stream, CAUSE_OUT_OF_MEMORY, "no memory for the request's head");
                return false;
        }
        memcpy(larger, fields->items, fields->count * sizeof(*larger));
        fields->items = larger;
        fields->capacity = capacity;
        return true;
}

/* Where a pseudo-field is kept (RFC 9113 section 8.3.1); each comes once at most. */
static struct slice *pseudo_field(struct h2_stream *stream, struct slice name) {
        if (slice_equal_text(name, ":method"))
                return &stream->exchange->request.method_name;
        if (slice_equal_text(name, ":path"))
                return &stream->path;
        if (slice_equal_text(name, ":authority"))
                return &stream->authority;
        if (slice_equal_text(name, ":scheme"))
                return &stream->scheme;
        return &stream->protocol;
}

static void take_trailer(struct h2_stream *stream, struct slice name, struct slice value) {
        if (http_field_is_forbidden_as_trailer(name)) {
                set_fault(stream, CAUSE_REQUEST_MALFORMED,
                          "a trailer frames, routes or authenticates the request (RFC 9110 section 6.5.1)");
                return;
        }
        int r = http_request_add_trailer(stream->exchange, name, value);
        if (r == -E2BIG)
                set_fault(stream, CAUSE_FIELDS_TOO_LARGE, "there are more trailers than max_fields");
        else if (r < 0)
                set_fault(stream, CAUSE_OUT_OF_MEMORY, "no memory for the trailers");
}

int h2_request_field(struct h2_stream *stream, struct slice name, struct slice value) {
        struct http_exchange *exchange = stream->exchange;
        uint64_t limit = settings(stream)->limits.max_head;
        stream->head_bytes += (uint32_t) (name.length + value.length + FIELD_OVERHEAD);
        if (stream->head_bytes > HEAD_EXCESS * limit)
                return h2_session_abort(stream->session, H2_ENHANCE_YOUR_CALM, CAUSE_FIELDS_TOO_LARGE,
                                        "a head of many times max_head");
        if (stream->head_bytes > limit)
                set_fault(stream, CAUSE_FIELDS_TOO_LARGE, "the head is larger than max_head");
        if (stream->fault.cause != CAUSE_NONE)
                return 0;
        if (stream->has_head) {
                take_trailer(stream, name, value);
                return 0;
        }

        bool is_pseudo = name.data[0] == ':';
        if (!is_pseudo && !grow_fields(stream))
                return 0;
        char *copy = arena_alloc(&exchange->arena, name.length + value.length);
        if (!copy) {
                set_fault(stream, CAUSE_OUT_OF_MEMORY, "no memory for the request's head");
                return 0;
        }
        memcpy(copy, name.data, name.length);
        memcpy(copy + name.length, value.data, value.length);
        name.data = copy;
        value.data = copy + name.length;
        if (is_pseudo) {
                *pseudo_field(stream, name) = value;
                return 0;
        }
        return http_fields_add(&exchange->request.fields, http_field_id_from_name(name), name, value);
}

static void take_body(struct h2_stream *stream, bool is_end) {
        struct http_request *request = &stream->exchange->request;
        struct slice text = http_fields_get(&request->fields, HTTP_FIELD_CONTENT_LENGTH);
        uint64_t length = 0;
        request->has_body = !is_end;
        request->content_length = is_end ? 0 : -1;
        if (is_end || !text.data)
                return;
        /* The framing has seen that it is a number, and will see that the body is as long. */
        for (size_t i = 0; i < text.length; i++)
                length = MIN_OF(length * 10 + (unsigned) (text.data[i] - '0'), (uint64_t) INT64_MAX / 16);
        request->content_length = (int64_t) length;
}

static int take_expectation(struct h2_stream *stream) {
        struct slice expect = http_fields_get(&stream->exchange->request.fields, HTTP_FIELD_EXPECT);
        if (!expect.data)
                return 0;
        if (!slice_equal_nocase(expect, SLICE_LITERAL("100-continue")))
                return http_fault_set(&stream->fault, CAUSE_EXPECTATION_FAILED, "Expect is not 100-continue");
        stream->awaits_continue = stream->exchange->request.has_body;
        return 0;
}

/* :authority, or Host where a client left it out; when there are both they must agree (RFC 9113 section 8.3.1). */
static int take_authority(struct h2_stream *stream) {
        const struct http_fields *fields = &stream->exchange->request.fields;
        struct slice host = http_fields_get(fields, HTTP_FIELD_HOST), authority = stream->authority;
        if (http_fields_is_repeated(fields, HTTP_FIELD_HOST))
                return http_fault_set(&stream->fault, CAUSE_HOST_INVALID, "Host is repeated (RFC 9112 section 3.2)");
        if (authority.data && host.data && !slice_equal_nocase(authority, host))
                return http_fault_set(&stream->fault, CAUSE_HOST_INVALID,
                                      "Host and :authority differ (RFC 9113 section 8.3.1)");
        if (!authority.data && !host.data)
                return http_fault_set(&stream->fault, CAUSE_HOST_INVALID, "there is neither :authority nor Host");
        return http_request_take_authority(stream->exchange, authority.data ? authority : host, &stream->fault);
}

static int take_target(struct h2_stream *stream) {
        struct http_request *request = &stream->exchange->request;
        struct http_target target = { .form = HTTP_TARGET_AUTHORITY };
        request->target = stream->path;
        if (!stream->path.data) {
                /* CONNECT names an authority and nothing else (RFC 9113 section 8.5). */
                request->target = stream->authority;
        } else if (http_target_parse(stream->path, false, &target) < 0 ||
                   (target.form != HTTP_TARGET_ORIGIN && target.form != HTTP_TARGET_ASTERISK) ||
                   (target.form == HTTP_TARGET_ASTERISK && request->method != HTTP_METHOD_OPTIONS)) {
                return http_fault_set(&stream->fault, CAUSE_REQUEST_MALFORMED,
                                      ":path is neither a path nor the * of OPTIONS (RFC 9113 section 8.3.1)");
        }
        int r = take_authority(stream);
        return r < 0 ? r : http_request_take_path(stream->exchange, &target, &stream->fault);
}

static int take_request(struct h2_stream *stream, bool is_end) {
        struct http_exchange *exchange = stream->exchange;
        struct http_request *request = &exchange->request;
        if (stream->fault.cause != CAUSE_NONE)
                return -EBADMSG;
        request->version = 20;
        request->is_secure = exchange->connection->transport->is_secure;
        request->method = http_method_from_name(request->method_name);
        request->upgrade = stream->protocol;
        take_body(stream, is_end);
        int r = take_expectation(stream);
        if (r >= 0)
                r = http_fields_combine(&request->fields, &exchange->arena);
        if (r >= 0)
                r = take_target(stream);
        if (r >= 0)
                r = http_request_check_direction(exchange, &stream->fault);
        if (r >= 0)
                r = http_request_limit_body(exchange, &stream->fault);
        return r;
}

static void refuse(struct h2_stream *stream, enum cause cause, const char *detail) {
        struct http_exchange *exchange = stream->exchange;
        http_connection_log_refusal(exchange->connection, cause, detail);
        stream->is_dropped = true;
        exchange->is_refused = true;
        http_exchange_fail(exchange, cause, detail);
}

void h2_request_head(struct h2_stream *stream, bool is_end) {
        struct http_exchange *exchange = stream->exchange;
        stream->has_head = true;
        stream->peer_ended = is_end;
        int r = take_request(stream, is_end);
        if (r == -ENOMEM)
                stream->fault = (struct http_fault) { CAUSE_OUT_OF_MEMORY, "no memory for the request's head" };
        if (r < 0)
                refuse(stream, stream->fault.cause, stream->fault.detail);
        else
                http_exchange_handle(exchange);
}

/* What comes after the response's end opens the windows of the others only. */
static void give_back(struct h2_stream *stream, size_t length) {
        if (length > 0)
                (void) h2_framing_consume(stream->session->framing, stream->is_ended ? 0 : stream->id, length);
}

static void drop_held(struct h2_stream *stream) {
        struct buffer_pool *pool = &stream->exchange->worker->buffers;
        while (stream->held) {
                struct buffer *buffer = stream->held;
                stream->held = buffer->next;
                give_back(stream, buffer_length(buffer));
                buffer_put(pool, buffer);
        }
        stream->held_last = NULL;
}

static int hold(struct h2_stream *stream, struct slice bytes) {
        struct buffer_pool *pool = &stream->exchange->worker->buffers;
        while (bytes.length > 0) {
                if (!stream->held_last || buffer_room(stream->held_last) == 0) {
                        struct buffer *buffer = buffer_get(pool);
                        if (!buffer)
                                return -ENOMEM;
                        buffer->next = NULL;
                        if (stream->held_last)
                                stream->held_last->next = buffer;
                        else
                                stream->held = buffer;
                        stream->held_last = buffer;
                }
                struct buffer *last = stream->held_last;
                size_t length = MIN_OF(bytes.length, buffer_room(last));
                memcpy(last->data + last->end, bytes.data, length);
                last->end += (uint32_t) length;
                bytes = slice_from(bytes, length);
        }
        return 0;
}

/* Passes bytes to the reader; they are then its own. */
static void deliver(struct h2_stream *stream, struct slice bytes) {
        struct http_exchange *exchange = stream->exchange;
        int r = exchange->reader.on_data(exchange, bytes, exchange->reader.userdata);
        give_back(stream, bytes.length);
        if (r == -EAGAIN) {
                stream->is_paused = true;
        } else if (r < 0) {
                stream->is_dropped = true;
                (void) h2_framing_reset(stream->session->framing, stream->id, H2_INTERNAL_ERROR);
        }
}

/* Passes on what is held, and then the end. */
static void deliver_held(struct h2_stream *stream) {
        struct http_exchange *exchange = stream->exchange;
        while (stream->held && stream->is_reading && !stream->is_paused && !stream->is_dropped) {
                struct buffer *buffer = stream->held;
                stream->held = buffer->next;
                if (!stream->held)
                        stream->held_last = NULL;
                deliver(stream, (struct slice) { buffer->data + buffer->start, buffer_length(buffer) });
                buffer_put(&exchange->worker->buffers, buffer);
        }
        if (stream->is_dropped)
                drop_held(stream);
        if (stream->peer_ended && !stream->held && stream->is_reading && !stream->is_dropped && !stream->is_paused &&
            !stream->is_delivered) {
                stream->is_delivered = true;
                exchange->reader.on_end(exchange, exchange->reader.userdata);
        }
}

void h2_request_abort_body(struct h2_stream *stream, enum cause cause, const char *detail, enum h2_error error_code) {
        struct http_exchange *exchange = stream->exchange;
        bool is_responded = exchange->is_responded;
        http_connection_log_refusal(exchange->connection, cause, detail);
        stream->is_dropped = true;
        drop_held(stream);
        http_exchange_abort_body(exchange, cause, detail);
        if (is_responded)
                (void) h2_framing_reset(stream->session->framing, stream->id, error_code);
}

int h2_request_data(struct h2_stream *stream, struct slice bytes) {
        struct http_exchange *exchange = stream->exchange;
        exchange->body_received += bytes.length;
        http_phase_clock_progress(&stream->body_clock, loop_now(exchange->worker->loop), bytes.length);
        if (exchange->body_received > exchange->max_body && !stream->is_dropped && !stream->is_tunnel) {
                h2_request_abort_body(stream, CAUSE_BODY_TOO_LARGE, "the body is above max_body", H2_CANCEL);
        }
        if (stream->is_dropped) {
                give_back(stream, bytes.length);
                return 0;
        }
        if (!stream->is_reading || stream->is_paused || stream->held)
                return hold(stream, bytes);
        deliver(stream, bytes);
        return 0;
}

void h2_request_trailers(struct h2_stream *stream) {
        if (stream->fault.cause != CAUSE_NONE && !stream->is_dropped)
                h2_request_abort_body(stream, stream->fault.cause, stream->fault.detail, H2_PROTOCOL_ERROR);
}

void h2_request_end(struct h2_stream *stream) {
        stream->peer_ended = true;
        deliver_held(stream);
}

void h2_request_read_body(struct h2_stream *stream) {
        struct http_exchange *exchange = stream->exchange;
        stream->is_reading = true;
        if (!exchange->reader.on_data)
                stream->is_dropped = true;
        http_phase_clock_start(&stream->body_clock, loop_now(exchange->worker->loop));
        if (!stream->peer_ended && !stream->is_dropped)
                (void) h2_framing_raise_window(stream->session->framing, stream->id,
                                               (uint32_t) settings(stream)->http2.upload_window);
        deliver_held(stream);
}

void h2_request_open_tunnel(struct h2_stream *stream) {
        stream->is_tunnel = stream->is_reading = true;
}

void h2_request_resume_body(struct h2_stream *stream) {
        if (!stream->is_paused)
                return;
        stream->is_paused = false;
        http_phase_clock_start(&stream->body_clock, loop_now(stream->exchange->worker->loop));
        deliver_held(stream);
}

void h2_request_close(struct h2_stream *stream) {
        drop_held(stream);
        h2_stream_end_slow_read(stream);
        list_remove(&stream->link);
        http_exchange_finish(stream->exchange);
}
