/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of work for exchanges, and the JSON that comes and goes. */
#include "auth/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/respond.h"
#include "shared/syscall.h"
#include "shared/utf8.h"

#define DEPTH_MAX 4

/* In the exchange's arena; the job is on the heap, since its thread may outlast the exchange. */
struct auth_job_end {
        struct http_exchange_end end;
        struct auth_job *job; /* NULL: it was untied */
};

static void on_exchange_end(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct auth_job_end *job_end = container_of(end, struct auth_job_end, end);
        (void) exchange;
        if (job_end->job)
                job_end->job->exchange = NULL;
}

int auth_job_init(struct auth_job *job, struct http_exchange *exchange, void (*free_job)(struct auth_job *job)) {
        struct auth_job_end *end = arena_alloc_zero(&exchange->arena, sizeof(*end));
        if (!end)
                return -ENOMEM;
        *end = (struct auth_job_end) { .end.run = on_exchange_end, .job = job };
        job->authority = authority_of(exchange);
        job->exchange = exchange;
        job->end = end;
        job->free = free_job;
        http_exchange_on_end(exchange, &end->end);
        return 0;
}

static void run_step(struct thread_task *task) {
        struct auth_job *job = container_of(task, struct auth_job, task);
        job->result = job->step(job);
}

/* When the daemon ends, every exchange has ended before, and nobody waits for what was cancelled. */
static void finish_step(struct auth_job *job) {
        if (job->result == -ECANCELED && !job->exchange)
                auth_job_end(job);
        else
                job->then(job);
}

static void on_step_done(struct thread_task *task) {
        struct auth_job *job = container_of(task, struct auth_job, task);
        if (task->result < 0)
                job->result = task->result;
        finish_step(job);
}

void auth_job_run(struct auth_job *job, struct thread_pool *pool, int (*step)(struct auth_job *job),
                  void (*then)(struct auth_job *job)) {
        job->step = step;
        job->then = then;
        job->task.run = run_step;
        job->task.done = on_step_done;
        int r = job->authority->is_stopping ? -ECANCELED : thread_pool_submit(pool, job->authority->loop, &job->task);
        if (r < 0) {
                job->result = r;
                finish_step(job);
        }
}

void auth_job_end(struct auth_job *job) {
        if (job->exchange)
                job->end->job = NULL;
        job->free(job);
}

/* The most bytes that to_ascii makes of one, and the NUL of snprintf. */
#define ASCII_MAX(length) (3 * (length) + 1)

/* The same JSON in ASCII: what is beyond it can only stand in strings, where it may be escaped (RFC 8259 section 7). json-c 0.18 takes
 * such bytes for control characters when it is strict. Returns the length; SIZE_MAX when it is not UTF-8. */
static size_t to_ascii(struct slice bytes, char *ret_ascii) {
        char *end = ret_ascii;
        while (bytes.length > 0) {
                const unsigned char *byte = (const unsigned char *) bytes.data;
                size_t length;
                if (!utf8_next(bytes, &length))
                        return SIZE_MAX;
                unsigned point = length == 1 ? byte[0] : byte[0] & (0x7fU >> length);
                for (size_t i = 1; i < length; i++)
                        point = point << 6 | (byte[i] & 0x3fU);
                if (length == 1)
                        *end++ = bytes.data[0];
                else if (point < 0x10000)
                        end += snprintf(end, 7, "\\u%04x", point);
                else
                        end += snprintf(end, 13, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
                                        0xdc00 + ((point - 0x10000) & 0x3ff));
                bytes = slice_from(bytes, length);
        }
        return (size_t) (end - ret_ascii);
}

static struct json_object *parse_object(struct slice ascii) {
        struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
        if (!tokener)
                return NULL;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        struct json_object *object = json_tokener_parse_ex(tokener, ascii.data, (int) ascii.length);
        bool is_whole = json_tokener_get_error(tokener) == json_tokener_success &&
                        json_tokener_get_parse_end(tokener) == ascii.length &&
                        json_object_is_type(object, json_type_object);
        json_tokener_free(tokener);
        if (is_whole)
                return object;
        json_object_put(object);
        return NULL;
}

struct json_object *auth_parse_object(struct slice bytes) {
        _cleanup_free_ char *ascii = malloc(ASCII_MAX(bytes.length));
        size_t length = ascii ? to_ascii(bytes, ascii) : SIZE_MAX;
        struct json_object *object = length != SIZE_MAX ? parse_object((struct slice) { ascii, length }) : NULL;
        if (ascii)
                explicit_bzero(ascii, ASCII_MAX(bytes.length));
        return object;
}

const char *auth_member(struct json_object *object, const char *name) {
        struct json_object *member = NULL;
        if (!json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, json_type_string))
                return NULL;
        const char *string = json_object_get_string(member);
        return strlen(string) == (size_t) json_object_get_string_len(member) ? string : NULL;
}

struct body {
        struct http_exchange_end end;
        void (*on_object)(struct http_exchange *exchange, struct json_object *object);
        size_t length;
        char bytes[JOB_BODY_MAX];
};

static int on_data(struct http_exchange *exchange, struct slice bytes, void *userdata) {
        struct body *body = userdata;
        if (exchange->is_responded)
                return 0;
        if (bytes.length > sizeof(body->bytes) - body->length) {
                auth_refuse(exchange, CAUSE_BODY_TOO_LARGE, NULL, 0);
                return 0;
        }
        memcpy(body->bytes + body->length, bytes.data, bytes.length);
        body->length += bytes.length;
        return 0;
}

static void put_secret(struct json_object *object) {
        json_object_object_foreach(object, name, member) {
                (void) name;
                if (json_object_is_type(member, json_type_string))
                        explicit_bzero((char *) json_object_get_string(member),
                                       (size_t) json_object_get_string_len(member));
        }
        json_object_put(object);
}

static void on_end(struct http_exchange *exchange, void *userdata) {
        struct body *body = userdata;
        if (exchange->is_responded)
                return;
        struct json_object *object = auth_parse_object((struct slice) { body->bytes, body->length });
        explicit_bzero(body->bytes, body->length);
        if (!object) {
                auth_refuse(exchange, CAUSE_INPUT_INVALID, "the body must be a JSON object", 0);
                return;
        }
        body->on_object(exchange, object);
        put_secret(object);
}

/* An exchange that ended early has its secrets too. */
static void on_body_gone(struct http_exchange_end *end, struct http_exchange *exchange) {
        struct body *body = container_of(end, struct body, end);
        (void) exchange;
        explicit_bzero(body->bytes, sizeof(body->bytes));
}

void auth_read_object(struct http_exchange *exchange,
                      void (*on_object)(struct http_exchange *exchange, struct json_object *object)) {
        if (!exchange->request.has_body) {
                auth_refuse(exchange, CAUSE_INPUT_INVALID, "the body must be a JSON object", 0);
                return;
        }
        struct body *body = arena_alloc(&exchange->arena, sizeof(*body));
        if (!body) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "no memory for a body");
                return;
        }
        body->on_object = on_object;
        body->length = 0;
        body->end.run = on_body_gone;
        http_exchange_on_end(exchange, &body->end);
        http_exchange_read_body(exchange,
                                (struct http_body_reader) { .on_data = on_data, .on_end = on_end, .userdata = body });
}

/* The object holds the text that is sent. */
struct answer {
        struct http_exchange_end end;
        struct http_body_memory memory;
        struct json_object *object;
};

static void on_answer_gone(struct http_exchange_end *end, struct http_exchange *exchange) {
        (void) exchange;
        json_object_put(container_of(end, struct answer, end)->object);
}

void auth_respond(struct http_exchange *exchange, int status, struct json_object *object) {
        size_t length = 0;
        const char *text = object ? json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &length) : NULL;
        struct answer *answer = text ? arena_alloc(&exchange->arena, sizeof(*answer)) : NULL;
        if (!answer) {
                json_object_put(object);
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "no memory for an answer");
                return;
        }
        *answer = (struct answer) { .end.run = on_answer_gone, .object = object };
        http_exchange_on_end(exchange, &answer->end);
        http_body_memory_init(&answer->memory, (struct slice) { text, length });
        http_respond_memory(exchange, status, SLICE_LITERAL("application/json"), &answer->memory);
}

void auth_refuse(struct http_exchange *exchange, enum cause cause, const char *message, uint64_t retry_after) {
        const struct cause_entry *entry = cause_entry(cause);
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "cause", json_object_new_string(entry->code));
        json_object_object_add(object, "message", json_object_new_string(message ? message : entry->sentence));
        if (retry_after > 0) {
                char *seconds = arena_format(&exchange->arena, "%llu", (unsigned long long) retry_after);
                json_object_object_add(object, "retry_after", json_object_new_int64((int64_t) retry_after));
                if (seconds)
                        (void) http_response_add(exchange, SLICE_LITERAL("retry-after"), slice_of(seconds));
        }
        (void) http_response_add(exchange, SLICE_LITERAL("ccodes-cause"), slice_of(entry->code));
        exchange->response.cause = cause;
        exchange->detail = message;
        auth_respond(exchange, entry->status, object);
}
