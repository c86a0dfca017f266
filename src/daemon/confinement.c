/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of a daemon: its policy, and the places that its configuration names. */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/state.h"
#include "shared/sandbox.h"

struct path_collector {
        struct sandbox_path *items;
        size_t count, capacity;
        bool failed;
};

/* Places that are not there are left out: what needs them says so itself, with its own name. */
static void collect_path(const char *path, unsigned access_bits, void *userdata) {
        struct path_collector *collector = userdata;
        if (!path || access(path, F_OK) < 0)
                return;
        if (collector->count == collector->capacity) {
                size_t capacity = collector->capacity ? 2 * collector->capacity : 16;
                struct sandbox_path *larger = reallocarray(collector->items, capacity, sizeof(*larger));
                if (!larger) {
                        collector->failed = true;
                        return;
                }
                collector->items = larger;
                collector->capacity = capacity;
        }
        char *copy = strdup(path);
        collector->failed |= !copy;
        if (copy)
                collector->items[collector->count++] = (struct sandbox_path) { copy, access_bits };
}

/* Files are replaced by renaming: the folder is what must stay readable. */
static void collect_folder_of(const char *path, unsigned access_bits, struct path_collector *collector) {
        if (!path)
                return;
        _cleanup_free_ char *copy = strdup(path);
        if (copy)
                collect_path(dirname(copy), access_bits, collector);
}

/* What listeners need: a daemon without any has no business with certificates or the access log. */
static void collect_of_listeners(const struct config_root *root, const struct config_list *list,
                                 struct path_collector *collector) {
        const struct config_certificate *certificates = root->certificates.items;
        const struct config_listener *listeners = list->items;
        for (size_t i = 0; i < root->certificates.count; i++) {
                collect_folder_of(certificates[i].certificate, SANDBOX_READ, collector);
                collect_folder_of(certificates[i].key, SANDBOX_READ, collector);
                collect_folder_of(certificates[i].ocsp, SANDBOX_READ, collector);
        }
        for (size_t i = 0; i < list->count; i++)
                collect_folder_of(listeners[i].client_ca, SANDBOX_READ, collector);
        if (root->log.access.target == CONFIG_ACCESS_FILE)
                collect_folder_of(root->log.access.path, SANDBOX_READ | SANDBOX_WRITE, collector);
}

int daemon_confine(struct daemon *daemon, const struct config *config, struct error *error) {
        const struct daemon_program *program = daemon->program;
        const struct config_root *root = &config->root;
        struct path_collector paths = { 0 };

        collect_folder_of(daemon->options.config, SANDBOX_READ, &paths);
        if (program->listeners)
                collect_of_listeners(root, program->listeners(root), &paths);
        if (program->keeps_state)
                collect_path(daemon->options.state, SANDBOX_READ | SANDBOX_WRITE, &paths);
        if (program->each_path)
                program->each_path(root, collect_path, &paths);

        const struct sandbox sandbox = {
                .name = program->name,
                .mode = program->sandbox(root) ? SANDBOX_ENFORCED : SANDBOX_OFF,
                .paths = paths.items,
                .path_count = paths.count,
        };
        struct text summary = TEXT_INIT;
        int r = paths.failed ? -ENOMEM : sandbox_enter(&sandbox, error, &summary);
        for (size_t i = 0; i < paths.count; i++)
                free((char *) paths.items[i].path);
        free(paths.items);
        size_t length;
        if (r >= 0)
                r = text_finish(&summary, &daemon->sandbox_summary, &length);
        text_done(&summary);
        return r < 0 ? error_set_errno(error, r, "entering the sandbox") : 0;
}
