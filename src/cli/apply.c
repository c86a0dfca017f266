/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `ccodesctl apply`. Whatever step fails, an instance goes on serving; nothing that serves is stopped before
 * what takes its place has said that it is ready. */
#include "cli/apply.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct apply {
        const struct apply_operations *operations;
        void *userdata;
        const struct cli_service *service;
        const struct config_list *listeners;
        struct error *error;
        int result; /* of what is done in callbacks */
};

static void say(const struct apply *apply, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct apply *apply, const char *format, ...) {
        char text[512];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        apply->operations->say(apply->userdata, text);
}

static int run_job(const struct apply *apply, enum unit_job job, const char *unit) {
        return apply->operations->run_job(apply->userdata, job, unit, apply->error);
}

static bool is_wildcard(const struct config_address *address) {
        if (address->storage.ss_family == AF_INET6)
                return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *) &address->storage)->sin6_addr);
        return address->storage.ss_family == AF_INET &&
               ((const struct sockaddr_in *) &address->storage)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* A port alone is opened as 0.0.0.0 by a machine without IPv6. */
static bool is_same_address(const char *configured, const char *bound) {
        struct config_address a, b;
        if (config_address_parse(configured, NULL, &a) < 0 || config_address_parse(bound, NULL, &b) < 0)
                return strcmp(configured, bound) == 0;
        if (is_wildcard(&a) && is_wildcard(&b))
                return config_address_overlap(&a, &b);
        return a.length == b.length && memcmp(&a.storage, &b.storage, a.length) == 0;
}

/* Whether the main instance has the listener's address open, as far as it says. */
static bool is_kept(const struct apply *apply, const struct config_listener *listener) {
        _cleanup_free_ char *bound = NULL;
        int r = apply->operations->bound_address(apply->userdata, listener->name, &bound);
        return r < 0 || (r > 0 && is_same_address(listener->address, bound));
}

static size_t count_kept(const struct apply *apply) {
        const struct config_listener *items = apply->listeners->items;
        size_t kept = 0;
        for (size_t i = 0; i < apply->listeners->count; i++)
                kept += is_kept(apply, &items[i]);
        return kept;
}

/* The socket units of addresses that were changed: active, and without a socket. */
static int stop_changed_sockets(const struct apply *apply) {
        const struct config_listener *items = apply->listeners->items;
        char unit[CLI_UNIT_NAME_SIZE];
        for (size_t i = 0; i < apply->listeners->count; i++) {
                int r = cli_service_listener_unit(apply->service, items[i].name, unit);
                if (r < 0)
                        return error_set_errno(apply->error, r, "listener '%s'", items[i].name);
                if (is_kept(apply, &items[i]))
                        continue;
                r = apply->operations->is_up(apply->userdata, unit, apply->error);
                if (r > 0) {
                        say(apply, "closing the old address of the listener '%s'", items[i].name);
                        r = run_job(apply, UNIT_STOP, unit);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_configured(const struct apply *apply, const char *unit) {
        const struct config_listener *items = apply->listeners->items;
        char name[CLI_UNIT_NAME_SIZE];
        for (size_t i = 0; i < apply->listeners->count; i++)
                if (cli_service_listener_unit(apply->service, items[i].name, name) >= 0 && strcmp(name, unit) == 0)
                        return true;
        return false;
}

/* "ccodes-server-admin.socket" and "ccodes-server-admin@….socket", but not that of a listener "admin-2". */
static bool is_administration(const struct apply *apply, const char *unit) {
        const char *rest = unit + strlen(apply->service->program);
        return strcmp(rest, "-admin.socket") == 0 || strncmp(rest, "-admin@", strlen("-admin@")) == 0;
}

static void on_active_socket(const char *unit, void *userdata) {
        struct apply *apply = userdata;
        if (apply->result < 0 || is_administration(apply, unit) || is_configured(apply, unit))
                return;
        say(apply, "closing %s, which is configured no more", unit);
        apply->result = run_job(apply, UNIT_STOP, unit);
}

static int stop_removed_sockets(struct apply *apply) {
        int r = apply->operations->each_socket(apply->userdata, on_active_socket, apply, apply->error);
        return r < 0 ? r : apply->result;
}

static void say_what_is_not_served(const struct apply *apply) {
        const struct config_listener *items = apply->listeners->items;
        for (size_t i = 0; i < apply->listeners->count; i++)
                if (!is_kept(apply, &items[i]))
                        say(apply, "the listener '%s' has no socket on %s: see `systemctl status %s-%s.socket`",
                            items[i].name, items[i].address, apply->service->program, items[i].name);
}

static int stop_standby(const struct apply *apply) {
        const struct cli_service *service = apply->service;
        int r = apply->operations->is_up(apply->userdata, service->standby, apply->error);
        if (r <= 0)
                return r;
        say(apply, "stopping %s once its requests have ended", service->standby);
        r = run_job(apply, UNIT_STOP, service->standby);
        if (r < 0)
                error_prefix(apply->error, "%s serves all addresses, and so does %s, which did not stop", service->unit,
                             service->standby);
        return r;
}

/* The main instance runs: replaces it while the standby serves. */
static int hand_over(const struct apply *apply) {
        const struct cli_service *service = apply->service;
        bool has_standby = count_kept(apply) > 0;
        int r = 0;
        if (has_standby) {
                say(apply, "starting %s", service->standby);
                r = run_job(apply, UNIT_START, service->standby);
                if (r < 0) {
                        /* Else systemd would try on, and it would come up beside the main instance some day. */
                        (void) run_job(apply, UNIT_STOP, service->standby);
                        error_prefix(apply->error, "%s serves on as before; see `ccodesctl logs`, and apply again",
                                     service->unit);
                        return r;
                }
        } else
                say(apply, "no address stays as it is: there is nothing to hand over");

        r = stop_changed_sockets(apply);
        if (r >= 0) {
                say(apply, "restarting %s once its requests have ended", service->unit);
                r = run_job(apply, UNIT_RESTART, service->unit);
        }
        if (r < 0 && has_standby)
                error_prefix(apply->error,
                             "%s serves by the new configuration until %s runs again; see `ccodesctl logs`, and apply "
                             "again",
                             service->standby, service->unit);
        return r;
}

static bool lacks_sockets(const struct apply *apply) {
        return count_kept(apply) < apply->listeners->count;
}

int apply_run(const struct apply_operations *operations, void *userdata, const struct cli_service *service,
              const struct config_list *listeners, struct error *error) {
        struct apply apply = { operations, userdata, service, listeners, error, 0 };
        int r = operations->reload_units(userdata, error);
        if (r >= 0)
                r = operations->is_up(userdata, service->unit, error);
        bool was_up = r > 0;
        if (r == 0) {
                say(&apply, "starting %s", service->unit);
                /* A start that is under way may have read the old configuration, and a mere start would join it. */
                r = run_job(&apply, UNIT_RESTART, service->unit);
        }
        /* One that was only just started can still lack the socket of a unit whose address had been changed. */
        if (r >= 0 && (was_up || lacks_sockets(&apply)))
                r = hand_over(&apply);
        if (r >= 0)
                r = stop_standby(&apply);
        if (r >= 0)
                r = stop_removed_sockets(&apply);
        if (r < 0)
                return r;
        say_what_is_not_served(&apply);
        return 0;
}
