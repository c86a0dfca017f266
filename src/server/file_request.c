/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request from its path to an answer. Wherever it waits, it is on a list from which the end of the
 * exchange takes it; nobody else keeps a pointer to it. */
#include "server/file_request.h"

#include <stdlib.h>
#include <string.h>

#include "http/problem.h"
#include "http/worker.h"
#include "server/content/content_damage.h"
#include "server/signed_download.h"
#include "server/upload/tus_fields.h"
#include "shared/quantity.h"
#include "shared/syscall.h"

static void on_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct file_request *request = container_of(end, struct file_request, end);
        list_remove(&request->waiter.link);
        list_remove(&request->compression.link);
        access_cancel(&request->access);
        request->entry = file_entry_unref(request->entry);
}

static void on_found(struct file_waiter *waiter, struct file_entry *entry, enum cause cause);
static void on_compressed(struct compression_waiter *waiter);

struct file_request *file_request_new(struct http_exchange *exchange) {
        struct file_request *request = arena_alloc(&exchange->arena, sizeof(*request));
        if (!request)
                return NULL;
        *request = (struct file_request) {
                .exchange = exchange,
                .worker = exchange->generation->state,
                .waiter.ready = on_found,
                .compression.ready = on_compressed,
                .end.run = on_end,
                .signed_rate = QUANTITY_INFINITY,
        };
        list_init(&request->waiter.link);
        list_init(&request->compression.link);
        http_exchange_on_end(exchange, &request->end);
        return request;
}

/* What is sent of a file goes at the rates that its rules, its folder and its signed address say. */
static void respond_at_rate(struct file_request *request) {
        struct http_exchange *exchange = request->exchange;
        const struct config_upload *upload = request->mount ? request->mount->config : NULL;
        if (request->entry && exchange->response.cause == CAUSE_NONE) {
                uint64_t rate = MIN_OF(request->signed_rate, request->entry->result.outcome.rate);
                if (upload)
                        rate = MIN_OF(rate, upload->rate);
                if (http_exchange_pace(exchange, rate, request->mount ? request->mount->pace : NULL) < 0) {
                        file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                        return;
                }
        }
        http_exchange_respond(exchange);
}

static void fail_content(struct file_request *request, int error) {
        content_damage_log(request->exchange, error, NULL);
        file_request_fail(request, http_body_cause(error), NULL);
}

static void on_content(struct content_body *body, int result, void *userdata) {
        struct file_request *request = userdata;
        (void) body;
        if (request->exchange->is_responded) /* the engine had to answer meanwhile */
                return;
        if (result < 0)
                fail_content(request, result);
        else
                respond_at_rate(request);
}

void file_request_respond(struct file_request *request) {
        struct http_exchange *exchange = request->exchange;
        if (request->site && request->site->hsts.data && exchange->request.is_secure)
                (void) http_response_add(exchange, SLICE_LITERAL("strict-transport-security"), request->site->hsts);
        if (request->is_tus)
                (void) http_response_add(exchange, SLICE_LITERAL("tus-resumable"), SLICE_LITERAL(TUS_VERSION));
        struct content_body *content = take_pointer(request->content);
        int r = content ? content_body_prepare(content, (struct content_ready) { on_content, request }) : 1;
        if (r < 0)
                fail_content(request, r);
        else if (r > 0)
                respond_at_rate(request);
}

void file_request_redirect(struct file_request *request, int status, char *location,
                           const struct http_head_block *block) {
        struct http_exchange *exchange = request->exchange;
        char *copy = location ? arena_copy(&exchange->arena, slice_of(location)) : NULL;
        free(location);
        if (!copy || http_response_add(exchange, SLICE_LITERAL("location"), slice_of(copy)) < 0) {
                file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        exchange->response.status = status;
        exchange->response.content_length = 0;
        exchange->response.block = block;
        file_request_respond(request);
}

static struct slice methods_of(const struct file_request *request) {
        if (request->is_tus && request->exchange->request.method != HTTP_METHOD_OPTIONS)
                return SLICE_LITERAL("HEAD, PATCH, DELETE, OPTIONS");
        return request->mount ? request->mount->allow : SLICE_LITERAL(FILE_SERVER_METHODS);
}

void file_request_answer_options(struct file_request *request) {
        struct http_exchange *exchange = request->exchange;
        exchange->response.status = 204;
        exchange->response.content_length = -1;
        (void) http_response_add(exchange, SLICE_LITERAL("allow"), methods_of(request));
        file_request_respond(request);
}

static void redirect_by_rule(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        const struct rule *rule = request->entry->result.outcome.redirect;
        _cleanup_text_ struct text text = TEXT_INIT;
        char *location = NULL;
        size_t length;
        rule_append_location(rule, http->path, http->query, &text);
        (void) text_finish(&text, &location, &length);
        file_request_redirect(request, (int) rule->config->status, location, file_entry_rule_head(request->entry));
}

void file_request_redirect_to_folder(struct file_request *request, const struct http_head_block *block) {
        const struct http_request *http = &request->exchange->request;
        _cleanup_text_ struct text text = TEXT_INIT;
        char *location = NULL;
        size_t length;
        text_append_uri_path(&text, http->path);
        text_append_char(&text, '/');
        if (http->query.data) {
                text_append_char(&text, '?');
                redirect_append_query(&text, http->query);
        }
        (void) text_finish(&text, &location, &length);
        file_request_redirect(request, 301, location, block);
}

/* 1 when request->entry is there, 0 when on_found will be called. */
static int get_entry(struct file_request *request, struct slice path, unsigned view) {
        struct file_entry *before = take_pointer(request->entry); /* it has the listing */
        const struct site *site = view == FILE_VIEW_ERROR_PAGE ? request->site : request->source;
        const struct file_key key = { site, path, view, listing_view_is(view) ? before->result.listing : NULL };
        int r = file_cache_get(request->worker->cache, &key, request->exchange->generation, &request->waiter,
                               &request->entry);
        file_entry_unref(before);
        return r;
}

static void look_up_view(struct file_request *request, unsigned view);

/* Goes on with the page of the listing that was asked for. */
static void answer_listing(struct file_request *request) {
        const struct http_request *http = &request->exchange->request;
        struct listing_view view = listing_view_choose(http->query, http_fields_get(&http->fields, HTTP_FIELD_ACCEPT));
        look_up_view(request, listing_view_number(listing_view_within(view, &request->entry->result.listing->listing)));
}

/* The entry may be gone before the log reads the detail. */
static void fail_as_found(struct file_request *request) {
        const struct file_result *result = &request->entry->result;
        const char *detail = result->detail ? arena_copy(&request->exchange->arena, slice_of(result->detail))
                             : result->code ? strerrordesc_np(-result->code)
                                            : NULL;
        content_damage_log(request->exchange, result->code, result->detail);
        file_request_fail(request, result->cause, detail);
}

static void answer(struct file_request *request) {
        const struct file_result *result = &request->entry->result;

        if (request->found) {
                request->found(request);
                return;
        }
        if (request->purpose == FILE_PURPOSE_OPTIONS) {
                request->exchange->response.block = file_entry_rule_head(request->entry);
                file_request_answer_options(request);
                return;
        }
        if (!signed_download_admit(request))
                return;
        if (request->purpose == FILE_PURPOSE_REDIRECT && result->kind != FILE_KIND_RULE_REDIRECT) {
                file_request_fail(request, CAUSE_METHOD_NOT_ALLOWED, NULL);
                return;
        }
        switch (result->kind) {
        case FILE_KIND_FILE:
                file_answer(request);
                return;
        case FILE_KIND_FAILURE:
                fail_as_found(request);
                return;
        case FILE_KIND_LISTING:
                answer_listing(request);
                return;
        case FILE_KIND_FOLDER_REDIRECT:
                file_request_redirect_to_folder(request, file_entry_rule_head(request->entry));
                return;
        case FILE_KIND_RULE_REDIRECT:
                redirect_by_rule(request);
                return;
        }
}

/* What there is for the path could not be found out. */
static void not_found_out(struct file_request *request, enum cause cause, const char *detail) {
        if (request->found)
                request->found(request);
        else
                file_request_fail(request, cause, detail);
}

static enum cause cause_of_wait(int code) {
        return code == -EAGAIN ? CAUSE_OVERLOADED : CAUSE_OUT_OF_MEMORY;
}

static void look_up_view(struct file_request *request, unsigned view) {
        int r = get_entry(request, request->exchange->request.path, view);
        if (r == 1)
                answer(request);
        else if (r < 0)
                not_found_out(request, cause_of_wait(r), "the queue of the disk's threads is full");
}

void file_request_look_up(struct file_request *request) {
        look_up_view(request, FILE_VIEW_PLAIN);
}

void file_request_find(struct file_request *request, void (*found)(struct file_request *request), void *userdata) {
        request->found = found;
        request->found_userdata = userdata;
        file_request_look_up(request);
}

/* RFC 9110 section 11.6.1, RFC 6750 section 3. */
static void add_challenges(struct http_exchange *exchange, enum cause cause) {
        (void) http_response_add(exchange, SLICE_LITERAL("www-authenticate"),
                                 cause == CAUSE_TOKEN_REQUIRED ? SLICE_LITERAL("Bearer")
                                                               : SLICE_LITERAL("Bearer error=\"invalid_token\""));
        (void) http_response_add(exchange, SLICE_LITERAL("www-authenticate"),
                                 SLICE_LITERAL("Basic realm=\"Container Codes\", charset=\"UTF-8\""));
}

void file_request_add_failure_fields(struct file_request *request, enum cause cause) {
        struct http_exchange *exchange = request->exchange;
        if (cause == CAUSE_METHOD_NOT_ALLOWED)
                (void) http_response_add(exchange, SLICE_LITERAL("allow"), methods_of(request));
        if (cause == CAUSE_TUS_VERSION_UNSUPPORTED)
                (void) http_response_add(exchange, SLICE_LITERAL("tus-version"), SLICE_LITERAL(TUS_VERSION));
        if (cause == CAUSE_TOKEN_REQUIRED || cause == CAUSE_CREDENTIALS_INVALID)
                add_challenges(exchange, cause);
        if (cause == CAUSE_RANGE_UNSATISFIABLE) {
                char *range = arena_format(&exchange->arena, "bytes */%llu",
                                           (unsigned long long) request->unsatisfiable);
                if (range)
                        (void) http_response_add(exchange, SLICE_LITERAL("content-range"), slice_of(range));
        }
}

/* The engine's own page for a failure. */
static void fail_plainly(struct file_request *request, enum cause cause) {
        http_problem_prepare(request->exchange, cause);
        file_request_add_failure_fields(request, cause);
        file_request_respond(request);
}

static void send_error_page(struct file_request *request) {
        if (request->entry->result.kind != FILE_KIND_FILE || !file_answer_error_page(request))
                fail_plainly(request, request->failure);
}

void file_request_fail(struct file_request *request, enum cause cause, const char *detail) {
        struct http_exchange *exchange = request->exchange;
        struct slice page = request->site ? site_error_page(request->site, cause_entry(cause)->status) : SLICE_NULL;
        exchange->detail = detail;
        exchange->response = (struct http_response) { .cause = cause };
        request->content = NULL;
        if (!page.data) {
                fail_plainly(request, cause);
                return;
        }
        request->failure = cause;
        request->found = NULL;
        int r = get_entry(request, page, FILE_VIEW_ERROR_PAGE);
        if (r == 1)
                send_error_page(request);
        else if (r < 0)
                fail_plainly(request, cause);
}

static void on_found(struct file_waiter *waiter, struct file_entry *entry, enum cause cause) {
        struct file_request *request = container_of(waiter, struct file_request, waiter);
        if (request->exchange->is_responded) /* the engine had to answer meanwhile */
                return;
        if (!entry) {
                if (request->failure)
                        fail_plainly(request, request->failure);
                else
                        not_found_out(request, cause, NULL);
                return;
        }
        request->entry = file_entry_ref(entry);
        if (request->failure)
                send_error_page(request);
        else
                answer(request);
}

static void on_compressed(struct compression_waiter *waiter) {
        struct file_request *request = container_of(waiter, struct file_request, compression);
        if (request->exchange->is_responded)
                return;
        request->has_waited = true;
        file_answer(request);
}
