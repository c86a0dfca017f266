/* SPDX-License-Identifier: Apache-2.0 */
/* ccodes-auth: keeps users and tokens, and signs grants. It has no listener: its two roles are who may ask. */
#include "auth/authority.h"
#include "shared/syscall.h"

static uint64_t drain_timeout(const struct config_root *root) {
        (void) root;
        return 10 * 1000000;
}

static bool sandbox(const struct config_root *root) {
        return root->auth.sandbox;
}

/* The snapshot is what lasts over reloads; the configuration comes with each exchange. */
static int snapshot_new(struct config *config, void *state, struct error *error, void **ret_snapshot) {
        (void) config;
        (void) error;
        *ret_snapshot = state;
        return 0;
}

static void snapshot_free(void *snapshot) {
        (void) snapshot;
}

static const struct http_application no_listeners = { .snapshot_free = snapshot_free };

static const struct daemon_role roles[] = {
        { .name = "grants",
          .mode = 0660,
          .group = "ccodes",
          .is_handed = true,
          .application = &auth_grants_application },
        { .name = "accounts", .mode = 0660, .group = "ccodes-admin", .application = &auth_accounts_application },
};

int main(int argc, char **argv) {
        const struct daemon_program program = {
                .name = "auth",
                .command = "ccodes-auth",
                .summary = "Keeps users and tokens, and signs grants.",
                .application = &no_listeners,
                .roles = roles,
                .role_count = ELEMENTS_OF(roles),
                .keeps_state = true,
                .drain_timeout = drain_timeout,
                .sandbox = sandbox,
                .state_new = authority_new,
                .state_stop = authority_stop,
                .state_free = authority_free,
                .snapshot_new = snapshot_new,
        };
        return daemon_main(&program, argc, argv);
}
