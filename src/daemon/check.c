/* SPDX-License-Identifier: Apache-2.0 */
/* What --check looks at: all that could keep the daemon from starting with a configuration, in the order of the start and
 * with its sentences, and without leaving anything behind. What only systemd has the right to, and what cannot be seen
 * with the rights of whoever checks, is said as a note. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/address_holder.h"
#include "daemon/listener_socket.h"
#include "daemon/state.h"
#include "http/access_log.h"

#define LOGS_FOLDER "/var/log/ccodes/" /* LogsDirectory= of the units */

/* The units open its sockets and make its folders, which whoever checks need not be able to. */
static bool is_of_the_system(const struct daemon *daemon) {
        return strcmp(daemon->options.config, CONFIG_DEFAULT_FILE) == 0;
}

static void note(const struct daemon *daemon, const char *text, const char *more) {
        if (is_of_the_system(daemon))
                return;
        printf("%s: note: %s%s\n", daemon->program->command, text, more);
}

static int check_address(const struct daemon *daemon, const struct config_listener *listener, struct error *error) {
        struct error found = ERROR_INIT;
        unsigned port = 0;
        int r = listener_socket_check(listener, &found, &port);
        enum address_holder holder = r == -EADDRINUSE ? address_holder_of(port) : ADDRESS_HOLDER_OTHER;
        if (r >= 0 || holder == ADDRESS_HOLDER_OURS)
                return 0;
        if (r == -EACCES)
                note(daemon, found.text, "");
        else if (holder == ADDRESS_HOLDER_UNKNOWN)
                note(daemon, found.text, "; whether that is this service cannot be seen with the rights of this user");
        else
                return error_set(error, r, "%s", found.text);
        return 0;
}

static int check_addresses(const struct daemon *daemon, const struct config_root *root, struct error *error) {
        const struct config_list *list = daemon_listeners(daemon, root);
        const struct config_listener *listeners = list->items;
        int r = 0;
        for (size_t i = 0; i < list->count && r >= 0; i++)
                r = check_address(daemon, &listeners[i], error);
        return r;
}

/* Before the first start systemd has not made the folder yet. */
static int check_access_log(const struct daemon *daemon, const struct config_access_log *log, struct error *error) {
        struct error found = ERROR_INIT;
        int r = access_log_check(log, &found);
        if (r == -ENOENT && is_of_the_system(daemon) && strncmp(log->path, LOGS_FOLDER, strlen(LOGS_FOLDER)) == 0)
                return 0;
        return r < 0 ? error_set(error, r, "%s", found.text) : 0;
}

int daemon_check(struct daemon *daemon, struct config *config, struct error *error) {
        const struct config_root *root = &config->root;
        int r = check_addresses(daemon, root, error);
        if (r >= 0)
                r = daemon_confine(daemon, config, error);
        if (r >= 0)
                r = metrics_new(&daemon->metrics);
        if (r >= 0)
                r = daemon_state_make(daemon, config, error);
        if (r >= 0)
                r = daemon_generation_new(daemon, config_ref(config), NULL, error, &daemon->generation);
        if (r >= 0 && daemon->program->listeners)
                r = check_access_log(daemon, &root->log.access, error);
        if (r >= 0)
                printf("%s: the configuration is valid\n", daemon->options.config);
        config_unref(config);
        return r;
}
