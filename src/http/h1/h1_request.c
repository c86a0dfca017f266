/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to an exchange: checks everything about a request that does not depend on what it asks for, in the order
 * in which a wrong answer would be dangerous (framing first), and passes its body on. */
#include <errno.h>
#include <string.h>

#include "http/engine_metrics.h"
#include "http/h1/h1_state.h"
#include "http/request_target.h"
#include "http/trailers.h"

/* A body of up to this many bytes that nobody wants is read and dropped, so that the connection can be used on. */
#define DROP_MAX 65536

/* Less room than this behind a head is too little to pass a body through. */
#define BODY_ROOM_MIN 4096

static const struct config_http_limits *limits_of(const struct http_exchange *exchange) {
        return &http_exchange_config(exchange)->http.limits;
}

static void refuse_exchange(struct h1_session *session, enum cause cause, const char *detail) {
        struct http_exchange *exchange = session->exchange;
        http_connection_log_refusal(session->connection, cause, detail);
        session->keep_alive = false;
        session->body = H1_FRAMING_NONE;
        exchange->close = true;
        exchange->is_refused = true;
        http_exchange_fail(exchange, cause, detail);
}

void h1_request_refuse(struct h1_session *session, enum cause cause, const char *detail) {
        session->exchange = http_exchange_begin(session->connection, &h1_exchange_operations);
        if (!session->exchange) {
                http_connection_close(session->connection);
                return;
        }
        session->is_started = session->is_ended = false;
        refuse_exchange(session, cause, detail);
}

bool h1_request_may_drop_body(const struct h1_session *session) {
        if (session->awaits_continue || session->exchange->body_received > DROP_MAX)
                return false;
        return session->body == H1_FRAMING_CHUNKED || session->body_left <= DROP_MAX;
}

static bool decide_keep_alive(const struct h1_session *session, const struct http_exchange *exchange) {
        const struct http_fields *fields = &exchange->request.fields;
        int64_t most = limits_of(exchange)->max_requests;
        if (most > 0 && session->requests >= most)
                return false;
        if (!http_fields_has(fields, HTTP_FIELD_CONNECTION))
                return !session->is_http10;
        if (http_fields_list_has(fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("close")))
                return false;
        return !session->is_http10 || http_fields_list_has(fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("keep-alive"));
}

/* Where the lines of a chunked body's trailers are gathered. */
struct trailer_lines {
        struct text text;
        struct http_exchange_end end;
};

static void free_lines(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) exchange;
        text_done(&container_of(end, struct trailer_lines, end)->text);
}

static int begin_chunked(struct h1_session *session, struct http_exchange *exchange) {
        struct trailer_lines *lines = arena_alloc_zero(&exchange->arena, sizeof(*lines));
        if (!lines)
                return -ENOMEM;
        lines->end.run = free_lines;
        http_exchange_on_end(exchange, &lines->end);
        session->chunked = (struct h1_chunked) {
                .max_overhead = (uint32_t) limits_of(exchange)->max_chunk_overhead,
                .trailers = &lines->text,
        };
        return 0;
}

/* False when the body failed by them. */
static bool take_trailers(struct h1_session *session) {
        const struct text *lines = session->chunked.trailers;
        if (lines->failed == 0 && lines->length == 0)
                return true;
        int r = lines->failed ? -ENOMEM
                              : http_request_take_trailers(session->exchange,
                                                           (struct slice) { lines->data, lines->length });
        if (r == -E2BIG)
                h1_request_fail_body(session, CAUSE_FIELDS_TOO_LARGE, "there are more trailers than max_fields");
        else if (r < 0)
                h1_request_fail_body(session, CAUSE_OUT_OF_MEMORY, "no memory for the trailers");
        return r >= 0;
}

static int take_framing(struct h1_session *session, struct http_exchange *exchange, struct http_fault *fault) {
        struct http_request *request = &exchange->request;
        enum h1_framing framing;
        uint64_t length;
        int r = h1_request_framing(&request->fields, session->is_http10 ? 0 : 1, &framing, &length, fault);
        if (r < 0)
                return r;

        session->body = framing;
        session->body_left = length;
        if (framing == H1_FRAMING_CHUNKED && (r = begin_chunked(session, exchange)) < 0)
                return r;
        request->has_body = session->body != H1_FRAMING_NONE;
        request->content_length = framing == H1_FRAMING_CHUNKED ? -1 : (int64_t) length;
        return 0;
}

static int take_expectation(struct h1_session *session, const struct http_exchange *exchange,
                            struct http_fault *fault) {
        session->awaits_continue = false;
        struct slice expect = http_fields_get(&exchange->request.fields, HTTP_FIELD_EXPECT), expectation;
        if (!expect.data || session->is_http10)
                return 0;
        while (http_list_next(&expect, &expectation)) {
                if (!slice_equal_nocase(expectation, SLICE_LITERAL("100-continue"))) {
                        *fault = (struct http_fault) { CAUSE_EXPECTATION_FAILED, "Expect is not 100-continue" };
                        return -EBADMSG;
                }
                session->awaits_continue = session->body != H1_FRAMING_NONE;
        }
        return 0;
}

/* Host, or the authority of an absolute target, which wins (RFC 9112 section 3.2.2). Host must be right all the same. */
static int take_host(const struct h1_session *session, struct http_exchange *exchange, const struct http_target *target,
                     struct http_fault *fault) {
        const struct http_fields *fields = &exchange->request.fields;
        struct slice host = http_fields_get(fields, HTTP_FIELD_HOST), authority = target->authority;
        if (!host.data && !session->is_http10)
                return http_fault_set(fault, CAUSE_HOST_INVALID, "Host is missing (RFC 9112 section 3.2)");
        if (http_fields_is_repeated(fields, HTTP_FIELD_HOST))
                return http_fault_set(fault, CAUSE_HOST_INVALID, "Host is repeated (RFC 9112 section 3.2)");

        int r = 0;
        if (host.data && (host.length > 0 || !authority.data))
                r = http_request_take_authority(exchange, host, fault);
        if (r >= 0 && authority.data)
                r = http_request_take_authority(exchange, authority, fault);
        return r;
}

static int take_target(const struct h1_session *session, struct http_exchange *exchange, struct http_fault *fault) {
        struct http_request *request = &exchange->request;
        struct http_target target;
        if (http_target_parse(request->target, request->method == HTTP_METHOD_CONNECT, &target) < 0 ||
            (target.form == HTTP_TARGET_ASTERISK && request->method != HTTP_METHOD_OPTIONS))
                return http_fault_set(fault, CAUSE_REQUEST_MALFORMED,
                                      "the request target has none of the four forms (RFC 9112 section 3.2)");
        int r = take_host(session, exchange, &target, fault);
        return r < 0 ? r : http_request_take_path(exchange, &target, fault);
}

/* The same view of a copy of the head. What is elsewhere (a constant, the arena) stays. */
static struct slice moved(struct slice view, struct slice head, const char *copy) {
        bool is_inside = view.data >= head.data && view.data < head.data + head.length;
        return is_inside ? (struct slice) { copy + (view.data - head.data), view.length } : view;
}

/* Copies the head into the arena and turns every view into the copy, so that its room can be used for the body. */
static int pin_head(struct h1_session *session, struct http_exchange *exchange, struct slice head) {
        struct http_request *request = &exchange->request;
        char *copy = arena_alloc(&exchange->arena, head.length);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, head.data, head.length);
        struct slice *views[] = { &request->method_name, &request->target, &request->path, &request->query,
                                  &request->upgrade };
        for (size_t i = 0; i < ELEMENTS_OF(views); i++)
                *views[i] = moved(*views[i], head, copy);
        for (unsigned i = 0; i < request->fields.count; i++) {
                struct http_field *field = &request->fields.items[i];
                field->name = moved(field->name, head, copy);
                field->value = moved(field->value, head, copy);
        }
        buffer_compact(session->in);
        session->head_end = 0;
        return 0;
}

/* All checks of a complete head. */
static int take_request(struct h1_session *session, struct http_exchange *exchange, struct http_fault *fault) {
        int r = take_framing(session, exchange, fault);
        if (r >= 0)
                r = take_expectation(session, exchange, fault);
        if (r >= 0)
                r = take_target(session, exchange, fault);
        if (r >= 0)
                r = http_request_check_direction(exchange, fault);
        if (r >= 0)
                r = http_request_limit_body(exchange, fault);
        return r;
}

/* From the table of the worker, which the next request uses again, to the exchange's own: as many as came, since room for
 * as many as may come is more than a whole request needs otherwise. */
static int keep_fields(struct http_fields *fields, struct arena *arena) {
        size_t size = fields->count * sizeof(*fields->items);
        struct http_field *items = arena_alloc(arena, size);
        if (!items) {
                http_fields_init(fields, NULL, 0);
                return -ENOMEM;
        }
        fields->items = memcpy(items, fields->items, size);
        fields->capacity = fields->count;
        return 0;
}

/* Parses what is there. > 0: the length of a head; -EAGAIN: not complete; -EBADMSG with a fault; -ENOMEM. */
static ssize_t parse(struct h1_session *session, struct http_exchange *exchange, struct http_fault *fault) {
        const struct config_http_limits *config = limits_of(exchange);
        const struct h1_limits limits = { (uint32_t) config->max_request_line, (uint32_t) config->max_head };
        struct http_request *request = &exchange->request;
        struct http_fields *fields = &request->fields;
        fields->items = session->connection->worker->field_table;
        fields->capacity = (uint16_t) config->max_fields;

        struct h1_request_head head;
        ssize_t n = h1_parse_request(session->in->data + session->in->start, buffer_length(session->in), &limits,
                                     &session->scanned, fields, &head, fault);
        if (n == -EAGAIN)
                http_fields_init(fields, NULL, 0);
        else if (keep_fields(fields, &exchange->arena) < 0)
                return -ENOMEM;
        if (n >= 0 && http_fields_combine(fields, &exchange->arena) < 0)
                return -ENOMEM;
        if (n < 0)
                return n;
        request->method = head.method;
        request->method_name = head.method_name;
        request->target = head.target;
        request->version = 10 + head.minor_version;
        request->is_secure = session->connection->transport->is_secure;
        session->is_http10 = head.minor_version == 0;
        if (!session->is_http10 &&
            http_fields_list_has(&request->fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("upgrade")))
                request->upgrade = http_fields_get(&request->fields, HTTP_FIELD_UPGRADE);
        return n;
}

bool h1_request_read_head(struct h1_session *session) {
        struct http_connection *connection = session->connection;
        if (buffer_length(session->in) == 0)
                return false;
        struct http_exchange *exchange = http_exchange_begin(connection, &h1_exchange_operations);
        if (!exchange) {
                http_connection_close(connection);
                return false;
        }

        struct http_fault fault = { 0 };
        ssize_t n = parse(session, exchange, &fault);
        if (n == -EAGAIN && buffer_room(session->in) > 0) {
                http_exchange_discard(exchange);
                return false;
        }
        session->exchange = exchange;
        session->is_started = session->is_ended = false;
        session->is_reading = session->is_paused = false;
        if (n == -EAGAIN) {
                refuse_exchange(session, CAUSE_FIELDS_TOO_LARGE, "the head is larger than a buffer");
                return true;
        }
        if (n > 0) {
                const char *head = session->in->data + session->in->start;
                session->in->start += (uint32_t) n;
                session->head_end = session->in->start;
                session->requests++;
                session->keep_alive = decide_keep_alive(session, exchange);
                int r = take_request(session, exchange, &fault);
                if (r >= 0 && session->body != H1_FRAMING_NONE && BUFFER_SIZE - session->head_end < BODY_ROOM_MIN)
                        r = pin_head(session, exchange, (struct slice) { head, (size_t) n });
                if (r >= 0) {
                        http_exchange_handle(exchange);
                        return true;
                }
                n = r;
        }
        if (n == -ENOMEM)
                fault = (struct http_fault) { CAUSE_OUT_OF_MEMORY, "no memory for the request's head" };
        refuse_exchange(session, fault.cause, fault.detail);
        return true;
}

void h1_request_fail_body(struct h1_session *session, enum cause cause, const char *detail) {
        struct http_exchange *exchange = session->exchange;
        http_connection_log_refusal(session->connection, cause, detail);
        session->keep_alive = false;
        session->body = H1_FRAMING_NONE;
        session->is_end_due = false;
        exchange->close = true;
        http_exchange_abort_body(exchange, cause, detail);
        if (exchange->is_responded && session->is_started && !session->is_ended)
                http_connection_close(session->connection);
}

static void deliver(struct h1_session *session, struct slice bytes) {
        struct http_exchange *exchange = session->exchange;
        exchange->body_received += bytes.length;
        if (exchange->body_received > exchange->max_body && !session->is_tunnel) {
                h1_request_fail_body(session, CAUSE_BODY_TOO_LARGE, "the chunked body is above max_body");
                return;
        }
        if (!exchange->reader.on_data) {
                if (!h1_request_may_drop_body(session)) {
                        session->keep_alive = false;
                        session->body = H1_FRAMING_NONE;
                }
                return;
        }
        int r = exchange->reader.on_data(exchange, bytes, exchange->reader.userdata);
        if (r == -EAGAIN)
                session->is_paused = true;
        else if (r < 0)
                http_connection_close(session->connection);
}

static void end_body(struct h1_session *session) {
        struct http_exchange *exchange = session->exchange;
        session->is_end_due = false;
        if (exchange->reader.on_data && exchange->reader.on_end)
                exchange->reader.on_end(exchange, exchange->reader.userdata);
}

bool h1_request_read_body(struct h1_session *session) {
        struct buffer *in = session->in;
        if (!session->is_reading || session->is_paused)
                return false;
        if (session->is_end_due) {
                end_body(session);
                return true;
        }
        if (session->body == H1_FRAMING_NONE || !in || buffer_length(in) == 0)
                return false;

        const char *data = in->data + in->start;
        size_t length = buffer_length(in);
        struct slice bytes = SLICE_NULL;
        bool done = false, is_chunked = session->body == H1_FRAMING_CHUNKED;
        if (!is_chunked) {
                bytes = (struct slice) { data, (size_t) MIN_OF((uint64_t) length, session->body_left) };
                session->body_left -= bytes.length;
                in->start += (uint32_t) bytes.length;
                done = session->body_left == 0;
        } else {
                struct http_fault fault = { 0 };
                ssize_t n = h1_chunked_decode(&session->chunked, data, length, &bytes, &done, &fault);
                if (n < 0) {
                        h1_request_fail_body(session, fault.cause, fault.detail);
                        return true;
                }
                in->start += (uint32_t) n;
        }
        if (in->start == in->end)
                in->start = in->end = session->head_end;
        if (done)
                session->body = H1_FRAMING_NONE;
        if (bytes.length > 0)
                deliver(session, bytes);
        if (done && is_chunked && !session->connection->is_dead && !take_trailers(session))
                return true;
        if (done && session->exchange->reader.on_data && !session->connection->is_dead) {
                session->is_end_due = true;
                if (!session->is_paused)
                        end_body(session);
        }
        return true;
}
