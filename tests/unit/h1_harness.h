/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/connection.h"
#include "http/worker_control.h"
#include "shared/text.h"

/*
 * A worker on a loop of the test's own, with an application that answers by path, and a client at the other end of a
 * socket pair. Everything runs in one thread; `harness_run_until` turns the loop until a state is reached.
 *
 *   /hello       200, "hello\n" from memory
 *   /echo        200, the request's body, with the framing that it came with, and its trailers
 *   /count       200, the number of body bytes, once all came
 *   /chunked     200, three segments, length unknown
 *   /file        200, the harness's file by HTTP_SEGMENT_FILE
 *   /truncated   200, announces more than the file has
 *   /later       200, "later\n", from a timer
 *   /big         200, 1 MiB from memory
 *   /unread      200 "hello\n", leaves the body unread
 *   /early       103, then 200 "hello\n"
 *   /paused      as /count, by a reader that pauses after each piece
 *   /websocket   a WebSocket that echoes
 *   /stalled     never answered, its body never asked for
 *   others       404
 */
struct harness;

struct harness *harness_new(void);

/* The same with an application of the test's own. The configuration is borrowed; the snapshot, and the pool if there is one, are the
 * harness's from here on. The loop is made by the harness: applications that need it find it in the worker. */
struct harness_options {
        const struct http_application *application;
        void *snapshot;
        struct config *config;
        struct thread_pool *pool;
        bool redirect_https; /* of the listener */
};
struct harness *harness_new_with(const struct harness_options *options);
void harness_free(struct harness *harness);

/* A thread pool for the harness of harness_new. */
void harness_start_pool(struct harness *harness, size_t threads);

/* The settings in force for connections made from now on, to be changed by the test. */
struct config_http *harness_settings(struct harness *harness);
struct http_worker *harness_worker(struct harness *harness);

/* Connects; one connection at a time. `small_buffers`: the kernel holds little, so that writes block. */
void harness_connect(struct harness *harness, bool small_buffers);
void harness_send(struct harness *harness, const char *bytes, size_t length);
void harness_send_text(struct harness *harness, const char *text);

/* The same when the server may have gone already: false then. */
bool harness_offer(struct harness *harness, const char *bytes, size_t length);

/* The client says that it will send no more; goes away altogether. */
void harness_shut_down(struct harness *harness);
void harness_hang_up(struct harness *harness);

/* Sets the client aside, unread, for another one; and takes it back in place of that. */
void harness_set_aside(struct harness *harness);
void harness_take_back(struct harness *harness);

/* The client stops reading, and reads again. */
void harness_read(struct harness *harness, bool reading);

/* What came so far; cleared by harness_clear. */
const struct text *harness_received(struct harness *harness);
void harness_clear(struct harness *harness);
bool harness_is_closed(struct harness *harness); /* the server's end was seen */

/* Turns the loop until the predicate holds; fails the test after five seconds. */
void harness_run_until(struct harness *harness, bool (*reached)(struct harness *harness));

/* The usual predicates: a whole answer of /hello at the end; the connection is closed; the worker has none. */
bool harness_has_hello(struct harness *harness);
bool harness_has_no_connection(struct harness *harness);

/* One turn of the loop, and what comes within a millisecond. */
void harness_turn(struct harness *harness);

/* One turn that waits for nothing. */
void harness_spin(struct harness *harness);

/* Turns the loop until nothing has happened for a few milliseconds. */
void harness_settle(struct harness *harness);

/* Exchanges that the application was given, and those that ended. */
unsigned harness_begun(struct harness *harness);
unsigned harness_ended(struct harness *harness);

/* Bodies whose readers of /echo and /count were told that they will not come whole, and the cause of the last. */
unsigned harness_aborted(struct harness *harness, enum cause *ret_cause);

#define HARNESS_FILE_SIZE 300000
