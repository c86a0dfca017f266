/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's role: POST /grant turns what a client has shown into a grant for one request, and nothing else can be asked
 * for here. Users that there are not are looked up and hashed for like those that there are. */
#include <errno.h>
#include <stdlib.h>

#include "auth/credential.h"
#include "auth/job.h"
#include "shared/message_id.h"
#include "shared/syscall.h"

#define HASHING_MAX 64       /* passwords at a time, those that wait included */
#define USE_NOTED_SECONDS 60 /* a token's last use is written this often at most */

struct grant_job {
        struct auth_job job;
        struct credential credential;
        char client[64];
        struct login_key address, user_key; /* of the throttle; the second for passwords */
        struct grant_binding binding;
        char scope[SCOPE_MAX + 1];
        int64_t now;
        bool is_found, matches;
        struct user user;
        struct token token;
};

static struct grant_job *of(struct auth_job *job) {
        return container_of(job, struct grant_job, job);
}

static void free_job(struct auth_job *job) {
        struct grant_job *grant = of(job);
        explicit_bzero(grant, sizeof(*grant));
        free(grant);
}

static void log_failure(const struct grant_job *grant) {
        bool is_password = grant->credential.type == CREDENTIAL_PASSWORD;
        const struct log_field fields[] = {
                { "CCODES_CLIENT", slice_of(grant->client) },
                { "CCODES_USER", slice_of(is_password ? grant->credential.user : "") },
        };
        if (is_password)
                log_event(grant->job.authority->log, LOG_LEVEL_WARNING, MESSAGE_ID_LOGIN_FAILED, fields,
                          ELEMENTS_OF(fields), "log-in of '%s' from %s failed", grant->credential.user, grant->client);
        else
                log_event(grant->job.authority->log, LOG_LEVEL_WARNING, MESSAGE_ID_LOGIN_FAILED, fields,
                          ELEMENTS_OF(fields), "a token from %s is not valid", grant->client);
}

/* Once for each attempt that was let through, whether or not its exchange is still there. */
static void settle(struct grant_job *grant, bool has_failed) {
        struct authority *authority = grant->job.authority;
        uint64_t now = loop_now(authority->loop);
        if (grant->credential.type == CREDENTIAL_PASSWORD) {
                login_throttle_end(&authority->throttle, &grant->address, has_failed, now);
                login_throttle_end(&authority->throttle, &grant->user_key, has_failed, now);
        } else if (has_failed) {
                login_throttle_fail(&authority->throttle, &grant->address, now);
        }
        if (has_failed)
                log_failure(grant);
}

static void refuse(struct grant_job *grant, enum cause cause, uint64_t retry_after) {
        if (grant->job.exchange)
                auth_refuse(grant->job.exchange, cause, NULL, retry_after);
        auth_job_end(&grant->job);
}

static void respond_grant(struct grant_job *grant) {
        struct http_exchange *exchange = grant->job.exchange;
        struct authority *authority = grant->job.authority;
        struct grant made = { .issued = grant->now,
                              .lifetime = (uint16_t) (http_exchange_config(exchange)->auth.grant_lifetime / 1000000),
                              .role = grant->user.role,
                              .binding = grant->binding };
        if (grant->credential.type == CREDENTIAL_TOKEN && grant->token.expires > 0)
                made.lifetime = (uint16_t) MIN_OF((int64_t) made.lifetime, grant->token.expires - grant->now);
        memcpy(made.user, grant->user.name, sizeof(made.user));
        memcpy(made.scope, grant->scope, sizeof(made.scope));
        _cleanup_text_ struct text text = TEXT_INIT;
        if (grant_signer_sign(authority->signer, &made, &text) < 0) {
                refuse(grant, CAUSE_INTERNAL_ERROR, 0);
                return;
        }
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "grant", json_object_new_string(text.data));
        json_object_object_add(object, "user", json_object_new_string(made.user));
        json_object_object_add(object, "expires", json_object_new_int64(grant_expires(&made)));
        authority_rotate_key(authority, http_exchange_config(exchange)->auth.key_rotation);
        auth_respond(exchange, 200, object);
        auth_job_end(&grant->job);
}

static void decide(struct grant_job *grant) {
        bool is_token = grant->credential.type == CREDENTIAL_TOKEN;
        const char *scopes = is_token ? grant->token.scopes : "*";
        bool is_right = is_token ? grant->token.expires == 0 || grant->token.expires > grant->now : grant->matches;
        bool is_known = grant->is_found && is_right && !grant->user.is_disabled;
        settle(grant, !is_known);
        if (!grant->job.exchange)
                auth_job_end(&grant->job);
        else if (!is_known)
                refuse(grant, CAUSE_CREDENTIALS_INVALID, 0);
        else if (!scope_list_allows(slice_of(scopes), grant->user.role, slice_of(grant->scope)))
                refuse(grant, CAUSE_SCOPE_MISSING, 0);
        else
                respond_grant(grant);
}

static int hash_step(struct auth_job *job) {
        struct grant_job *grant = of(job);
        bool has_password = grant->is_found && grant->user.password_hash[0] != '\0';
        int r = password_check(grant->credential.password,
                               has_password ? grant->user.password_hash : job->authority->nobodys_hash);
        grant->matches = has_password && r == 1;
        return MIN_OF(r, 0);
}

static void on_hashed(struct auth_job *job) {
        struct grant_job *grant = of(job);
        job->authority->hashing--;
        if (job->result >= 0) {
                decide(grant);
                return;
        }
        settle(grant, true);
        refuse(grant, CAUSE_OVERLOADED, 1);
}

static int look_up_step(struct auth_job *job) {
        struct grant_job *grant = of(job);
        struct user_store *store = job->authority->store;
        int r;
        if (grant->credential.type == CREDENTIAL_TOKEN) {
                r = store->operations->find_token(store, grant->credential.digest, &grant->token, &grant->user);
                /* Who waits for an answer does not wait for a sync more than once a minute. */
                if (r >= 0 && grant->now - grant->token.last_used >= USE_NOTED_SECONDS)
                        (void) store->operations->note_token_use(store, grant->token.id, grant->now);
        } else {
                r = store->operations->find_user(store, grant->credential.user, &grant->user);
        }
        grant->is_found = r >= 0;
        return r == -ENOENT ? 0 : r;
}

static void on_looked_up(struct auth_job *job) {
        struct grant_job *grant = of(job);
        struct authority *authority = job->authority;
        if (job->result < 0) {
                log_error(authority->log, "looking up who somebody is: %s", strerror(-job->result));
                settle(grant, false);
                refuse(grant, CAUSE_STORE_UNAVAILABLE, 1);
        } else if (grant->credential.type == CREDENTIAL_TOKEN) {
                decide(grant);
        } else {
                authority->hashing++;
                auth_job_run(job, authority->compute, hash_step, on_hashed);
        }
}

/* How many seconds the attempt has to wait; 0: it is let through. */
static uint64_t admit(struct grant_job *grant) {
        struct login_throttle *throttle = &grant->job.authority->throttle;
        uint64_t now = loop_now(grant->job.authority->loop), wait;
        if (grant->credential.type == CREDENTIAL_TOKEN)
                return 0; /* 256 bits are not guessed: a right one in a crowd of wrong ones is let in */
        wait = login_throttle_begin(throttle, &grant->address, now);
        if (wait == 0) {
                wait = login_throttle_begin(throttle, &grant->user_key, now);
                if (wait > 0)
                        login_throttle_end(throttle, &grant->address, false, now);
        }
        return (wait + 999) / 1000;
}

static void start(struct grant_job *grant) {
        struct authority *authority = grant->job.authority;
        if (grant->credential.type == CREDENTIAL_PASSWORD && authority->hashing >= HASHING_MAX) {
                refuse(grant, CAUSE_OVERLOADED, 1);
                return;
        }
        uint64_t wait = admit(grant);
        if (wait > 0)
                refuse(grant, CAUSE_LOGIN_SLOWED, wait);
        else
                auth_job_run(&grant->job, authority->store_thread, look_up_step, on_looked_up);
}

static bool take_string(struct json_object *object, const char *name, size_t size, char *ret_string) {
        const char *string = auth_member(object, name);
        if (!string || strlen(string) >= size)
                return false;
        memcpy(ret_string, string, strlen(string) + 1);
        return true;
}

/* NULL, or what is wrong. */
static const char *take_request(struct json_object *object, struct grant_job *grant) {
        const struct grant_request request = {
                .audience = slice_of(auth_member(object, "audience")),
                .method = slice_of(auth_member(object, "method")),
                .host = slice_of(auth_member(object, "host")),
                .path = slice_of(auth_member(object, "path")),
                .query = slice_of(auth_member(object, "query")),
        };
        if (request.audience.length == 0 || request.method.length == 0 || request.path.length == 0)
                return "the members 'audience', 'method' and 'path' say what the grant is for";
        if (grant_binding_make(&request, &grant->binding) < 0)
                return "the request cannot be bound";
        if (!take_string(object, "scope", sizeof(grant->scope), grant->scope) ||
            !scope_is_request(slice_of(grant->scope)))
                return "the member 'scope' must be a scope with a resource";
        if (!take_string(object, "client", sizeof(grant->client), grant->client) ||
            login_key_of_address(grant->client, &grant->address) < 0)
                return "the member 'client' must be an IP address";
        return auth_member(object, "authorization") ? NULL : "the member 'authorization' is missing";
}

static void on_object(struct http_exchange *exchange, struct json_object *object) {
        struct grant_job *grant = calloc(1, sizeof(*grant));
        if (!grant || auth_job_init(&grant->job, exchange, free_job) < 0) {
                free(grant);
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, "no memory for a grant");
                return;
        }
        grant->now = loop_realtime(grant->job.authority->loop);
        const char *fault = take_request(object, grant);
        if (fault) {
                auth_refuse(exchange, CAUSE_INPUT_INVALID, fault, 0);
                auth_job_end(&grant->job);
        } else if (credential_parse(slice_of(auth_member(object, "authorization")), &grant->credential) < 0) {
                grant->credential.type = CREDENTIAL_TOKEN; /* it has no user's name */
                settle(grant, true);
                refuse(grant, CAUSE_CREDENTIALS_INVALID, 0);
        } else {
                login_key_of_user(slice_of(grant->credential.user), &grant->user_key);
                start(grant);
        }
}

static void on_request(struct http_exchange *exchange) {
        if (!slice_equal_text(exchange->request.path, "/grant"))
                auth_refuse(exchange, CAUSE_ENDPOINT_UNKNOWN, NULL, 0);
        else if (exchange->request.method != HTTP_METHOD_POST)
                auth_refuse(exchange, CAUSE_METHOD_NOT_ALLOWED, NULL, 0);
        else
                auth_read_object(exchange, on_object);
}

const struct http_application auth_grants_application = { .on_request = on_request };
