/* SPDX-License-Identifier: Apache-2.0 */
/* The client, with the test as the server at the other end of a socketpair: answers in every cut, kept connections, and servers that are
 * slow, gone or hostile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "http/client/http_client.h"
#include "shared/syscall.h"

#define SERVERS 8
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct bed {
        struct loop *loop;
        struct http_client *client;
        int servers[SERVERS]; /* the other ends, in the order they were made */
        size_t count;
        int refusal; /* of connect */
        struct loop_deferred turn;
        struct timer tick;
};

struct asked {
        struct http_client_call call;
        bool is_done;
        int result;
        unsigned status;
        char body[256], type[64];
        size_t length;
};

static int connect_pair(void *userdata) {
        struct bed *bed = userdata;
        int ends[2];
        if (bed->refusal)
                return bed->refusal;
        assert_true(bed->count < SERVERS);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        bed->servers[bed->count++] = ends[1];
        return ends[0];
}

static void on_turned(struct timer *timer, void *userdata) {
        (void) timer;
        loop_stop(userdata, 0);
}

/* Lets the client do all that it can do now. */
static void turn(struct bed *bed) {
        for (unsigned i = 0; i < 3; i++) {
                timer_init(&bed->tick, on_turned, bed->loop);
                loop_timer_start(bed->loop, &bed->tick, loop_now(bed->loop) + 1);
                assert_int_equal(loop_run(bed->loop), 0);
        }
}

static int set_up(void **state) {
        struct bed *bed = calloc(1, sizeof(*bed));
        assert_int_equal(loop_new(&bed->loop), 0);
        const struct http_client_options options = { .loop = bed->loop,
                                                     .connect = connect_pair,
                                                     .userdata = bed,
                                                     .max_connections = 2,
                                                     .max_waiting = 3,
                                                     .max_response = 4000,
                                                     .timeout = 200 };
        assert_int_equal(http_client_new(&options, &bed->client), 0);
        *state = bed;
        return 0;
}

static int tear_down(void **state) {
        struct bed *bed = *state;
        http_client_free(bed->client);
        for (size_t i = 0; i < bed->count; i++)
                close_fd(bed->servers[i]);
        loop_free(bed->loop);
        free(bed);
        return 0;
}

static void on_done(struct http_client_call *call, int result, const struct http_client_response *response) {
        struct asked *asked = container_of(call, struct asked, call);
        assert_false(asked->is_done);
        asked->is_done = true;
        asked->result = result;
        if (result < 0) {
                assert_null(response);
                return;
        }
        struct slice type = http_fields_get(&response->fields, HTTP_FIELD_CONTENT_TYPE);
        asked->status = response->status;
        asked->length = response->body.length;
        memcpy(asked->body, response->body.data, MIN_OF(response->body.length, sizeof(asked->body) - 1));
        memcpy(asked->type, type.data ? type.data : "", MIN_OF(type.length, sizeof(asked->type) - 1));
}

static void ask(struct bed *bed, struct asked *asked) {
        *asked = (struct asked) {
                .call = { .method = HTTP_METHOD_POST,
                          .is_repeatable = true,
                          .done = on_done,
                          .request = SLICE_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") }
        };
        http_client_start(bed->client, &asked->call);
        assert_false(asked->is_done);
        turn(bed);
}

/* What has come to a server. */
static size_t heard(const struct bed *bed, size_t server) {
        char bytes[4096];
        ssize_t n = recv(bed->servers[server], bytes, sizeof(bytes), MSG_DONTWAIT);
        return n > 0 ? (size_t) n : 0;
}

static void say(struct bed *bed, size_t server, const char *bytes, size_t length) {
        assert_int_equal(send(bed->servers[server], bytes, length, MSG_NOSIGNAL), length);
        turn(bed);
}

static void say_text(struct bed *bed, size_t server, const char *text) {
        say(bed, server, text, strlen(text));
}

static void hang_up(struct bed *bed, size_t server) {
        (void) heard(bed, server); /* what is unread would reset the connection */
        bed->servers[server] = close_fd(bed->servers[server]);
        turn(bed);
}

static void answers_come_in_any_cut(void **state) {
        static const struct {
                const char *text, *body;
                unsigned status;
        } answers[] = {
                { OK, "hello", 200 },
                { "HTTP/1.1 204 No Content\r\n\r\n", "", 204 },
                { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304 },
                { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: <a>\r\n\r\n" OK, "hello", 200 },
                { "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n",
                  "hello", 503 },
                { "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", "", 200 },
        };
        struct bed *bed = *state;
        struct asked asked;
        for (size_t i = 0; i < ELEMENTS_OF(answers); i++) {
                size_t length = strlen(answers[i].text);
                for (size_t cut = 1; cut < length; cut += 7) {
                        ask(bed, &asked);
                        assert_true(heard(bed, 0) > 0);
                        say(bed, 0, answers[i].text, cut);
                        assert_false(asked.is_done);
                        say(bed, 0, answers[i].text + cut, length - cut);
                        assert_true(asked.is_done && asked.result == 0);
                        assert_int_equal(asked.status, answers[i].status);
                        assert_string_equal(asked.body, answers[i].body);
                        assert_int_equal(bed->count, 1); /* always the same connection */
                }
        }
}

static void fields_are_those_of_the_answer(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        ask(bed, &asked);
        say_text(bed, 0, "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 3000\r\n\r\n");
        char body[3000];
        memset(body, 'b', sizeof(body));
        for (size_t i = 0; i < sizeof(body); i += 500) /* what was received moves as it grows */
                say(bed, 0, body + i, 500);
        assert_true(asked.is_done && asked.result == 0 && asked.length == sizeof(body));
        assert_string_equal(asked.type, "text/x");
}

static void an_answer_to_the_end_ends_the_connection(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        ask(bed, &asked);
        say_text(bed, 0, "HTTP/1.0 200 OK\r\n\r\nall of it");
        assert_false(asked.is_done);
        hang_up(bed, 0);
        assert_true(asked.is_done && asked.result == 0);
        assert_string_equal(asked.body, "all of it");
        ask(bed, &asked);
        assert_int_equal(bed->count, 2);
        say_text(bed, 1, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        ask(bed, &asked);
        assert_int_equal(bed->count, 3);
        http_client_cancel(&asked.call);
}

static void what_is_no_answer_is_refused(void **state) {
        static const char *const answers[] = {
                "HTTP/2 200 OK\r\n\r\n",
                "ICY 200 OK\r\n\r\n",
                "HTTP/1.1 099 OK\r\n\r\n",
                "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
                "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
                "HTTP/1.1 200 OK\r\n folded: b\r\n\r\n",
        };
        for (size_t i = 0; i < ELEMENTS_OF(answers); i++) {
                struct asked asked;
                void *fresh = NULL;
                set_up(&fresh);
                ask(fresh, &asked);
                say_text(fresh, 0, answers[i]);
                if (!asked.is_done || asked.result != -EBADMSG)
                        fail_msg("taken: %s (%d)", answers[i], asked.result);
                tear_down(&fresh);
        }
        (void) state;
}

static void what_was_not_asked_for_is_nobodys_answer(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        ask(bed, &asked);
        say_text(bed, 0, OK OK); /* the second could be taken for the answer to the next request */
        assert_true(asked.is_done);
        ask(bed, &asked);
        assert_int_equal(bed->count, 2);
        assert_false(asked.is_done);
        say_text(bed, 1, OK);
        assert_true(asked.is_done);
        say_text(bed, 1, OK); /* while it is idle */
        ask(bed, &asked);
        assert_int_equal(bed->count, 3);
        http_client_cancel(&asked.call);
}

static void too_much_is_cut(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        char more[1000];
        memset(more, 'x', sizeof(more));
        ask(bed, &asked);
        say_text(bed, 0, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        for (size_t i = 0; i < 4 && !asked.is_done; i++)
                say(bed, 0, more, sizeof(more));
        assert_int_equal(asked.result, -EFBIG);
}

static void a_kept_connection_that_is_gone_is_no_failure(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        ask(bed, &asked);
        say_text(bed, 0, OK);
        assert_true(asked.is_done);
        ask(bed, &asked); /* it is sent, and only then does the other side close */
        assert_int_equal(bed->count, 1);
        hang_up(bed, 0);
        turn(bed);
        assert_false(asked.is_done);
        assert_int_equal(bed->count, 2);
        say_text(bed, 1, OK);
        assert_true(asked.is_done && asked.result == 0);
}

static void a_new_one_that_is_cut_is(void **state) {
        struct bed *bed = *state;
        struct asked asked;
        ask(bed, &asked);
        hang_up(bed, 0);
        assert_true(asked.is_done && asked.result == -ECONNRESET);
        ask(bed, &asked);
        say_text(bed, 1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
        hang_up(bed, 1);
        assert_true(asked.is_done && asked.result == -ECONNRESET);
        bed->refusal = -ECONNREFUSED;
        ask(bed, &asked);
        assert_true(asked.is_done && asked.result == -ECONNREFUSED);
}

static void nobody_waits_for_ever(void **state) {
        struct bed *bed = *state;
        struct asked asked[6];
        for (size_t i = 0; i < 6; i++)
                ask(bed, &asked[i]);
        assert_int_equal(bed->count, 2);
        assert_true(asked[5].is_done && asked[5].result == -EBUSY);
        assert_true(heard(bed, 0) && heard(bed, 1));
        say_text(bed, 1, OK);
        assert_true(asked[1].is_done && asked[1].result == 0);
        assert_true(heard(bed, 1)); /* the first of those that waited */
        for (size_t i = 0; i < 200; i++)
                turn(bed);
        for (size_t i = 0; i < 5; i++)
                assert_true(asked[i].is_done && asked[i].result == (i == 1 ? 0 : -ETIMEDOUT));
}

static void a_call_that_is_taken_back_is_not_told(void **state) {
        struct bed *bed = *state;
        struct asked asked[4];
        for (size_t i = 0; i < 4; i++)
                ask(bed, &asked[i]);
        http_client_cancel(&asked[0].call);
        http_client_cancel(&asked[3].call);
        http_client_cancel(&asked[3].call);
        say_text(bed, 1, OK);
        turn(bed);
        assert_true(asked[1].is_done && !asked[0].is_done && !asked[3].is_done);
        http_client_cancel(&asked[1].call);
        http_client_free(bed->client);
        bed->client = NULL;
        assert_true(asked[2].is_done && asked[2].result == -ECANCELED && !asked[0].is_done);
}

/* A call whose answer is the last thing that its owner waited for. */
struct last {
        struct asked asked;
        struct bed *bed;
};

static void on_last(struct http_client_call *call, int result, const struct http_client_response *response) {
        struct last *last = container_of(call, struct last, asked.call);
        http_client_free(take_pointer(last->bed->client));
        on_done(call, result, response);
}

static void whoever_is_told_may_free_the_client(void **state) {
        static const char *const answers[] = { OK, OK OK, "no answer\r\n\r\n" };
        for (size_t i = 0; i < ELEMENTS_OF(answers); i++) {
                void *fresh = NULL;
                set_up(&fresh);
                struct last last = { .bed = fresh };
                struct asked others[2];
                ask(fresh, &others[0]);
                ask(fresh, &last.asked);
                last.asked.call.done = on_last;
                ask(fresh, &others[1]);
                say_text(fresh, 1, answers[i]);
                assert_true(last.asked.is_done && last.asked.result == (i < 2 ? 0 : -EBADMSG));
                for (size_t j = 0; j < 2; j++)
                        assert_true(others[j].is_done && others[j].result == -ECANCELED);
                tear_down(&fresh);
        }
        (void) state;
}

/* The rest of it would be read as the beginning of the next. */
static void a_request_that_is_not_out_is_nobodys_beginning(void **state) {
        struct bed *bed = *state;
        struct asked asked = { .call = { .method = HTTP_METHOD_POST, .done = on_done } };
        size_t length = (size_t) 4 << 20;
        char *request = calloc(1, length);
        assert_non_null(request);
        asked.call.request = (struct slice) { request, length };
        http_client_start(bed->client, &asked.call);
        turn(bed);
        assert_true(heard(bed, 0) > 0);
        say_text(bed, 0, OK);
        assert_true(asked.is_done && asked.result == 0);
        free(request);
        ask(bed, &asked);
        assert_int_equal(bed->count, 2);
        http_client_cancel(&asked.call);
}

static void no_room_for_a_connection_is_told_unless_one_is_there(void **state) {
        struct bed *bed = *state;
        struct asked asked[2];
        bed->refusal = -EAGAIN;
        ask(bed, &asked[0]);
        assert_true(asked[0].is_done && asked[0].result == -EAGAIN);
        bed->refusal = 0;
        ask(bed, &asked[0]);
        bed->refusal = -EAGAIN;
        ask(bed, &asked[1]);
        assert_false(asked[1].is_done);
        say_text(bed, 0, OK);
        assert_true(asked[0].is_done && asked[0].result == 0);
        say_text(bed, 0, OK);
        assert_true(asked[1].is_done && asked[1].result == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(answers_come_in_any_cut),
                TEST(fields_are_those_of_the_answer),
                TEST(an_answer_to_the_end_ends_the_connection),
                TEST(what_is_no_answer_is_refused),
                TEST(what_was_not_asked_for_is_nobodys_answer),
                TEST(too_much_is_cut),
                TEST(a_kept_connection_that_is_gone_is_no_failure),
                TEST(a_new_one_that_is_cut_is),
                TEST(nobody_waits_for_ever),
                TEST(a_call_that_is_taken_back_is_not_told),
                TEST(whoever_is_told_may_free_the_client),
                TEST(a_request_that_is_not_out_is_nobodys_beginning),
                TEST(no_room_for_a_connection_is_told_unless_one_is_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
