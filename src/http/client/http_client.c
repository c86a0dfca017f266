/* SPDX-License-Identifier: Apache-2.0 */
/* Each call is on exactly one list of the client: those that wait for a connection, those that have one, those that have ended
 * and are yet to be told. A connection has one call, or is idle and watched for its end. */
#include "http/client/http_client.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "http/h1/h1_parse.h"
#include "shared/quantity.h"
#include "shared/socket_io.h"
#include "shared/text.h"

#define FIELDS_MAX 64
#define READ_SIZE 4096

static const struct h1_limits limits = { .max_request_line = 1024, .max_head = 16384 };

struct http_client_connection {
        struct http_client *client;
        struct loop_io io;
        struct list link; /* of the idle ones, or of the busy ones */
        struct http_client_call *call;
        size_t sent;          /* bytes of the request */
        struct text received; /* of the response */
        size_t scanned;       /* of its head; see h1_parse_response */
        size_t body_at;       /* where the body begins; 0: the head is not complete */
        enum h1_framing framing;
        uint64_t length; /* of the body, with H1_FRAMING_LENGTH */
        struct h1_chunked chunked;
        size_t decoded_at, decoded; /* chunked: what was looked at, and body bytes moved to the front of it */
        struct h1_response_head head;
        struct http_fields fields;
        struct http_field items[FIELDS_MAX];
        bool was_used; /* for a call before this one */
};

struct http_client {
        struct http_client_options options;
        struct list waiting, busy, ended; /* calls; `busy` are connections */
        struct list idle;                 /* connections; the last one used first */
        unsigned connections, waiting_count;
        struct loop_deferred tell;
        bool is_telling; /* a call's owner, who may free the client */
        bool is_gone;    /* that has happened: whoever tells frees the memory */
};

static void close_connection(struct http_client_connection *connection) {
        struct http_client *client = connection->client;
        int fd = connection->io.fd;
        loop_io_stop(client->options.loop, &connection->io);
        close_fd(fd);
        list_remove(&connection->link);
        text_done(&connection->received);
        client->connections--;
        free(connection);
}

/* Takes the call from wherever it is. Its connection, if it has one, is in the middle of something and goes. */
static void detach(struct http_client_call *call) {
        struct http_client *client = call->client;
        if (call->connection)
                close_connection(call->connection);
        else if (!list_is_empty(&call->link) && call->result == -EINPROGRESS)
                client->waiting_count--;
        call->connection = NULL;
        list_remove(&call->link);
        loop_timer_stop(client->options.loop, &call->timer);
}

/* Told at the end of the turn. */
static void end_later(struct http_client_call *call, int result) {
        detach(call);
        call->result = result;
        list_append(&call->client->ended, &call->link);
        loop_defer(call->client->options.loop, &call->client->tell);
}

static void serve_waiting(struct http_client *client);

static void tell(struct http_client *client, struct http_client_call *call, int result,
                 const struct http_client_response *response) {
        client->is_telling = true;
        call->done(call, result, response);
        client->is_telling = false;
}

static void tell_all(struct http_client *client) {
        while (!list_is_empty(&client->ended)) {
                struct http_client_call *call = list_entry(client->ended.next, struct http_client_call, link);
                list_remove(&call->link);
                tell(client, call, call->result, NULL);
        }
}

static void tell_ended(struct loop_deferred *deferred, void *userdata) {
        struct http_client *client = userdata;
        (void) deferred;
        tell_all(client);
        if (client->is_gone)
                free(client);
        else
                serve_waiting(client);
}

static void fail(struct http_client_connection *connection, int error) {
        end_later(connection->call, error);
}

/* A kept connection may have been closed by the other side before the request reached it. */
static void lose(struct http_client_connection *connection, int error) {
        struct http_client_call *call = connection->call;
        struct http_client *client = connection->client;
        if (!connection->was_used || connection->received.length > 0 || !call->is_repeatable || call->was_repeated) {
                fail(connection, error);
                return;
        }
        close_connection(connection);
        call->connection = NULL;
        call->was_repeated = true;
        client->waiting_count++;
        list_prepend(&client->waiting, &call->link);
        loop_defer(client->options.loop, &client->tell);
}

/* The connection is free for another request, or closed when it cannot be used again. */
static void release(struct http_client_connection *connection, bool is_kept) {
        struct http_client *client = connection->client;
        if (!is_kept || loop_io_change(client->options.loop, &connection->io, EPOLLIN) < 0) {
                close_connection(connection);
                return;
        }
        connection->received.length = 0;
        connection->was_used = true;
        list_prepend(&client->idle, &connection->link);
}

static int parse_head(struct http_client_connection *connection, struct http_fault *ret_fault) {
        http_fields_init(&connection->fields, connection->items, FIELDS_MAX);
        return (int) h1_parse_response(connection->received.data, connection->received.length, &limits,
                                       &connection->scanned, &connection->fields, &connection->head, ret_fault);
}

/* Whether another request may follow a response that ends at `end`. Not one whose own request was not waited for: what is left of
 * that would be the beginning of the next. */
static bool is_persistent(const struct http_client_connection *connection, size_t end) {
        return connection->sent == connection->call->request.length && connection->framing != H1_FRAMING_CLOSE &&
               connection->head.minor_version == 1 && end == connection->received.length &&
               !http_fields_list_has(&connection->fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("close"));
}

static void complete(struct http_client_connection *connection, size_t body_length, size_t end, bool is_end) {
        struct http_client_call *call = connection->call;
        struct http_client *client = connection->client;
        struct http_fault fault;
        connection->scanned = 0;
        (void) parse_head(connection, &fault); /* anew: the bytes have moved since, as more came */
        const struct http_client_response response = { connection->head.status,
                                                       connection->fields,
                                                       { connection->received.data + connection->body_at,
                                                         body_length } };
        bool is_kept = !is_end && is_persistent(connection, end);
        loop_timer_stop(client->options.loop, &call->timer);
        call->connection = NULL;
        connection->call = NULL;
        list_remove(&connection->link); /* nobody else's, as long as the response is looked at */
        tell(client, call, 0, &response);
        if (client->is_gone) {
                close_connection(connection);
                free(client);
                return;
        }
        release(connection, is_kept);
        serve_waiting(client);
}

/* Decodes in place what has come. */
static int decode_chunked(struct http_client_connection *connection, bool *ret_done) {
        struct text *received = &connection->received;
        *ret_done = false;
        while (!*ret_done && connection->decoded_at < received->length) {
                struct slice body = SLICE_NULL;
                struct http_fault fault;
                ssize_t n = h1_chunked_decode(&connection->chunked, received->data + connection->decoded_at,
                                              received->length - connection->decoded_at, &body, ret_done, &fault);
                if (n < 0)
                        return (int) n;
                if (body.length > 0)
                        memmove(received->data + connection->body_at + connection->decoded, body.data, body.length);
                connection->decoded += body.length;
                connection->decoded_at += (size_t) n;
        }
        return 0;
}

/* Looks whether the response is whole. `is_end`: nothing more will come. */
static void take_body(struct http_client_connection *connection, bool is_end) {
        size_t there = connection->received.length - connection->body_at, length = 0, end = connection->body_at;
        bool is_done = false;
        switch (connection->framing) {
        case H1_FRAMING_NONE:
                is_done = true;
                break;
        case H1_FRAMING_LENGTH:
                is_done = there >= connection->length;
                length = MIN_OF(there, (size_t) connection->length);
                end += length;
                break;
        case H1_FRAMING_CHUNKED:
                if (decode_chunked(connection, &is_done) < 0) {
                        fail(connection, -EBADMSG);
                        return;
                }
                length = connection->decoded;
                end = connection->decoded_at;
                break;
        case H1_FRAMING_CLOSE:
                is_done = is_end;
                length = there;
                end += length;
                break;
        }
        if (is_done)
                complete(connection, length, end, is_end);
        else if (is_end)
                lose(connection, -ECONNRESET);
}

/* Takes heads until there is the one of the answer: those of 1xx come before it (RFC 9110 section 15.2). 1: it is there. */
static int take_head(struct http_client_connection *connection) {
        struct text *received = &connection->received;
        while (connection->body_at == 0) {
                struct http_fault fault;
                int n = parse_head(connection, &fault);
                if (n < 0)
                        return n == -EAGAIN ? 0 : -EBADMSG;
                if (connection->head.status == 101) /* nobody has asked for it */
                        return -EBADMSG;
                if (connection->head.status < 200) {
                        memmove(received->data, received->data + n, received->length - (size_t) n);
                        received->length -= (size_t) n;
                        connection->scanned = 0;
                        continue;
                }
                connection->body_at = connection->decoded_at = (size_t) n;
                if (h1_response_framing(&connection->fields, &connection->head, connection->call->method,
                                        &connection->framing, &connection->length, &fault) < 0)
                        return -EBADMSG;
        }
        return 1;
}

static void take(struct http_client_connection *connection, bool is_end) {
        int r = connection->received.length > 0 ? take_head(connection) : 0;
        if (r < 0)
                fail(connection, r);
        else if (r > 0)
                take_body(connection, is_end);
        else if (is_end)
                lose(connection, -ECONNRESET);
}

static void read_response(struct http_client_connection *connection) {
        struct text *received = &connection->received;
        char bytes[READ_SIZE];
        for (;;) {
                ssize_t n = socket_receive(connection->io.fd, bytes, sizeof(bytes));
                if (n == -EINTR)
                        continue;
                if (n == -EAGAIN)
                        break;
                if (n < 0) {
                        lose(connection, -ECONNRESET);
                        return;
                }
                if (n == 0) {
                        take(connection, true);
                        return;
                }
                text_append(received, (struct slice) { bytes, (size_t) n });
                if (received->failed || received->length > connection->client->options.max_response) {
                        fail(connection, received->failed ? -ENOMEM : -EFBIG);
                        return;
                }
                if (n < (ssize_t) sizeof(bytes))
                        break;
        }
        take(connection, false);
}

/* False: the connection is lost. */
static bool send_request(struct http_client_connection *connection) {
        struct slice request = connection->call->request;
        while (connection->sent < request.length) {
                ssize_t n = socket_send(connection->io.fd, request.data + connection->sent,
                                        request.length - connection->sent, MSG_NOSIGNAL);
                if (n == -EINTR)
                        continue;
                if (n == -EAGAIN)
                        break;
                if (n < 0) {
                        lose(connection, (int) n);
                        return false;
                }
                connection->sent += (size_t) n;
        }
        uint32_t events = EPOLLIN | (connection->sent < request.length ? EPOLLOUT : 0);
        if (loop_io_change(connection->client->options.loop, &connection->io, events) >= 0)
                return true;
        fail(connection, -ENOMEM);
        return false;
}

static void on_event(struct loop_io *io, uint32_t events, void *userdata) {
        struct http_client_connection *connection = userdata;
        (void) io;
        if (!connection->call) { /* whatever comes while nothing was asked */
                close_connection(connection);
                return;
        }
        if ((events & EPOLLOUT) && !send_request(connection))
                return;
        if (events & ~(uint32_t) EPOLLOUT)
                read_response(connection);
}

static void on_timeout(struct timer *timer, void *userdata) {
        (void) timer;
        end_later(userdata, -ETIMEDOUT);
}

static int open_connection(struct http_client *client, struct http_client_connection **ret_connection) {
        struct http_client_connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;
        *connection = (struct http_client_connection) { .client = client, .io = LOOP_IO_INIT };
        int fd = client->options.connect(client->options.userdata);
        int r = fd < 0 ? fd : loop_io_start(client->options.loop, &connection->io, fd, EPOLLIN, on_event, connection);
        if (r < 0) {
                close_fd(fd);
                free(connection);
                return r;
        }
        list_init(&connection->link);
        client->connections++;
        *ret_connection = connection;
        return 0;
}

/* An idle connection, or a new one. -EAGAIN: all are busy, or the other side has no room for one more. */
static int get_connection(struct http_client *client, struct http_client_connection **ret_connection) {
        if (!list_is_empty(&client->idle)) {
                *ret_connection = list_entry(client->idle.next, struct http_client_connection, link);
                return 0;
        }
        return client->connections < client->options.max_connections ? open_connection(client, ret_connection)
                                                                     : -EAGAIN;
}

static void assign(struct http_client_call *call, struct http_client_connection *connection) {
        struct http_client *client = call->client;
        list_remove(&call->link);
        client->waiting_count--;
        list_remove(&connection->link);
        list_append(&client->busy, &connection->link);
        call->connection = connection;
        connection->call = call;
        connection->sent = connection->scanned = connection->body_at = connection->decoded = 0;
        connection->received.length = 0;
        connection->chunked = (struct h1_chunked) { .max_overhead = READ_SIZE };
        (void) send_request(connection);
}

static void serve_waiting(struct http_client *client) {
        while (!list_is_empty(&client->waiting)) {
                struct http_client_call *call = list_entry(client->waiting.next, struct http_client_call, link);
                struct http_client_connection *connection;
                int r = get_connection(client, &connection);
                if (r == -EAGAIN && client->connections > 0) /* its end is when this is tried again */
                        return;
                if (r < 0)
                        end_later(call, r);
                else
                        assign(call, connection);
        }
}

int http_client_new(const struct http_client_options *options, struct http_client **ret_client) {
        struct http_client *client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;
        client->options = *options;
        list_init(&client->waiting);
        list_init(&client->busy);
        list_init(&client->ended);
        list_init(&client->idle);
        loop_deferred_init(&client->tell, tell_ended, client);
        *ret_client = client;
        return 0;
}

void http_client_free(struct http_client *client) {
        if (!client)
                return;
        while (!list_is_empty(&client->busy))
                fail(list_entry(client->busy.next, struct http_client_connection, link), -ECANCELED);
        while (!list_is_empty(&client->waiting))
                end_later(list_entry(client->waiting.next, struct http_client_call, link), -ECANCELED);
        bool is_telling = client->is_telling;
        tell_all(client);
        loop_deferred_cancel(&client->tell);
        while (!list_is_empty(&client->idle))
                close_connection(list_entry(client->idle.next, struct http_client_connection, link));
        client->is_gone = true;
        if (!is_telling)
                free(client);
}

void http_client_start(struct http_client *client, struct http_client_call *call) {
        call->client = client;
        call->connection = NULL;
        call->result = -EINPROGRESS;
        call->was_repeated = false;
        timer_init(&call->timer, on_timeout, call);
        list_init(&call->link);
        bool is_refused = client->waiting_count >= client->options.max_waiting;
        client->waiting_count++;
        list_append(&client->waiting, &call->link);
        if (is_refused) {
                end_later(call, -EBUSY);
                return;
        }
        loop_timer_start(client->options.loop, &call->timer, loop_now(client->options.loop) + client->options.timeout);
        loop_defer(client->options.loop, &client->tell);
}

void http_client_cancel(struct http_client_call *call) {
        if (call->client && (call->connection || !list_is_empty(&call->link)))
                detach(call);
}
