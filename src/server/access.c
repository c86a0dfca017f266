/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway may not connect to anything: it hands ccodes-auth one end of a socketpair (shared/descriptor_passing.h), and speaks HTTP over
 * the other. A credential is kept as long as the question about it, and remembered as a keyed hash. */
#include "server/access.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/random.h>

#include <json-c/json.h>
#include <openssl/evp.h>

#include "config/auth_section.h"
#include "http/client/http_client.h"
#include "http/connection.h"
#include "http/worker.h"
#include "shared/descriptor_passing.h"
#include "shared/grant.h"
#include "shared/syscall.h"
#include "shared/text.h"

#define AUDIENCE "server"
#define CONNECTIONS_MAX 8
#define WAITING_MAX 256
#define RESPONSE_MAX 16384
#define TIMEOUT_MSEC 5000
#define KEYS_FILE_MAX 8192
#define CREDENTIAL_MAX 4096
#define REMEMBERED 1024 /* credentials with a scope; 48 KiB */

struct remembered {
        unsigned char digest[32];
        uint64_t until; /* ms, of the loop; 0: nothing */
};

/* Reads the file of public keys on the pool. */
struct key_reading {
        struct thread_task task;
        struct access *access; /* NULL: it has gone */
        char *path;
        struct grant_keys keys;
        int result;
};

struct access {
        struct http_worker *worker;
        const struct config_auth *config;
        struct http_client *client;
        int sender; /* hands connections over */
        struct grant_keys keys;
        struct key_reading *reading; /* under way; NULL: none */
        struct list checking;        /* questions whose grants wait for the keys */
        uint64_t complained;         /* ms, of the loop: when a failure of ccodes-auth was logged last */
        unsigned char secret[32];
        struct remembered remembered[REMEMBERED];
};

struct access_question {
        struct http_client_call call;
        struct list link; /* of `checking` */
        struct access *access;
        struct access_waiter *waiter;
        struct grant_binding binding;
        unsigned char digest[32];
        char scope[SCOPE_MAX + 1];
        char grant[GRANT_TEXT_MAX + 1]; /* empty: none yet */
        char *message;
        size_t length;
        bool has_read_keys;
};

static void free_question(struct access_question *question) {
        list_remove(&question->link);
        if (question->message)
                explicit_bzero(question->message, question->length);
        free(question->message);
        free(question);
}

static void decide(struct access_question *question, enum cause cause) {
        struct access_waiter *waiter = question->waiter;
        waiter->question = NULL;
        free_question(question);
        waiter->decided(waiter, cause);
}

/* What is remembered is good for a credential and a scope, in this worker. -EIO when the library fails. */
static int digest_of(const struct access *access, struct slice authorization, struct slice scope,
                     unsigned char ret_digest[static 32]) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        unsigned length = 0;
        bool is_done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                       EVP_DigestUpdate(md, access->secret, sizeof(access->secret)) == 1 &&
                       EVP_DigestUpdate(md, scope.data, scope.length) == 1 && EVP_DigestUpdate(md, "\0", 1) == 1 &&
                       EVP_DigestUpdate(md, authorization.data, authorization.length) == 1 &&
                       EVP_DigestFinal_ex(md, ret_digest, &length) == 1;
        EVP_MD_CTX_free(md);
        return is_done ? 0 : -EIO;
}

static struct remembered *place_of(struct access *access, const unsigned char digest[static 32]) {
        return &access->remembered[((unsigned) digest[0] << 8 | digest[1]) % REMEMBERED];
}

static bool is_remembered(struct access *access, const unsigned char digest[static 32]) {
        const struct remembered *place = place_of(access, digest);
        return place->until > loop_now(access->worker->loop) &&
               memcmp(place->digest, digest, sizeof(place->digest)) == 0;
}

static void remember(struct access *access, const struct access_question *question, const struct grant *grant) {
        int64_t left = MAX_OF(grant_expires(grant) - loop_realtime(access->worker->loop), (int64_t) 0);
        uint64_t span = MIN_OF(access->config->remember / 1000, (uint64_t) left * 1000);
        struct remembered *place = place_of(access, question->digest);
        if (span == 0)
                return;
        memcpy(place->digest, question->digest, sizeof(place->digest));
        place->until = loop_now(access->worker->loop) + span;
}

static void check(struct access_question *question);

/* At most once a second: whoever shows a credential, whatever it is, can make this happen. */
static void complain(struct access *access, const char *what, const char *place, int error) {
        uint64_t now = loop_now(access->worker->loop);
        if (access->complained != 0 && now < access->complained + 1000)
                return;
        access->complained = now;
        log_error(access->worker->log, "%s (%s): %s", what, place, strerror(-error));
}

static void read_keys(struct thread_task *task) {
        struct key_reading *reading = container_of(task, struct key_reading, task);
        struct error error = ERROR_INIT;
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        reading->result = read_whole_file(AT_FDCWD, reading->path, KEYS_FILE_MAX, &text, &length);
        if (reading->result >= 0)
                reading->result = grant_keys_parse((struct slice) { text, length }, &error, &reading->keys);
}

static void on_keys_read(struct thread_task *task) {
        struct key_reading *reading = container_of(task, struct key_reading, task);
        struct access *access = reading->access;
        if (access) {
                access->reading = NULL;
                if (task->result >= 0 && reading->result >= 0)
                        access->keys = reading->keys;
                else
                        complain(access, "reading the keys of grants", reading->path,
                                 reading->result < 0 ? reading->result : -ECANCELED);
                /* The last answer may be the end of the configuration that asked, and of `access` with it. */
                struct list checking;
                list_init(&checking);
                list_splice(&checking, &access->checking);
                while (!list_is_empty(&checking)) {
                        struct access_question *question = list_entry(checking.next, struct access_question, link);
                        list_remove(&question->link);
                        question->has_read_keys = true;
                        check(question);
                }
        }
        free(reading->path);
        free(reading);
}

/* -ENOMEM, or that of thread_pool_submit. */
static int start_reading(struct access *access) {
        if (access->reading)
                return 0;
        struct key_reading *reading = calloc(1, sizeof(*reading));
        if (!reading || !(reading->path = strdup(access->config->public_keys))) {
                free(reading);
                return -ENOMEM;
        }
        reading->access = access;
        reading->task = (struct thread_task) { .run = read_keys, .done = on_keys_read };
        int r = thread_pool_submit(access->worker->services->pool, access->worker->loop, &reading->task);
        if (r < 0) {
                free(reading->path);
                free(reading);
                return r;
        }
        access->reading = reading;
        return 0;
}

/* ccodes-auth says what it has signed, but only the signature counts. A key that is not there may be a new one. */
static void check(struct access_question *question) {
        struct access *access = question->access;
        struct grant grant;
        int r = grant_check(slice_of(question->grant), &access->keys, &question->binding, slice_of(question->scope),
                            loop_realtime(access->worker->loop), &grant);
        if (r == -ENOKEY && !question->has_read_keys && start_reading(access) >= 0) {
                list_append(&access->checking, &question->link);
                return;
        }
        if (r >= 0)
                remember(access, question, &grant);
        else
                complain(access, "a grant of ccodes-auth is not good", access->config->socket, r);
        decide(question, r >= 0 ? CAUSE_NONE : CAUSE_AUTH_UNAVAILABLE);
}

static enum cause cause_of(unsigned status) {
        switch (status) {
        case 401:
                return CAUSE_CREDENTIALS_INVALID;
        case 403:
                return CAUSE_SCOPE_MISSING;
        case 429:
                return CAUSE_LOGIN_SLOWED;
        default:
                return CAUSE_AUTH_UNAVAILABLE;
        }
}

static bool take_grant(struct access_question *question, struct slice body) {
        struct json_tokener *tokener = json_tokener_new();
        struct json_object *object = tokener ? json_tokener_parse_ex(tokener, body.data, (int) body.length) : NULL;
        struct json_object *member = NULL;
        const char *text = json_object_object_get_ex(object, "grant", &member) ? json_object_get_string(member) : NULL;
        bool fits = text && strlen(text) < sizeof(question->grant);
        if (fits)
                memcpy(question->grant, text, strlen(text) + 1);
        json_object_put(object);
        if (tokener)
                json_tokener_free(tokener);
        return fits;
}

static void on_answer(struct http_client_call *call, int result, const struct http_client_response *response) {
        struct access_question *question = container_of(call, struct access_question, call);
        struct access *access = question->access;
        if (result < 0) {
                complain(access, "asking ccodes-auth", access->config->socket, result);
                decide(question, CAUSE_AUTH_UNAVAILABLE);
        } else if (response->status != 200) {
                struct slice wait = http_fields_find(&response->fields, SLICE_LITERAL("Retry-After"));
                if (wait.length > 0 && wait.length < 6)
                        question->waiter->exchange->retry_after = (uint32_t) strtoul(wait.data, NULL, 10);
                decide(question, cause_of(response->status));
        } else if (take_grant(question, response->body)) {
                check(question);
        } else {
                decide(question, CAUSE_AUTH_UNAVAILABLE);
        }
}

/* Without the port: log-ins are slowed down by address. */
static void append_client(struct text *text, const struct http_peer *peer) {
        char peer_text[HTTP_PEER_TEXT_MAX];
        http_peer_text(peer, peer_text);
        struct slice address = slice_of(peer->family == AF_UNIX ? "127.0.0.1:0" : peer_text);
        address.length = (size_t) (strrchr(address.data, ':') - address.data);
        if (address.data[0] == '[')
                address = (struct slice) { address.data + 1, address.length - 2 };
        text_append_json(text, address);
}

static void append_member(struct text *text, const char *name, struct slice value) {
        text_append_string(text, name);
        text_append_json(text, value.data ? value : SLICE_LITERAL(""));
}

static int write_message(struct access_question *question, struct slice authorization) {
        const struct http_request *http = &question->waiter->exchange->request;
        _cleanup_text_ struct text body = TEXT_INIT;
        struct text message = TEXT_INIT;
        append_member(&body, "{\"audience\":", SLICE_LITERAL(AUDIENCE));
        append_member(&body, ",\"method\":", http->method_name);
        append_member(&body, ",\"host\":", http->host);
        append_member(&body, ",\"path\":", http->path);
        append_member(&body, ",\"query\":", http->query);
        append_member(&body, ",\"scope\":", slice_of(question->scope));
        append_member(&body, ",\"authorization\":", authorization);
        text_append_string(&body, ",\"client\":");
        append_client(&body, &question->waiter->exchange->connection->peer);
        text_append_char(&body, '}');
        text_printf(&message, "POST /grant HTTP/1.1\r\nHost: ccodes-auth\r\nContent-Length: %zu\r\n\r\n", body.length);
        text_append(&message, (struct slice) { body.data, body.length });
        int r = body.failed ? -ENOMEM : text_finish(&message, &question->message, &question->length);
        if (body.data)
                explicit_bzero(body.data, body.length);
        text_done(&message);
        return r;
}

static int bind_request(struct access_question *question) {
        const struct http_request *http = &question->waiter->exchange->request;
        const struct grant_request request = { .audience = SLICE_LITERAL(AUDIENCE),
                                               .method = http->method_name,
                                               .host = http->host.data ? http->host : SLICE_LITERAL(""),
                                               .path = http->path,
                                               .query = http->query.data ? http->query : SLICE_LITERAL("") };
        return grant_binding_make(&request, &question->binding);
}

static int start(struct access *access, struct access_waiter *waiter, struct slice authorization, struct slice scope,
                 const unsigned char digest[static 32]) {
        struct access_question *question = calloc(1, sizeof(*question));
        if (!question)
                return -ENOMEM;
        question->access = access;
        question->waiter = waiter;
        list_init(&question->link);
        memcpy(question->digest, digest, sizeof(question->digest));
        memcpy(question->scope, scope.data, scope.length);
        int r = bind_request(question);
        if (r >= 0)
                r = write_message(question, authorization);
        if (r < 0) {
                free_question(question);
                return r;
        }
        waiter->question = question;
        question->call = (struct http_client_call) { .method = HTTP_METHOD_POST,
                                                     .request = { question->message, question->length },
                                                     .is_repeatable = true,
                                                     .done = on_answer };
        http_client_start(access->client, &question->call);
        return 0;
}

void access_ask(struct access *access, struct http_exchange *exchange, struct slice scope,
                struct access_waiter *waiter) {
        struct slice authorization = http_fields_get(&exchange->request.fields, HTTP_FIELD_AUTHORIZATION);
        unsigned char digest[32];
        waiter->exchange = exchange;
        waiter->question = NULL;
        if (!authorization.data) {
                waiter->decided(waiter, CAUSE_TOKEN_REQUIRED);
                return;
        }
        if (authorization.length > CREDENTIAL_MAX || scope.length > SCOPE_MAX) {
                waiter->decided(waiter, CAUSE_CREDENTIALS_INVALID);
                return;
        }
        int r = digest_of(access, authorization, scope, digest);
        if (r >= 0 && is_remembered(access, digest)) {
                waiter->decided(waiter, CAUSE_NONE);
                return;
        }
        if (r >= 0)
                r = start(access, waiter, authorization, scope, digest);
        if (r < 0)
                waiter->decided(waiter, CAUSE_AUTH_UNAVAILABLE);
}

void access_cancel(struct access_waiter *waiter) {
        if (!waiter->question)
                return;
        http_client_cancel(&waiter->question->call);
        free_question(take_pointer(waiter->question));
}

static int hand_over(void *userdata) {
        const struct access *access = userdata;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int ends[2];
        if (strlen(access->config->socket) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, access->config->socket, strlen(access->config->socket) + 1);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        int r = descriptor_hand(access->sender, &address, ends[1]);
        close_fd(ends[1]);
        if (r < 0)
                close_fd(ends[0]);
        return r < 0 ? r : ends[0];
}

int access_new(struct http_worker *worker, const struct config_auth *config, struct access **ret_access) {
        struct access *access = calloc(1, sizeof(*access));
        if (!access)
                return -ENOMEM;
        access->worker = worker;
        access->config = config;
        list_init(&access->checking);
        const struct http_client_options options = { .loop = worker->loop,
                                                     .connect = hand_over,
                                                     .userdata = access,
                                                     .max_connections = CONNECTIONS_MAX,
                                                     .max_waiting = WAITING_MAX,
                                                     .max_response = RESPONSE_MAX,
                                                     .timeout = TIMEOUT_MSEC };
        access->sender = NEGATIVE_ERRNO(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        int r = access->sender < 0 ? access->sender
                                   : (int) NEGATIVE_ERRNO(getrandom(access->secret, sizeof(access->secret), 0));
        if (r >= 0)
                r = http_client_new(&options, &access->client);
        if (r < 0) {
                access_free(access);
                return r;
        }
        *ret_access = access;
        return 0;
}

void access_free(struct access *access) {
        if (!access)
                return;
        http_client_free(access->client);
        if (access->reading)
                access->reading->access = NULL;
        close_fd(access->sender);
        explicit_bzero(access, sizeof(*access));
        free(access);
}
