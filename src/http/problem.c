/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of failures. They say what happened and carry the cause's code and the request's id, but never what only the
 * operator should know (paths, errors of the system): that is in the log. */
#include "http/problem.h"

#include <stdlib.h>

#include "http/status.h"
#include "shared/text.h"

static const char page_head[] = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                                "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" "
                                "content=\"light dark\">"
                                "<title>";
static const char page_style[] =
                "</title><style>html{height:100%}body{font:16px/1.5 "
                "system-ui,sans-serif;margin:0;height:100%;display:grid;"
                "place-items:center;background:light-dark(#fafafa,#16181c);color:light-dark(#1c1e21,#e8e8e8)}"
                "main{padding:2rem;max-width:34rem}h1{font-size:3.5rem;line-height:1;margin:0;font-weight:650}"
                "p{margin:.75rem 0}small,code{color:light-dark(#5c6066,#a0a4aa)}</style></head><body><main>";

static void append_page(struct text *text, const struct cause_entry *entry, const char *id) {
        const char *reason = http_status_reason(entry->status);
        text_append_string(text, page_head);
        text_printf(text, "%d %s", entry->status, reason);
        text_append_string(text, page_style);
        text_printf(text, "<h1>%d</h1><p><strong>%s</strong></p><p>", entry->status, reason);
        text_append_html(text, slice_of(entry->sentence));
        text_printf(text, "</p><small><code>%s</code> &middot; request <code>%s</code></small></main></body></html>\n",
                    entry->code, id);
}

static void append_details(struct text *text, const struct cause_entry *entry, const char *id) {
        text_append_string(text, "{\"type\":\"about:blank\",\"title\":");
        text_append_json(text, slice_of(http_status_reason(entry->status)));
        text_printf(text, ",\"status\":%d,\"detail\":", entry->status);
        text_append_json(text, slice_of(entry->sentence));
        text_printf(text, ",\"cause\":\"%s\",\"request\":\"%s\"}\n", entry->code, id);
}

static bool prefers_page(const struct http_exchange *exchange) {
        return http_fields_list_has(&exchange->request.fields, HTTP_FIELD_ACCEPT, SLICE_LITERAL("text/html"));
}

static void add_retry_after(struct http_exchange *exchange) {
        const char *text =
                        exchange->retry_after > 1 ? arena_format(&exchange->arena, "%u", exchange->retry_after) : NULL;
        (void) http_response_add(exchange, SLICE_LITERAL("retry-after"), text ? slice_of(text) : SLICE_LITERAL("1"));
}

void http_problem_add_fields(struct http_exchange *exchange, enum cause cause) {
        const struct cause_entry *entry = cause_entry(cause);
        (void) http_response_add(exchange, SLICE_LITERAL("ccodes-cause"), slice_of(entry->code));
        if (entry->status == 429 || entry->status == 503)
                add_retry_after(exchange);
}

void http_problem_prepare(struct http_exchange *exchange, enum cause cause) {
        const struct cause_entry *entry = cause_entry(cause);
        struct http_response *response = &exchange->response;
        response->status = entry->status ? entry->status : 500;
        response->cause = cause;
        response->block = NULL;
        response->body = NULL;
        response->content_length = 0;
        response->extra_count = 0;
        http_problem_add_fields(exchange, cause);
        if (http_status_is_bodyless(response->status))
                return;

        char id[17] = { 0 };
        http_exchange_id_text(exchange, id);
        bool page = prefers_page(exchange);
        _cleanup_text_ struct text text = TEXT_INIT;
        if (page)
                append_page(&text, entry, id);
        else
                append_details(&text, entry, id);

        struct http_body_memory *body = arena_alloc(&exchange->arena, sizeof(*body));
        char *copy = text.failed ? NULL : arena_copy(&exchange->arena, (struct slice) { text.data, text.length });
        if (!body || !copy)
                return;
        http_body_memory_init(body, (struct slice) { copy, text.length });
        response->body = &body->body;
        response->content_length = (int64_t) text.length;
        (void) http_response_add(exchange, SLICE_LITERAL("content-type"),
                                 page ? SLICE_LITERAL("text/html; charset=utf-8")
                                      : SLICE_LITERAL("application/problem+json"));
        (void) http_response_add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-store"));
        (void) http_response_add(exchange, SLICE_LITERAL("x-content-type-options"), SLICE_LITERAL("nosniff"));
}
