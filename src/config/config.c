/* SPDX-License-Identifier: Apache-2.0 */
/* Owns a loaded configuration: the tree as it was written and the structs that were made of it, in one arena that ends
 * with the last reference. Nothing is changed after config_load has returned it. */
#include "config/config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/cross_check.h"

#define ARENA_LIMIT ((size_t) 256 * 1024 * 1024)

static const struct config_key root_keys[] = {
        {
                        .name = "http",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_root, http),
                        .table = &config_http_table,
        },
        {
                        .name = "tls",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_root, tls),
                        .table = &config_tls_table,
        },
        {
                        .name = "certificate",
                        .type = CONFIG_TABLE_LIST,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_root, certificates),
                        .table = &config_certificate_table,
        },
        {
                        .name = "log",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_root, log),
                        .table = &config_log_table,
        },
        {
                        .name = "auth",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_root, auth),
                        .table = &config_auth_table,
        },
        {
                        .name = "server",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_root, server),
                        .table = &config_server_table,
        },
        {
                        .name = "site",
                        .type = CONFIG_TABLE_LIST,
                        .effect = CONFIG_PLACE, /* its root: see site_section.c */
                        .offset = offsetof(struct config_root, sites),
                        .table = &config_site_table,
        },
};

const struct config_table config_root_table = {
        .name = "configuration",
        .size = sizeof(struct config_root),
        .keys = root_keys,
        .key_count = ELEMENTS_OF(root_keys),
        .documentation = "The configuration of Container Codes.",
};

static struct config *config_new(struct error *error) {
        struct config *config = calloc(1, sizeof(*config));
        if (!config) {
                (void) error_set_errno(error, -ENOMEM, "reading the configuration");
                return NULL;
        }
        atomic_init(&config->references, 1);
        arena_init(&config->arena, ARENA_LIMIT);
        return config;
}

static int bind_and_check(struct config *config, struct error *error) {
        int r = config_bind(&config_root_table, config->tree, &config->arena, error, &config->root);
        if (r < 0)
                return r;
        _cleanup_config_faults_ struct config_faults faults = CONFIG_FAULTS_INIT;
        config_cross_check(&config->root, &faults);
        return config_faults_report(&faults, error);
}

int config_load(const char *file, struct error *error, struct config **ret_config) {
        _cleanup_config_ struct config *config = config_new(error);
        if (!config)
                return -ENOMEM;
        const char *slash = strrchr(file, '/');
        const char *folder = arena_format(&config->arena, "%.*sconf.d", slash ? (int) (slash + 1 - file) : 0, file);
        if (!folder)
                return error_set_errno(error, -ENOMEM, "reading %s", file);

        bool optional = strcmp(file, CONFIG_DEFAULT_FILE) == 0;
        if (optional && access(file, F_OK) < 0 && errno == ENOENT)
                file = NULL;
        int r = config_tree_load(file, folder, &config->arena, error, &config->tree);
        if (r >= 0)
                r = bind_and_check(config, error);
        if (r < 0)
                return r;
        *ret_config = take_pointer(config);
        return 0;
}

int config_load_text(const char *text, const char *label, struct error *error, struct config **ret_config) {
        _cleanup_config_ struct config *config = config_new(error);
        if (!config)
                return -ENOMEM;
        int r = config_tree_parse(text, strlen(text), label, &config->arena, error, &config->tree);
        if (r >= 0)
                r = bind_and_check(config, error);
        if (r < 0)
                return r;
        *ret_config = take_pointer(config);
        return 0;
}

struct config *config_ref(struct config *config) {
        atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
        return config;
}

struct config *config_unref(struct config *config) {
        if (!config || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) > 1)
                return NULL;
        arena_done(&config->arena);
        free(config);
        return NULL;
}
