/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of [http]. The defaults let honest clients on poor lines through, and bound what a hostile one can hold:
 * a connection's memory by the limits, its time by the phases. */
#include "config/http_section.h"

#include "shared/buffer.h"

/* The line is part of the head: who lowers the one has lowered the other. */
static int check_limits(void *object, struct error *error, const char **ret_key) {
        struct config_http_limits *limits = object;
        limits->max_request_line = MIN_OF(limits->max_request_line, limits->max_head);
        return 0;
}

static const struct config_key limits_keys[] = {
        {
                        .name = "max_request_line",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_request_line),
                        .fallback = "\"8K\"",
                        .minimum = 256,
                        .maximum = BUFFER_SIZE,
                        .documentation = "The longest request line: method, target and version; never more than "
                                         "max_head. A longer one is answered with 414.",
        },
        {
                        .name = "max_head",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_head),
                        .fallback = "\"16K\"",
                        .minimum = 1024,
                        .maximum = BUFFER_SIZE,
                        .documentation = "The largest head: request line and header fields together. A larger one is "
                                         "answered with 431.",
        },
        {
                        .name = "max_fields",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_fields),
                        .fallback = "100",
                        .minimum = 8,
                        .maximum = 1000,
                        .documentation = "The most header fields that a request may have. More are answered with 431.",
        },
        {
                        .name = "max_body",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_body),
                        .fallback = "\"16M\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "The largest body of a request; \"infinity\" for no limit. A larger one is "
                                         "answered with 413.",
        },
        {
                        .name = "max_chunk_overhead",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_chunk_overhead),
                        .fallback = "\"16K\"",
                        .minimum = 1024,
                        .maximum = 1024 * 1024,
                        .documentation = "Bytes of chunk extensions and trailers that a chunked body may have in all.",
        },
        {
                        .name = "max_requests",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_requests),
                        .fallback = "0",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "Requests on one connection, after which it is closed in order; 0 for no "
                                         "limit.",
        },
        {
                        .name = "max_connections",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_limits, max_connections),
                        .fallback = "32768",
                        .minimum = 1,
                        .maximum = 1000000,
                        .documentation = "Connections of one daemon at a time; further ones wait with the kernel. An "
                                         "idle one costs half "
                                         "a kibibyte, with TLS about 15 KiB.",
        },
};

static const struct config_table limits_table = {
        .name = "limits",
        .size = sizeof(struct config_http_limits),
        .keys = limits_keys,
        .key_count = ELEMENTS_OF(limits_keys),
        .documentation = "How much one request and one connection may take, and how many there may be.",
        .check = check_limits,
};

/* The four phases have the same keys and differ in their defaults. */
#define PHASE_KEYS(deadline_, idle_, rate_, grace_)                                                                    \
        {                                                                                                              \
                {                                                                                                      \
                        .name = "deadline",                                                                            \
                        .type = CONFIG_SPAN,                                                                           \
                        .effect = CONFIG_LIVE,                                                                         \
                        .offset = offsetof(struct config_phase, deadline),                                             \
                        .fallback = deadline_,                                                                         \
                        .minimum = 100000,                                                                             \
                        .maximum = INT64_MAX,                                                                          \
                        .documentation = "How long the whole phase may take; \"infinity\" for as long as bytes flow.", \
                },                                                                                                     \
                                {                                                                                      \
                                        .name = "idle",                                                                \
                                        .type = CONFIG_SPAN,                                                           \
                                        .effect = CONFIG_LIVE,                                                         \
                                        .offset = offsetof(struct config_phase, idle),                                 \
                                        .fallback = idle_,                                                             \
                                        .minimum = 100000,                                                             \
                                        .maximum = INT64_MAX,                                                          \
                                        .documentation = "How long no byte at all may pass.",                          \
                                },                                                                                     \
                                {                                                                                      \
                                        .name = "minimum_rate",                                                        \
                                        .type = CONFIG_SIZE,                                                           \
                                        .effect = CONFIG_LIVE,                                                         \
                                        .offset = offsetof(struct config_phase, minimum_rate),                         \
                                        .fallback = rate_,                                                             \
                                        .minimum = 0,                                                                  \
                                        .maximum = 1024 * 1024 * 1024,                                                 \
                                        .documentation = "Bytes a second that must pass on average once 'grace' is "   \
                                                         "over; 0 for no minimum.",                                    \
                                },                                                                                     \
                                {                                                                                      \
                                        .name = "grace",                                                               \
                                        .type = CONFIG_SPAN,                                                           \
                                        .effect = CONFIG_LIVE,                                                         \
                                        .offset = offsetof(struct config_phase, grace),                                \
                                        .fallback = grace_,                                                            \
                                        .minimum = 0,                                                                  \
                                        .maximum = INT64_MAX,                                                          \
                                        .documentation = "How long after the phase began 'minimum_rate' does not "     \
                                                         "count.",                                                     \
                                },                                                                                     \
        }

#define PHASE_TABLE(phase, words)                                                          \
        {                                                                                  \
                .name = #phase, .size = sizeof(struct config_phase), .keys = phase##_keys, \
                .key_count = ELEMENTS_OF(phase##_keys), .documentation = words,            \
        }

static const struct config_key handshake_keys[] = PHASE_KEYS("\"15s\"", "\"10s\"", "0", "\"0s\"");
static const struct config_key head_keys[] = PHASE_KEYS("\"30s\"", "\"15s\"", "0", "\"0s\"");
static const struct config_key body_keys[] = PHASE_KEYS("\"infinity\"", "\"30s\"", "240", "\"10s\"");
/* A paused video reads nothing for a while: more patience than with a body that a client chose to send. */
static const struct config_key send_keys[] = PHASE_KEYS("\"infinity\"", "\"60s\"", "240", "\"60s\"");

static const struct config_table handshake_table =
                PHASE_TABLE(handshake, "The TLS handshake, from the accepted connection on.");
static const struct config_table head_table =
                PHASE_TABLE(head, "A request's head, from its first byte on. Answered with 408.");
static const struct config_table body_table = PHASE_TABLE(body, "A request's body. Answered with 408.");
static const struct config_table send_table = PHASE_TABLE(send, "Sending a response, as far as the client takes it.");

static const struct config_key timeouts_keys[] = {
        {
                        .name = "handshake",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http_timeouts, handshake),
                        .table = &handshake_table,
        },
        {
                        .name = "head",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http_timeouts, head),
                        .table = &head_table,
        },
        {
                        .name = "body",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http_timeouts, body),
                        .table = &body_table,
        },
        {
                        .name = "send",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http_timeouts, send),
                        .table = &send_table,
        },
        {
                        .name = "keep_alive",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_timeouts, keep_alive),
                        .fallback = "\"75s\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "How long a connection may wait for its next request; 0 closes it after each.",
        },
        {
                        .name = "linger",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http_timeouts, linger),
                        .fallback = "\"2s\"",
                        .minimum = 0,
                        .maximum = 60 * 1000000,
                        .documentation = "How long to read on and throw away after a refusal, so that the client sees "
                                         "the answer "
                                         "instead of a reset.",
        },
};

static const struct config_table timeouts_table = {
        .name = "timeouts",
        .size = sizeof(struct config_http_timeouts),
        .keys = timeouts_keys,
        .key_count = ELEMENTS_OF(timeouts_keys),
        .documentation = "How long each phase of a connection may take. Of a phase's keys all must hold.",
};

static const struct config_key http2_keys[] = {
        {
                        .name = "enabled",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, enabled),
                        .fallback = "true",
                        .documentation = "Speak HTTP/2 with clients that ask for it: over TLS by ALPN, in clear text "
                                         "by prior "
                                         "knowledge.",
        },
        {
                        .name = "max_streams",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, max_streams),
                        .fallback = "128",
                        .minimum = 1,
                        .maximum = 10000,
                        .documentation = "Requests that one connection may have under way at a time.",
        },
        {
                        .name = "stream_window",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, stream_window),
                        .fallback = "\"64K\"",
                        .minimum = 16384,
                        .maximum = INT32_MAX,
                        .documentation = "How much of a body a client may send before anything is known to want it; is "
                                         "held in "
                                         "memory.",
        },
        {
                        .name = "upload_window",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, upload_window),
                        .fallback = "\"1M\"",
                        .minimum = 65535,
                        .maximum = INT32_MAX,
                        .documentation = "How far a client may send ahead of what was taken of a body. The rate of an "
                                         "upload is "
                                         "at most this much a round trip.",
        },
        {
                        .name = "max_resets",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, max_resets),
                        .fallback = "50",
                        .minimum = 1,
                        .maximum = 100000,
                        .documentation = "Streams a second that may be reset on one connection, by the client or "
                                         "because of it; "
                                         "ten seconds' worth may come at once. A connection above it is ended.",
        },
        {
                        .name = "max_control_frames",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http2, max_control_frames),
                        .fallback = "50",
                        .minimum = 1,
                        .maximum = 100000,
                        .documentation = "Frames a second that carry nothing (SETTINGS, PING, PRIORITY, empty DATA, "
                                         "WINDOW_UPDATE without cause, unknown ones) on one connection; ten seconds' "
                                         "worth may "
                                         "come at once. A connection above it is ended.",
        },
};

static const struct config_table http2_table = {
        .name = "http2",
        .size = sizeof(struct config_http2),
        .keys = http2_keys,
        .key_count = ELEMENTS_OF(http2_keys),
        .documentation = "HTTP/2 (RFC 9113).",
};

static const struct config_key websocket_keys[] = {
        {
                        .name = "max_message",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_websocket, max_message),
                        .fallback = "\"1M\"",
                        .minimum = 125,
                        .maximum = 1024 * 1024 * 1024,
                        .documentation = "The largest message that a client may send, once it is expanded. A larger "
                                         "one closes "
                                         "the WebSocket with 1009.",
        },
        {
                        .name = "max_fragments",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_websocket, max_fragments),
                        .fallback = "16384",
                        .minimum = 1,
                        .maximum = 1000000,
                        .documentation = "Frames that one message may come in. More close the WebSocket with 1008.",
        },
        {
                        .name = "ping_interval",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_websocket, ping_interval),
                        .fallback = "\"30s\"",
                        .minimum = 1000000,
                        .maximum = 3600000000,
                        .documentation = "A client that was silent for so long is sent a ping; one that has not "
                                         "answered it after "
                                         "the same time again is cut.",
        },
        {
                        .name = "compression",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_websocket, compression),
                        .fallback = "true",
                        .documentation = "Compress messages with clients that offer it (permessage-deflate, RFC 7692).",
        },
        {
                        .name = "max_window_bits",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_websocket, max_window_bits),
                        .fallback = "12",
                        .minimum = 9,
                        .maximum = 15,
                        .documentation = "The window of that compression, as a power of two: the memory of each "
                                         "connection that "
                                         "compresses is about 64 KiB and 5 windows.",
        },
};

static const struct config_table websocket_table = {
        .name = "websocket",
        .size = sizeof(struct config_websocket),
        .keys = websocket_keys,
        .key_count = ELEMENTS_OF(websocket_keys),
        .documentation = "WebSockets of the server's own endpoints (RFC 6455).",
};

static const struct config_key http_keys[] = {
        {
                        .name = "server_field",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_http, server_field),
                        .fallback = "true",
                        .documentation = "Send \"Server: ccodes\" with every response.",
        },
        {
                        .name = "limits",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http, limits),
                        .table = &limits_table,
        },
        {
                        .name = "clients",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http, clients),
                        .table = &config_clients_table,
        },
        {
                        .name = "timeouts",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http, timeouts),
                        .table = &timeouts_table,
        },
        {
                        .name = "http2",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http, http2),
                        .table = &http2_table,
        },
        {
                        .name = "websocket",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_http, websocket),
                        .table = &websocket_table,
        },
};

const struct config_table config_http_table = {
        .name = "http",
        .size = sizeof(struct config_http),
        .keys = http_keys,
        .key_count = ELEMENTS_OF(http_keys),
        .documentation = "What holds for every HTTP listener, of the server and of the proxy.",
};
