/* SPDX-License-Identifier: Apache-2.0 */
/* Small answers that are made on the spot: health, metrics, what the admin socket says. */
#include "http/respond.h"

void http_respond_memory(struct http_exchange *exchange, int status, struct slice type,
                         struct http_body_memory *memory) {
        exchange->response.status = status;
        exchange->response.content_length = (int64_t) memory->bytes.length;
        exchange->response.body = &memory->body;
        (void) http_response_add(exchange, SLICE_LITERAL("content-type"), type);
        (void) http_response_add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-store"));
        http_exchange_respond(exchange);
}

void http_respond_text(struct http_exchange *exchange, int status, struct slice type, struct slice body) {
        struct http_body_memory *memory = arena_alloc(&exchange->arena, sizeof(*memory) + body.length);
        if (!memory) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "the answer does not fit into the exchange's memory");
                return;
        }
        char *copy = (char *) (memory + 1);
        if (body.length > 0)
                memcpy(copy, body.data, body.length);
        http_body_memory_init(memory, (struct slice) { copy, body.length });
        http_respond_memory(exchange, status, type, memory);
}

void http_respond_health(struct http_exchange *exchange, enum cause cause) {
        if (cause == CAUSE_NONE)
                http_respond_text(exchange, 200, SLICE_LITERAL("text/plain; charset=utf-8"), SLICE_LITERAL("ok\n"));
        else
                http_exchange_fail(exchange, cause, NULL);
}

void http_respond_metrics(struct http_exchange *exchange, struct metrics *metrics) {
        struct slice accept = http_fields_get(&exchange->request.fields, HTTP_FIELD_ACCEPT);
        bool open_metrics = accept.data && memmem(accept.data, accept.length, "application/openmetrics-text", 28);
        _cleanup_text_ struct text text = TEXT_INIT;
        if (open_metrics)
                metrics_render(metrics, &text);
        else
                metrics_render_plain(metrics, &text);
        if (text.failed) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "rendering the metrics");
                return;
        }
        http_respond_text(exchange, 200,
                          open_metrics ? SLICE_LITERAL(METRICS_CONTENT_TYPE)
                                       : SLICE_LITERAL(METRICS_PLAIN_CONTENT_TYPE),
                          (struct slice) { text.data, text.length });
}
