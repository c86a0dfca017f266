/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon for test_roles.py that has no listeners but two roles, "who" and "owner": each answers with who asks, and with
 * how many snapshots there have been. The answer to /slow comes once the daemon was told to stop, and a file "hold-answers"
 * is not in the state folder. While there is a file "hold" no snapshot is made; "holding" says that one waits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "http/respond.h"

struct state {
        char *folder;
        unsigned snapshots;
        gid_t group;
};

struct snapshot {
        const struct state *state;
        unsigned number;
        uint64_t drain_timeout;
};

static uint64_t drain_timeout(const struct config_root *root) {
        return root->server.drain_timeout;
}

static bool sandbox(const struct config_root *root) {
        return root->server.sandbox;
}

static void state_free(void *userdata) {
        struct state *state = userdata;
        free(state->folder);
        free(state);
}

static int state_new(const struct daemon_environment *environment, struct error *error, void **ret_state) {
        struct state *state = calloc(1, sizeof(*state));
        if (!state)
                return -ENOMEM;
        state->folder = strdup(environment->state_folder ? environment->state_folder : "/nonexistent");
        state->group = (gid_t) atoi(getenv("TEST_GROUP") ? getenv("TEST_GROUP") : "0");
        *ret_state = state;
        return 0;
}

static void make_file(const char *path) {
        FILE *file = fopen(path, "we");
        if (file)
                (void) fclose(file);
}

static bool is_there(const struct state *state, const char *name) {
        _cleanup_free_ char *path = text_format("%s/%s", state->folder, name);
        return path && access(path, F_OK) == 0;
}

static void wait_while_held(const struct state *state) {
        _cleanup_free_ char *holding = text_format("%s/holding", state->folder);
        while (holding && is_there(state, "hold")) {
                make_file(holding);
                (void) usleep(2000);
        }
        if (holding)
                (void) unlink(holding);
}

static int snapshot_new(struct config *config, void *userdata, struct error *error, void **ret_snapshot) {
        struct state *state = userdata;
        struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
        wait_while_held(state);
        if (!snapshot)
                return error_set_errno(error, -ENOMEM, "making a snapshot");
        _cleanup_free_ char *kept = text_format("%s/kept", state->folder); /* the sandbox must admit to it */
        if (kept)
                make_file(kept);
        *snapshot = (struct snapshot) {
                .state = state,
                .number = ++state->snapshots,
                .drain_timeout = config->root.server.drain_timeout,
        };
        *ret_snapshot = snapshot;
        return 0;
}

static void answer(struct http_exchange *exchange) {
        const struct snapshot *snapshot = exchange->generation->shared->snapshot;
        struct peer_credentials peer;
        _cleanup_text_ struct text text = TEXT_INIT;
        int r = http_exchange_peer_credentials(exchange, &peer);
        if (r < 0) {
                http_exchange_fail(exchange, CAUSE_INTERNAL_ERROR, "no credentials");
                return;
        }
        text_printf(&text,
                    "{\"pid\":%d,\"uid\":%u,\"gid\":%u,\"in_group\":%s,\"role\":\"%s\",\"snapshot\":%u,\"drain\":%llu}",
                    (int) peer.pid, peer.uid, peer.gid,
                    peer_credentials_have_group(&peer, snapshot->state->group) ? "true" : "false",
                    http_exchange_listener(exchange)->config->name, snapshot->number,
                    (unsigned long long) snapshot->drain_timeout);
        http_respond_text(exchange, 200, SLICE_LITERAL("application/json"), (struct slice) { text.data, text.length });
}

/* An answer that is given once the worker stops. */
struct held {
        struct timer timer;
        struct http_exchange *exchange;
        struct http_exchange_end end;
};

static void look_again(struct timer *timer, void *userdata) {
        struct held *held = userdata;
        const struct snapshot *snapshot = held->exchange->generation->shared->snapshot;
        struct loop *loop = held->exchange->worker->loop;
        if (held->exchange->worker->is_draining && !is_there(snapshot->state, "hold-answers"))
                answer(held->exchange);
        else
                loop_timer_start(loop, timer, loop_now(loop) + 5);
}

static void forget(struct http_exchange_end *end, struct http_exchange *exchange) {
        loop_timer_stop(exchange->worker->loop, &container_of(end, struct held, end)->timer);
}

static void on_request(struct http_exchange *exchange) {
        if (!slice_equal_text(exchange->request.path, "/slow")) {
                answer(exchange);
                return;
        }
        struct held *held = arena_alloc_zero(&exchange->arena, sizeof(*held));
        if (!held) {
                http_exchange_fail(exchange, CAUSE_OUT_OF_MEMORY, NULL);
                return;
        }
        held->exchange = exchange;
        held->end.run = forget;
        timer_init(&held->timer, look_again, held);
        http_exchange_on_end(exchange, &held->end);
        look_again(&held->timer, held);
}

int main(int argc, char **argv) {
        const struct http_application application = { .snapshot_free = free, .on_request = on_request };
        const struct daemon_role roles[] = {
                { .name = "who", .mode = 0666, .application = &application },
                { .name = "owner", .mode = 0600, .application = &application },
        };
        const struct daemon_program program = {
                .name = "server", /* whose policies it takes */
                .command = "role-daemon",
                .summary = "Answers with who asks.",
                .application = &application,
                .roles = roles,
                .role_count = ELEMENTS_OF(roles),
                .keeps_state = true,
                .drain_timeout = drain_timeout,
                .sandbox = sandbox,
                .state_new = state_new,
                .state_free = state_free,
                .snapshot_new = snapshot_new,
        };
        return daemon_main(&program, argc, argv);
}
