/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket between an exchange and its handler; framing by wslay. Bytes that come are given to the library by view, messages go
 * out through a buffer that the response's body is read from. Writing is always put off to the end of the loop's turn, so that
 * a handler may send from within on_message. */
#include "http/websocket/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "http/generation.h"
#include "http/problem.h"
#include "http/websocket/websocket_deflate.h"
#include "http/worker.h"
#include "shared/utf8.h"

/* Bytes of frames that are made ready to be sent. */
#define OUT_MAX 65536

/* Queued messages' bytes above which a client is read no further, and websocket_send says no. */
#define QUEUE_MAX (256u * 1024)

/* Queued control frames (pongs) above which a client that does not read is cut. */
#define CONTROL_QUEUE_MAX 64

/* The largest message that is compressed only if it pays. */
#define COMPRESS_MIN 64

/* How long the client may take to answer a close. */
#define CLOSE_MSEC 5000

struct websocket {
        struct http_exchange *exchange;
        const struct websocket_handler *handler;
        void *userdata;
        const char *protocol;
        wslay_event_context_ptr frames;
        struct websocket_deflate *deflate; /* NULL: not agreed */
        struct http_body body;
        struct http_exchange_end end;
        struct loop_deferred wake;
        struct timer timer;
        struct slice input; /* while wslay_event_recv runs */
        struct text held;   /* input that waits until the queue is shorter */
        struct text out;
        size_t out_sent;
        size_t fragments; /* of the present message */
        uint64_t heard;   /* ms: when the client was heard of last */
        bool is_paused : 1;
        bool is_reading : 1;   /* wslay_event_recv runs */
        bool is_stalled : 1;   /* `out` ends within a frame */
        bool is_full : 1;      /* websocket_send said no */
        bool is_closing : 1;   /* a close was queued or came */
        bool is_finished : 1;  /* nothing more is sent */
        bool has_reported : 1; /* on_close was called */
        bool awaits_pong : 1;
};

static const struct config_websocket *settings(const struct websocket *websocket) {
        return &http_exchange_config(websocket->exchange)->http.websocket;
}

static uint64_t now_of(const struct websocket *websocket) {
        return loop_now(websocket->exchange->worker->loop);
}

static void start_timer(struct websocket *websocket, uint64_t msec) {
        loop_timer_start(websocket->exchange->worker->loop, &websocket->timer, now_of(websocket) + msec);
}

static void wake(struct websocket *websocket) {
        loop_defer(websocket->exchange->worker->loop, &websocket->wake);
}

static void report_close(struct websocket *websocket, unsigned code) {
        if (websocket->has_reported)
                return;
        websocket->has_reported = true;
        if (websocket->handler->on_close)
                websocket->handler->on_close(websocket, code, websocket->userdata);
}

/* Queues a close and begins to wait for the client's. */
static void begin_close(struct websocket *websocket, unsigned code, struct slice reason) {
        if (websocket->is_closing)
                return;
        websocket->is_closing = true;
        (void) wslay_event_queue_close(websocket->frames, (uint16_t) code, (const uint8_t *) reason.data,
                                       reason.length);
        start_timer(websocket, CLOSE_MSEC);
        wake(websocket);
}

/* Closes for what the client did: nothing more is read from it, and its answer is not waited for. */
static void fail(struct websocket *websocket, unsigned code, struct slice reason) {
        begin_close(websocket, code, reason);
        wslay_event_shutdown_read(websocket->frames);
}

void websocket_close(struct websocket *websocket, unsigned code, struct slice reason) {
        begin_close(websocket, code, reason);
}

static size_t queued(const struct websocket *websocket) {
        return websocket->out.length - websocket->out_sent + wslay_event_get_queued_msg_length(websocket->frames);
}

/* The library's end of the connection. */

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *room, size_t size, int flags, void *userdata) {
        struct websocket *websocket = userdata;
        size_t length = queued(websocket) < QUEUE_MAX ? MIN_OF(size, websocket->input.length) : 0;
        (void) flags;
        if (length == 0) {
                wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
                return -1;
        }
        memcpy(room, websocket->input.data, length);
        websocket->input = slice_from(websocket->input, length);
        return (ssize_t) length;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t length, int flags, void *userdata) {
        struct websocket *websocket = userdata;
        (void) flags;
        if (websocket->out.length >= OUT_MAX) {
                websocket->is_stalled = true;
                wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
                return -1;
        }
        text_append(&websocket->out, (struct slice) { (const char *) data, length });
        if (websocket->out.failed) {
                wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
                return -1;
        }
        return (ssize_t) length;
}

static void on_frame_start(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                           void *userdata) {
        struct websocket *websocket = userdata;
        (void) frames;
        if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
                fail(websocket, WEBSOCKET_PROTOCOL_ERROR, SLICE_NULL); /* half a code */
        if (wslay_is_ctrl_frame(frame->opcode)) {
                if (wslay_event_get_queued_msg_count(frames) > CONTROL_QUEUE_MAX)
                        fail(websocket, WEBSOCKET_POLICY_VIOLATION, SLICE_LITERAL("too many control frames"));
                return;
        }
        websocket->fragments = frame->opcode == WSLAY_CONTINUATION_FRAME ? websocket->fragments + 1 : 1;
        if (websocket->fragments > (size_t) settings(websocket)->max_fragments)
                fail(websocket, WEBSOCKET_POLICY_VIOLATION, SLICE_LITERAL("too many fragments"));
}

static void take_message(struct websocket *websocket, const struct wslay_event_on_msg_recv_arg *message) {
        _cleanup_text_ struct text expanded = TEXT_INIT;
        struct slice bytes = { (const char *) message->msg, message->msg_length };
        bool is_text = message->opcode == WSLAY_TEXT_FRAME;
        if (wslay_get_rsv1(message->rsv)) {
                int r = websocket_deflate_expand(websocket->deflate, bytes, settings(websocket)->max_message,
                                                 &expanded);
                if (r == -EMSGSIZE) {
                        fail(websocket, WEBSOCKET_TOO_BIG, SLICE_NULL);
                        return;
                }
                if (r < 0) {
                        fail(websocket,
                             r == -EBADMSG ? (unsigned) WEBSOCKET_MALFORMED : (unsigned) WEBSOCKET_INTERNAL_ERROR,
                             SLICE_NULL);
                        return;
                }
                bytes = (struct slice) { expanded.data ? expanded.data : "", expanded.length };
                if (is_text && !utf8_is_valid(bytes)) {
                        fail(websocket, WEBSOCKET_MALFORMED, SLICE_NULL);
                        return;
                }
        }
        websocket->handler->on_message(websocket, is_text, bytes, websocket->userdata);
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message,
                       void *userdata) {
        struct websocket *websocket = userdata;
        (void) frames;
        if (message->opcode == WSLAY_CONNECTION_CLOSE) {
                websocket->is_closing = true;
                report_close(websocket, message->status_code ? message->status_code : (unsigned) WEBSOCKET_NO_CODE);
        } else if (message->opcode == WSLAY_PONG) {
                websocket->awaits_pong = false;
        } else if ((message->opcode == WSLAY_TEXT_FRAME || message->opcode == WSLAY_BINARY_FRAME) &&
                   !websocket->is_closing) {
                take_message(websocket, message);
        }
}

static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame_start,
        .on_msg_recv_callback = on_message,
};

/* The exchange's end of it. */

/* The connection may end: nothing is left to be sent, and the client's close came or will not be waited for. */
static bool is_over(const struct websocket *websocket) {
        if (websocket->is_finished)
                return true;
        return wslay_event_get_close_sent(websocket->frames) &&
               (wslay_event_get_close_received(websocket->frames) || !wslay_event_get_read_enabled(websocket->frames));
}

static int body_peek(struct http_body *body, struct http_segment *ret_segment) {
        struct websocket *websocket = container_of(body, struct websocket, body);
        if (websocket->out_sent == websocket->out.length) {
                websocket->out.length = websocket->out_sent = 0;
                websocket->is_stalled = false;
                if (!websocket->is_finished && wslay_event_want_write(websocket->frames) &&
                    wslay_event_send(websocket->frames) != 0)
                        websocket->is_finished = true;
        }
        if (websocket->out_sent == websocket->out.length)
                return is_over(websocket) ? 0 : -EAGAIN;
        *ret_segment = (struct http_segment) { .type = HTTP_SEGMENT_MEMORY,
                                               .length = websocket->out.length - websocket->out_sent,
                                               .data = websocket->out.data + websocket->out_sent };
        return 1;
}

static void body_consume(struct http_body *body, uint64_t length) {
        struct websocket *websocket = container_of(body, struct websocket, body);
        websocket->out_sent += length;
        bool has_room = queued(websocket) < QUEUE_MAX / 2;
        if (has_room && (websocket->is_paused || websocket->is_full))
                wake(websocket);
}

static const struct http_body_operations body_operations = { body_peek, body_consume };

/* The library closes without a code for what is no frame at all; 1002 says more. */
static void end_malformed(struct websocket *websocket) {
        static const char close[] = { '\x88', 2, '\x03', '\xea' };
        if (!websocket->is_stalled && !wslay_event_get_close_sent(websocket->frames))
                text_append(&websocket->out, (struct slice) { close, sizeof(close) });
        websocket->is_closing = websocket->is_finished = true;
}

/* Reads frames as long as the queue has room. Returns what is left. */
static struct slice read_frames(struct websocket *websocket, struct slice bytes) {
        websocket->input = bytes;
        websocket->is_reading = true;
        int r = wslay_event_recv(websocket->frames);
        struct slice rest = websocket->input;
        websocket->input = SLICE_NULL;
        websocket->is_reading = false;
        if (r != 0)
                end_malformed(websocket);
        else if (!wslay_event_get_read_enabled(websocket->frames))
                websocket->is_closing = true; /* the library has queued the close for what the client did wrong */
        return r != 0 || websocket->is_finished ? SLICE_NULL : rest;
}

static int reader_data(struct http_exchange *exchange, struct slice bytes, void *userdata) {
        struct websocket *websocket = userdata;
        (void) exchange;
        websocket->heard = now_of(websocket);
        struct slice rest = read_frames(websocket, bytes);
        text_append(&websocket->held, rest);
        if (websocket->held.failed) {
                websocket->is_finished = true;
                websocket->exchange->response.cause = CAUSE_OUT_OF_MEMORY;
        }
        wake(websocket);
        if ((rest.length == 0 && queued(websocket) < QUEUE_MAX) || websocket->is_finished)
                return 0;
        websocket->is_paused = true;
        return -EAGAIN;
}

/* Goes on with what was held back. True when there is nothing of it left. */
static bool read_held(struct websocket *websocket) {
        struct text held = websocket->held;
        if (held.length == 0)
                return true;
        websocket->held = TEXT_INIT;
        struct slice rest = read_frames(websocket, (struct slice) { held.data, held.length });
        if (rest.length > 0) {
                memmove(held.data, rest.data, rest.length);
                held.length = rest.length;
                websocket->held = held;
                return false;
        }
        text_done(&held);
        return true;
}

/* The client will send no more; perhaps without a close. Its close is answered yet. */
static void reader_end(struct http_exchange *exchange, void *userdata) {
        struct websocket *websocket = userdata;
        (void) exchange;
        if (!wslay_event_get_close_received(websocket->frames))
                websocket->is_finished = true;
        report_close(websocket, WEBSOCKET_ABNORMAL);
        wake(websocket);
}

static void on_wake(struct loop_deferred *deferred, void *userdata) {
        struct websocket *websocket = userdata;
        (void) deferred;
        if (queued(websocket) < QUEUE_MAX / 2) {
                websocket->is_paused = !read_held(websocket);
                if (websocket->is_full && !websocket->is_closing) {
                        websocket->is_full = false;
                        if (websocket->handler->on_room)
                                websocket->handler->on_room(websocket, websocket->userdata);
                }
        }
        http_exchange_resume(websocket->exchange);
}

/* Pings a quiet client; ends with one that does not answer, or does not end. */
static void on_timer(struct timer *timer, void *userdata) {
        struct websocket *websocket = userdata;
        uint64_t now = now_of(websocket), interval = settings(websocket)->ping_interval / 1000;
        (void) timer;
        if (websocket->is_closing || (websocket->awaits_pong && now - websocket->heard >= interval)) {
                websocket->is_finished = true;
                websocket->exchange->response.cause = websocket->is_closing ? CAUSE_NONE : CAUSE_CLIENT_SILENT;
                report_close(websocket, WEBSOCKET_ABNORMAL);
                wake(websocket);
                return;
        }
        websocket->awaits_pong = false;
        if (now - websocket->heard >= interval) {
                const struct wslay_event_msg ping = { .opcode = WSLAY_PING };
                websocket->awaits_pong = wslay_event_queue_msg(websocket->frames, &ping) == 0;
                wake(websocket);
                start_timer(websocket, interval);
        } else {
                start_timer(websocket, websocket->heard + interval - now);
        }
}

static void on_drain(struct http_exchange *exchange) {
        begin_close(exchange->tunnel, WEBSOCKET_GOING_AWAY, SLICE_LITERAL("the server is being stopped"));
}

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct websocket *websocket = container_of(end, struct websocket, end);
        report_close(websocket, WEBSOCKET_ABNORMAL);
        loop_timer_stop(exchange->worker->loop, &websocket->timer);
        loop_deferred_cancel(&websocket->wake);
        wslay_event_context_free(websocket->frames);
        websocket_deflate_free(websocket->deflate);
        text_done(&websocket->out);
        text_done(&websocket->held);
        free(websocket);
}

int websocket_send(struct websocket *websocket, bool is_text, struct slice message) {
        _cleanup_text_ struct text compressed = TEXT_INIT;
        uint8_t rsv = WSLAY_RSV_NONE;
        if (websocket->is_closing || websocket->is_finished)
                return -EPIPE;
        /* An answer to what is being read finds room: how much is read is bounded instead. */
        if (queued(websocket) >= QUEUE_MAX && !websocket->is_reading) {
                websocket->is_full = true;
                return -EAGAIN;
        }
        if (websocket->deflate && message.length >= COMPRESS_MIN) {
                int r = websocket_deflate_compress(websocket->deflate, message, &compressed);
                if (r < 0)
                        return r;
                message = (struct slice) { compressed.data, compressed.length };
                rsv = WSLAY_RSV1_BIT;
        }
        const struct wslay_event_msg event = {
                .opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
                .msg = (const uint8_t *) message.data,
                .msg_length = message.length,
        };
        if (wslay_event_queue_msg_ex(websocket->frames, &event, rsv) != 0)
                return -ENOMEM;
        wake(websocket);
        return 0;
}

const char *websocket_protocol(const struct websocket *websocket) {
        return websocket->protocol;
}

/* The head of the answer. */
static int add_fields(struct websocket *websocket, const struct websocket_extension *extension) {
        struct http_exchange *exchange = websocket->exchange;
        int r = 0;
        if (exchange->request.version < 20) {
                struct slice key = http_fields_find(&exchange->request.fields, SLICE_LITERAL("Sec-WebSocket-Key"));
                char *accept = arena_alloc(&exchange->arena, WEBSOCKET_ACCEPT_LENGTH);
                if (!accept || websocket_accept_key(key, accept) < 0)
                        return -ENOMEM;
                r = http_response_add(exchange, SLICE_LITERAL("sec-websocket-accept"),
                                      (struct slice) { accept, WEBSOCKET_ACCEPT_LENGTH });
        }
        if (r >= 0 && websocket->protocol)
                r = http_response_add(exchange, SLICE_LITERAL("sec-websocket-protocol"), slice_of(websocket->protocol));
        if (r >= 0 && websocket->deflate) {
                struct slice answer = websocket_extension_answer(extension, &exchange->arena);
                r = answer.data ? http_response_add(exchange, SLICE_LITERAL("sec-websocket-extensions"), answer)
                                : -ENOMEM;
        }
        return r;
}

static struct websocket *make(struct http_exchange *exchange, const struct websocket_options *options) {
        struct websocket *websocket = calloc(1, sizeof(*websocket));
        if (!websocket)
                return NULL;
        *websocket = (struct websocket) {
                .exchange = exchange,
                .handler = options->handler,
                .userdata = options->userdata,
                .body.operations = &body_operations,
                .end.run = on_exchange_end,
                .heard = loop_now(exchange->worker->loop),
                .held = TEXT_INIT,
                .has_reported = true, /* until it is one */
        };
        loop_deferred_init(&websocket->wake, on_wake, websocket);
        timer_init(&websocket->timer, on_timer, websocket);
        if (wslay_event_context_server_init(&websocket->frames, &callbacks, websocket) != 0) {
                free(websocket);
                return NULL;
        }
        http_exchange_on_end(exchange, &websocket->end);
        wslay_event_config_set_max_recv_msg_length(websocket->frames, settings(websocket)->max_message);
        return websocket;
}

static void refuse(struct http_exchange *exchange, enum cause cause, const char *detail) {
        if (cause != CAUSE_UPGRADE_REQUIRED) {
                http_exchange_fail(exchange, cause, detail);
                return;
        }
        exchange->detail = detail;
        http_problem_prepare(exchange, cause);
        if (exchange->request.version < 20)
                exchange->response.upgrade = SLICE_LITERAL("websocket");
        (void) http_response_add(exchange, SLICE_LITERAL("sec-websocket-version"), SLICE_LITERAL("13"));
        http_exchange_respond(exchange);
}

struct websocket *websocket_accept(struct http_exchange *exchange, const struct websocket_options *options) {
        const char *detail;
        enum cause cause = websocket_check_request(&exchange->request, options->any_origin, &detail);
        if (cause != CAUSE_NONE) {
                refuse(exchange, cause, detail);
                return NULL;
        }
        struct websocket *websocket = make(exchange, options);
        struct websocket_extension extension = { 0 };
        if (!websocket) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
                return NULL;
        }
        if (settings(websocket)->compression)
                websocket_negotiate(&exchange->request.fields, (uint8_t) settings(websocket)->max_window_bits,
                                    &extension);
        if (extension.has_deflate && websocket_deflate_new(&extension, &websocket->deflate) >= 0)
                wslay_event_config_set_allowed_rsv_bits(websocket->frames, WSLAY_RSV1_BIT);
        websocket->protocol = websocket_choose_protocol(&exchange->request.fields, options->protocols);
        if (add_fields(websocket, &extension) < 0) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
                return NULL;
        }
        websocket->has_reported = false;
        start_timer(websocket, settings(websocket)->ping_interval / 1000);
        exchange->response.body = &websocket->body;
        exchange->tunnel = websocket;
        exchange->request.upgrade = SLICE_LITERAL("websocket"); /* of all that the client would take */
        http_exchange_open_tunnel(exchange, on_drain,
                                  (struct http_body_reader) { .on_data = reader_data,
                                                              .on_end = reader_end,
                                                              .userdata = websocket });
        return websocket;
}
