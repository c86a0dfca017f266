/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth/authority.h"
#include <json-c/json.h>

/*
 * Work for one exchange that is done on another thread, in one step or more. The exchange may end in between: then the
 * step that runs is the last one. Embedded first in what it works on, which `free` gives back.
 */
struct auth_job {
        struct thread_task task;
        struct authority *authority;
        struct http_exchange *exchange; /* NULL: it has ended */
        struct auth_job_end *end;
        int result;                        /* of the step, for `then` */
        int (*step)(struct auth_job *job); /* on the thread */
        void (*then)(struct
                     auth_job *job); /* on the loop, with the exchange or without; answers, or starts the next step, or ends it */
        void (*free)(struct auth_job *job);
};

/* Ties a cleared job to the exchange. -ENOMEM: it is not tied. */
int auth_job_init(struct auth_job *job, struct http_exchange *exchange, void (*free)(struct auth_job *job));

/* Runs a step on the pool, then `then`. When the pool has no room, `then` runs at once with -EAGAIN as the result. A job whose step
 * was not run because the daemon ends is ended. */
void auth_job_run(struct auth_job *job, struct thread_pool *pool, int (*step)(struct auth_job *job),
                  void (*then)(struct auth_job *job));

/* Unties it and frees it. */
void auth_job_end(struct auth_job *job);

/* Reads the request's body, a JSON object of at most JOB_BODY_MAX bytes, and calls back with it; what is none was answered. The
 * object is only there for the call, and what it held is overwritten. */
#define JOB_BODY_MAX 16384
void auth_read_object(struct http_exchange *exchange,
                      void (*on_object)(struct http_exchange *exchange, struct json_object *object));

/* Reads bytes as one JSON object: pure. NULL when they are none, or too deep. */
struct json_object *auth_parse_object(struct slice bytes);

/* A member that is a string without a NUL; NULL when there is none. */
const char *auth_member(struct json_object *object, const char *name);

/* Answers with JSON; gives up the reference. */
void auth_respond(struct http_exchange *exchange, int status, struct json_object *object);

/* Answers with the cause and a message (NULL: the cause's sentence). `retry_after` is in seconds; 0: none. */
void auth_refuse(struct http_exchange *exchange, enum cause cause, const char *message, uint64_t retry_after);
