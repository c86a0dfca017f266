/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and ends what ccodes-auth keeps. Under systemd the users and the secret keys are in the state folder, the public
 * keys in the runtime folder, which others may read; in the foreground all are in the state folder. */
#include "auth/authority.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/syscall.h"

#define STORE_QUEUE 1024
#define USERS_FILE "users.sqlite"
#define SECRET_FILE "grant-keys.secret"
#define PUBLIC_FILE "grant-keys"

static int open_signer(struct authority *authority, const struct daemon_environment *environment, struct error *error) {
        const char *folder = environment->state_folder, *runtime = getenv("RUNTIME_DIRECTORY");
        authority->secret_path = text_format("%s/" SECRET_FILE, folder);
        authority->public_path = text_format("%s/" PUBLIC_FILE, runtime ? runtime : folder);
        if (!authority->secret_path || !authority->public_path)
                return error_set_errno(error, -ENOMEM, "making the signer");
        return grant_signer_new(authority->secret_path, authority->public_path, loop_realtime(environment->loop), error,
                                &authority->signer);
}

static int open_parts(struct authority *authority, const struct daemon_environment *environment, struct error *error) {
        _cleanup_free_ char *users = text_format("%s/" USERS_FILE, environment->state_folder);
        if (!users)
                return -ENOMEM;
        int r = user_store_sqlite_new(users, error, &authority->store);
        if (r >= 0)
                r = thread_pool_new("users", 1, STORE_QUEUE, &authority->store_thread);
        if (r >= 0)
                r = open_signer(authority, environment, error);
        if (r >= 0)
                r = password_hash("nobody has this password", authority->nobodys_hash);
        return r;
}

int authority_new(const struct daemon_environment *environment, struct error *error, void **ret_authority) {
        struct authority *authority = calloc(1, sizeof(*authority));
        int r = authority ? login_throttle_init(&authority->throttle) : -ENOMEM;
        if (r >= 0 && environment->loop) {
                authority->loop = environment->loop;
                authority->compute = environment->compute;
                authority->log = environment->log;
                r = environment->state_folder
                                    ? open_parts(authority, environment, error)
                                    : error_set(error, -ENOENT, "--state FOLDER says where the users are to be kept");
        }
        if (r < 0) {
                authority_free(authority);
                return error_set_errno(error, r, "opening users and keys");
        }
        *ret_authority = authority;
        return 0;
}

void authority_stop(void *userdata) {
        struct authority *authority = userdata;
        authority->is_stopping = true;
        thread_pool_free(take_pointer(authority->store_thread));
}

void authority_free(void *userdata) {
        struct authority *authority = userdata;
        if (!authority)
                return;
        thread_pool_free(authority->store_thread); /* of a start that failed */
        user_store_free(authority->store);
        grant_signer_free(authority->signer);
        grant_signer_free(authority->key_change.fresh);
        free(authority->secret_path);
        free(authority->public_path);
        login_throttle_done(&authority->throttle);
        free(authority);
}

static void make_key(struct thread_task *task) {
        struct key_change *change = container_of(task, struct key_change, task);
        const struct authority *authority = container_of(change, struct authority, key_change);
        int r = grant_signer_new(authority->secret_path, authority->public_path, change->now, &change->error,
                                 &change->fresh);
        if (r >= 0)
                (void) grant_signer_rotate(change->fresh, change->now, &change->error);
}

static void on_key_made(struct thread_task *task) {
        struct key_change *change = container_of(task, struct key_change, task);
        struct authority *authority = container_of(change, struct authority, key_change);
        change->is_running = false;
        if (task->result < 0)
                return;
        if (error_is_set(&change->error)) {
                log_error(authority->log, "replacing the key that signs grants: %s", change->error.text);
                grant_signer_free(take_pointer(change->fresh));
                return;
        }
        grant_signer_free(authority->signer);
        authority->signer = take_pointer(change->fresh);
        log_notice(authority->log, "grants are signed with a new key");
}

void authority_rotate_key(struct authority *authority, uint64_t rotation) {
        struct key_change *change = &authority->key_change;
        int64_t now = loop_realtime(authority->loop);
        if (change->is_running || !grant_signer_is_due(authority->signer, now, (int64_t) (rotation / 1000000)))
                return;
        *change = (struct key_change) { .task = { .run = make_key, .done = on_key_made }, .now = now };
        change->is_running = thread_pool_submit(authority->store_thread, authority->loop, &change->task) >= 0;
}
