/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: a queue of text that is the response's body. A comment now and then keeps middle boxes from cutting a quiet
 * stream, and shows whether the client is still there. */
#include "http/event_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/generation.h"
#include "http/worker.h"
#include "shared/text.h"

#define QUEUE_MAX (256u * 1024)

struct event_stream {
        struct http_exchange *exchange;
        const struct event_stream_handler *handler;
        void *userdata;
        struct http_body body;
        struct http_exchange_end end;
        struct loop_deferred wake;
        struct timer timer;
        struct text out;
        size_t sent;
        bool is_full, is_closing;
};

bool event_stream_is_wanted(const struct http_request *request) {
        return request->method == HTTP_METHOD_GET &&
               http_fields_list_has(&request->fields, HTTP_FIELD_ACCEPT, SLICE_LITERAL("text/event-stream"));
}

struct slice event_stream_last_id(const struct http_request *request) {
        return http_fields_find(&request->fields, SLICE_LITERAL("Last-Event-ID"));
}

static void wake(struct event_stream *stream) {
        loop_defer(stream->exchange->worker->loop, &stream->wake);
}

static void start_timer(struct event_stream *stream) {
        struct loop *loop = stream->exchange->worker->loop;
        uint64_t interval = http_exchange_config(stream->exchange)->http.websocket.ping_interval / 1000;
        loop_timer_start(loop, &stream->timer, loop_now(loop) + interval);
}

static int body_peek(struct http_body *body, struct http_segment *ret_segment) {
        struct event_stream *stream = container_of(body, struct event_stream, body);
        if (stream->sent == stream->out.length)
                return stream->is_closing ? 0 : -EAGAIN;
        *ret_segment = (struct http_segment) { .type = HTTP_SEGMENT_MEMORY,
                                               .length = stream->out.length - stream->sent,
                                               .data = stream->out.data + stream->sent };
        return 1;
}

static void body_consume(struct http_body *body, uint64_t length) {
        struct event_stream *stream = container_of(body, struct event_stream, body);
        stream->sent += length;
        if (stream->sent < stream->out.length)
                return;
        stream->out.length = stream->sent = 0;
        if (stream->is_full)
                wake(stream);
}

static const struct http_body_operations body_operations = { body_peek, body_consume };

static void on_wake(struct loop_deferred *deferred, void *userdata) {
        struct event_stream *stream = userdata;
        (void) deferred;
        if (stream->is_full && stream->out.length == 0) {
                stream->is_full = false;
                if (stream->handler->on_room)
                        stream->handler->on_room(stream, stream->userdata);
        }
        http_exchange_resume(stream->exchange);
}

static void on_timer(struct timer *timer, void *userdata) {
        struct event_stream *stream = userdata;
        (void) timer;
        if (stream->out.length == 0) {
                text_append_string(&stream->out, ":\n\n");
                wake(stream);
        }
        start_timer(stream);
}

static void on_drain(struct http_exchange *exchange) {
        event_stream_close(exchange->tunnel);
}

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct event_stream *stream = container_of(end, struct event_stream, end);
        if (stream->handler->on_close)
                stream->handler->on_close(stream, stream->userdata);
        loop_timer_stop(exchange->worker->loop, &stream->timer);
        loop_deferred_cancel(&stream->wake);
        text_done(&stream->out);
        free(stream);
}

static int add_fields(struct http_exchange *exchange) {
        int r = http_response_add(exchange, SLICE_LITERAL("content-type"), SLICE_LITERAL("text/event-stream"));
        if (r >= 0)
                r = http_response_add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-store"));
        return r;
}

struct event_stream *event_stream_open(struct http_exchange *exchange, const struct event_stream_options *options) {
        struct event_stream *stream = calloc(1, sizeof(*stream));
        if (!stream || add_fields(exchange) < 0) {
                free(stream);
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
                return NULL;
        }
        *stream = (struct event_stream) {
                .exchange = exchange,
                .handler = options->handler,
                .userdata = options->userdata,
                .body.operations = &body_operations,
                .end.run = on_exchange_end,
        };
        loop_deferred_init(&stream->wake, on_wake, stream);
        timer_init(&stream->timer, on_timer, stream);
        http_exchange_on_end(exchange, &stream->end);
        if (options->retry > 0)
                text_printf(&stream->out, "retry: %llu\n\n", (unsigned long long) options->retry);
        start_timer(stream);
        exchange->tunnel = stream;
        exchange->on_drain = on_drain;
        exchange->response.status = 200;
        exchange->response.content_length = -1;
        exchange->response.body = &stream->body;
        http_exchange_respond(exchange);
        return stream;
}

static void append_line(struct text *text, const char *name, struct slice value) {
        text_append_string(text, name);
        text_append(text, value);
        text_append_char(text, '\n');
}

static bool has_line_end(struct slice text) {
        return text.data && (memchr(text.data, '\n', text.length) || memchr(text.data, '\r', text.length));
}

static size_t line_length(struct slice text) {
        size_t length = 0;
        while (length < text.length && text.data[length] != '\n' && text.data[length] != '\r')
                length++;
        return length;
}

int event_stream_send(struct event_stream *stream, struct slice id, struct slice type, struct slice data) {
        if (has_line_end(id) || has_line_end(type))
                return -EINVAL;
        if (stream->is_closing)
                return -EPIPE;
        if (stream->out.length - stream->sent >= QUEUE_MAX) {
                stream->is_full = true;
                return -EAGAIN;
        }
        if (id.data)
                append_line(&stream->out, "id: ", id);
        if (type.data)
                append_line(&stream->out, "event: ", type);
        do {
                size_t length = line_length(data), end = length;
                append_line(&stream->out, "data: ", (struct slice) { data.data, length });
                if (end < data.length) /* CR LF, CR or LF ends a line, to the client as well */
                        end += data.data[end] == '\r' && end + 1 < data.length && data.data[end + 1] == '\n' ? 2 : 1;
                data = slice_from(data, end);
        } while (data.length > 0);
        text_append_char(&stream->out, '\n');
        if (stream->out.failed)
                return -ENOMEM;
        wake(stream);
        return 0;
}

void event_stream_close(struct event_stream *stream) {
        stream->is_closing = true;
        wake(stream);
}
