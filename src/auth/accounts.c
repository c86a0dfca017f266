/* SPDX-License-Identifier: Apache-2.0 */
/* The administrators' role: users and tokens are listed, made, changed and removed. Whoever reaches the socket may; who did what is
 * logged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/job.h"
#include "auth/token_text.h"
#include "shared/message_id.h"
#include "shared/syscall.h"

struct account_job {
        struct auth_job job;
        struct user user;
        struct token token;
        char password[PASSWORD_MAX + 1];
        unsigned char digest[TOKEN_DIGEST_SIZE];
        char token_text[TOKEN_TEXT_LENGTH + 1];
        struct json_object *answer;
        int (*write)(struct auth_job *job); /* the step that changes the store, after a password was hashed */
        char what[96];                      /* for the log: "user 'ann' was added"; "" for what changes nothing */
};

static struct account_job *of(struct auth_job *job) {
        return container_of(job, struct account_job, job);
}

static void free_job(struct auth_job *job) {
        struct account_job *account = of(job);
        json_object_put(account->answer);
        explicit_bzero(account, sizeof(*account));
        free(account);
}

static struct user_store *store_of(struct auth_job *job) {
        return job->authority->store;
}

static void log_change(struct account_job *account) {
        struct http_exchange *exchange = account->job.exchange;
        struct peer_credentials peer;
        char uid[16] = "?";
        if (exchange && http_exchange_peer_credentials(exchange, &peer) >= 0)
                (void) snprintf(uid, sizeof(uid), "%u", (unsigned) peer.uid);
        const struct log_field field = { "CCODES_PEER_UID", slice_of(uid) };
        log_event(account->job.authority->log, LOG_LEVEL_NOTICE, MESSAGE_ID_ACCOUNT_CHANGED, &field, 1,
                  "%s by the local user %s", account->what, uid);
}

static void on_stored(struct auth_job *job) {
        struct account_job *account = of(job);
        if (job->result >= 0 && account->what[0] != '\0')
                log_change(account);
        if (!job->exchange) {
                auth_job_end(job);
                return;
        }
        if (job->result >= 0)
                auth_respond(job->exchange, 200, take_pointer(account->answer));
        else if (job->result == -ENOENT)
                auth_refuse(job->exchange, CAUSE_ACCOUNT_UNKNOWN, NULL, 0);
        else if (job->result == -EEXIST)
                auth_refuse(job->exchange, CAUSE_NAME_TAKEN, NULL, 0);
        else
                auth_refuse(job->exchange, CAUSE_STORE_UNAVAILABLE, strerror(-job->result), 1);
        auth_job_end(job);
}

static int hash_step(struct auth_job *job) {
        return password_hash(of(job)->password, of(job)->user.password_hash);
}

static void on_hashed(struct auth_job *job) {
        if (job->result < 0)
                on_stored(job);
        else
                auth_job_run(job, job->authority->store_thread, of(job)->write, on_stored);
}

static struct account_job *begin(struct http_exchange *exchange) {
        struct account_job *account = calloc(1, sizeof(*account));
        if (!account || auth_job_init(&account->job, exchange, free_job) < 0) {
                free(account);
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "no memory for an account");
                return NULL;
        }
        account->answer = json_object_new_object();
        return account;
}

static void refuse(struct account_job *account, const char *fault) {
        auth_refuse(account->job.exchange, CAUSE_INPUT_INVALID, fault, 0);
        auth_job_end(&account->job);
}

static void submit(struct account_job *account, int (*write)(struct auth_job *job)) {
        struct authority *authority = account->job.authority;
        account->write = write;
        if (account->password[0] != '\0')
                auth_job_run(&account->job, authority->compute, hash_step, on_hashed);
        else
                auth_job_run(&account->job, authority->store_thread, write, on_stored);
}

static void say(struct account_job *account, const char *kind, const char *name, const char *what) {
        (void) snprintf(account->what, sizeof(account->what), "%s '%s' was %s", kind, name, what);
}

/* The parts of a request. Each returns NULL, or what is wrong. */

static const char *take_name(struct slice name, char ret_name[GRANT_USER_MAX + 1]) {
        if (!grant_user_is_valid(name))
                return "a user's name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit";
        memcpy(ret_name, name.data, name.length);
        return NULL;
}

static const char *take_role(struct json_object *object, struct account_job *account) {
        return role_from_name(slice_of(auth_member(object, "role")), &account->user.role)
                               ? NULL
                               : "the member 'role' must be 'viewer', 'operator' or 'admin'";
}

static const char *take_password(struct json_object *object, struct account_job *account) {
        struct slice password = slice_of(auth_member(object, "password"));
        if (!password_is_acceptable(password))
                return "a password has 8 to 511 bytes";
        memcpy(account->password, password.data, password.length);
        return NULL;
}

static int add_user_step(struct auth_job *job) {
        return store_of(job)->operations->add_user(store_of(job), &of(job)->user);
}

/* A change of a user; `take` reads what else it needs, or is NULL. */
static void change_user(struct http_exchange *exchange, struct json_object *object, const char *subject,
                        const char *done, const char *(*take)(struct json_object *, struct account_job *),
                        int (*step)(struct auth_job *job)) {
        struct account_job *account = begin(exchange);
        if (!account)
                return;
        const char *fault = take_name(slice_of(auth_member(object, "name")), account->user.name);
        if (!fault && take)
                fault = take(object, account);
        say(account, subject, account->user.name, done);
        if (fault)
                refuse(account, fault);
        else
                submit(account, step);
}

static const char *take_new_user(struct json_object *object, struct account_job *account) {
        account->user.created = loop_realtime(account->job.authority->loop);
        const char *fault = take_role(object, account);
        return !fault && json_object_object_get_ex(object, "password", NULL) ? take_password(object, account) : fault;
}

static void add_user(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "user", "added", take_new_user, add_user_step);
}

static int set_password_step(struct auth_job *job) {
        const struct user *user = &of(job)->user;
        return store_of(job)->operations->set_password(store_of(job), user->name, user->password_hash);
}

static void set_password(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "the password of user", "set", take_password, set_password_step);
}

static int set_role_step(struct auth_job *job) {
        return store_of(job)->operations->set_role(store_of(job), of(job)->user.name, of(job)->user.role);
}

static void set_role(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "the role of user", "set", take_role, set_role_step);
}

static int set_disabled_step(struct auth_job *job) {
        const struct user *user = &of(job)->user;
        return store_of(job)->operations->set_disabled(store_of(job), user->name, user->is_disabled);
}

static const char *take_disabling(struct json_object *object, struct account_job *account) {
        (void) object;
        account->user.is_disabled = true;
        return NULL;
}

static void disable_user(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "user", "disabled", take_disabling, set_disabled_step);
}

static void enable_user(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "user", "enabled", NULL, set_disabled_step);
}

static int remove_user_step(struct auth_job *job) {
        return store_of(job)->operations->remove_user(store_of(job), of(job)->user.name);
}

static void remove_user(struct http_exchange *exchange, struct json_object *object) {
        change_user(exchange, object, "user", "removed", NULL, remove_user_step);
}

static int append_user(const struct user *user, void *userdata) {
        struct json_object *row = json_object_new_object();
        json_object_object_add(row, "name", json_object_new_string(user->name));
        json_object_object_add(row, "role", json_object_new_string(role_name(user->role)));
        json_object_object_add(row, "password", json_object_new_boolean(user->password_hash[0] != '\0'));
        json_object_object_add(row, "disabled", json_object_new_boolean(user->is_disabled));
        json_object_object_add(row, "created", json_object_new_int64(user->created));
        return json_object_array_add(userdata, row) == 0 ? 0 : -ENOMEM;
}

static int list_users_step(struct auth_job *job) {
        struct json_object *rows = json_object_new_array();
        json_object_object_add(of(job)->answer, "users", rows);
        return store_of(job)->operations->list_users(store_of(job), append_user, rows);
}

static int add_token_step(struct auth_job *job) {
        struct account_job *account = of(job);
        struct user user;
        int r = store_of(job)->operations->find_user(store_of(job), account->token.user, &user);
        if (r < 0)
                return r;
        if (!scope_list_fits(slice_of(account->token.scopes), user.role))
                return -EACCES;
        return store_of(job)->operations->add_token(store_of(job), &account->token, account->digest);
}

static void on_token_added(struct auth_job *job) {
        struct account_job *account = of(job);
        if (job->result == -EACCES && job->exchange) {
                refuse(account,
                       "the scopes go beyond what the user's role may do: a viewer may download, an operator upload "
                       "too, an admin everything");
                return;
        }
        json_object_object_add(account->answer, "id", json_object_new_string(account->token.id));
        json_object_object_add(account->answer, "token", json_object_new_string(account->token_text));
        json_object_object_add(account->answer, "expires", json_object_new_int64(account->token.expires));
        on_stored(job);
}

/* Until when: "expires_in" are seconds, 0 or none for ever. */
static const char *take_expiry(struct json_object *object, struct token *token) {
        struct json_object *member = NULL;
        if (!json_object_object_get_ex(object, "expires_in", &member))
                return NULL;
        int64_t seconds = json_object_is_type(member, json_type_int) ? json_object_get_int64(member) : -1;
        if (seconds < 0 || seconds > INT64_C(100) * 366 * 86400)
                return "the member 'expires_in' must be a number of seconds, at most 100 years";
        token->expires = seconds > 0 ? token->created + seconds : 0;
        return NULL;
}

static const char *take_token(struct json_object *object, struct token *token) {
        const char *scopes = auth_member(object, "scopes"), *label = auth_member(object, "label");
        const char *fault = take_name(slice_of(auth_member(object, "user")), token->user);
        if (fault)
                return fault;
        if (!scope_list_is_valid(slice_of(scopes)))
                return "the member 'scopes' must be scopes with a space between them, such as 'upload:NAME' or "
                       "'download:*'";
        if (label && strlen(label) > TOKEN_LABEL_MAX)
                return "a label has at most 100 bytes";
        (void) snprintf(token->scopes, sizeof(token->scopes), "%s", scopes);
        (void) snprintf(token->label, sizeof(token->label), "%s", label ? label : "");
        return take_expiry(object, token);
}

static void add_token(struct http_exchange *exchange, struct json_object *object) {
        struct account_job *account = begin(exchange);
        if (!account)
                return;
        account->token.created = loop_realtime(account->job.authority->loop);
        const char *fault = take_token(object, &account->token);
        if (!fault && (token_text_make(account->token_text) < 0 ||
                       token_text_digest(slice_of(account->token_text), account->digest) < 0))
                fault = "there is no randomness";
        if (fault) {
                refuse(account, fault);
                return;
        }
        token_id_of(account->digest, account->token.id);
        say(account, "a token of user", account->token.user, "added");
        auth_job_run(&account->job, account->job.authority->store_thread, add_token_step, on_token_added);
}

static int revoke_token_step(struct auth_job *job) {
        return store_of(job)->operations->revoke_token(store_of(job), of(job)->token.id);
}

static void revoke_token(struct http_exchange *exchange, struct json_object *object) {
        struct slice id = slice_of(auth_member(object, "id"));
        struct account_job *account = begin(exchange);
        if (!account)
                return;
        if (!token_id_is_valid(id)) {
                refuse(account, "the member 'id' must be a token's id, 12 hexadecimal digits");
                return;
        }
        memcpy(account->token.id, id.data, id.length);
        say(account, "token", account->token.id, "revoked");
        submit(account, revoke_token_step);
}

static int append_token(const struct token *token, void *userdata) {
        struct json_object *row = json_object_new_object();
        json_object_object_add(row, "id", json_object_new_string(token->id));
        json_object_object_add(row, "user", json_object_new_string(token->user));
        json_object_object_add(row, "scopes", json_object_new_string(token->scopes));
        json_object_object_add(row, "label", json_object_new_string(token->label));
        json_object_object_add(row, "created", json_object_new_int64(token->created));
        json_object_object_add(row, "expires", json_object_new_int64(token->expires));
        json_object_object_add(row, "last_used", json_object_new_int64(token->last_used));
        return json_object_array_add(userdata, row) == 0 ? 0 : -ENOMEM;
}

static int list_tokens_step(struct auth_job *job) {
        struct json_object *rows = json_object_new_array();
        json_object_object_add(of(job)->answer, "tokens", rows);
        return store_of(job)->operations->list_tokens(store_of(job), append_token, rows);
}

static void list(struct http_exchange *exchange, int (*step)(struct auth_job *job)) {
        struct account_job *account = begin(exchange);
        if (account)
                submit(account, step);
}

static const struct endpoint {
        const char *path;
        int (*list)(struct auth_job *job); /* GET; else POST */
        void (*change)(struct http_exchange *exchange, struct json_object *object);
} endpoints[] = {
        { "/users", list_users_step, NULL },    { "/tokens", list_tokens_step, NULL },
        { "/users/add", NULL, add_user },       { "/users/set-password", NULL, set_password },
        { "/users/set-role", NULL, set_role },  { "/users/disable", NULL, disable_user },
        { "/users/enable", NULL, enable_user }, { "/users/remove", NULL, remove_user },
        { "/tokens/add", NULL, add_token },     { "/tokens/revoke", NULL, revoke_token },
};

static void on_request(struct http_exchange *exchange) {
        for (size_t i = 0; i < ELEMENTS_OF(endpoints); i++) {
                const struct endpoint *endpoint = &endpoints[i];
                if (!slice_equal_text(exchange->request.path, endpoint->path))
                        continue;
                if (exchange->request.method != (endpoint->list ? HTTP_METHOD_GET : HTTP_METHOD_POST))
                        auth_refuse(exchange, CAUSE_METHOD_NOT_ALLOWED, NULL, 0);
                else if (endpoint->list)
                        list(exchange, endpoint->list);
                else
                        auth_read_object(exchange, endpoint->change);
                return;
        }
        auth_refuse(exchange, CAUSE_ENDPOINT_UNKNOWN, NULL, 0);
}

const struct http_application auth_accounts_application = { .on_request = on_request };
