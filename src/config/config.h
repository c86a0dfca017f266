/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/auth_section.h"
#include "config/http_section.h"
#include "config/listener_section.h"
#include "config/log_section.h"
#include "config/server_section.h"
#include "config/site_section.h"
#include "config/tls_section.h"

/*
 * The whole configuration, one file for all programs: immutable once loaded, shared by reference count. A reload loads
 * another one; who began with the old one keeps it.
 */
struct config_root {
        struct config_http http;
        struct config_tls tls;
        struct config_list certificates; /* key "certificate": struct config_certificate */
        struct config_log log;
        struct config_auth auth;
        struct config_server server;
        struct config_list sites; /* key "site": struct config_site */
};

extern const struct config_table config_root_table;

struct config {
        _Atomic unsigned references;
        struct arena arena;
        struct config_tree *tree;
        struct config_root root;
};

#define CONFIG_DEFAULT_FILE "/etc/ccodes/ccodes.toml"

/*
 * Loads `file` and, beside it, conf.d (its .toml files); checks every key, and the sections against each other: listeners that
 * overlap, sites of one host, names of certificates that do not exist. Reads no other file and needs no right but to read these.
 * CONFIG_DEFAULT_FILE may be absent: then conf.d and the defaults, which have no listener, are the configuration.
 */
int config_load(const char *file, struct error *error, struct config **ret_config);

/* From one TOML text (the quick modes of `ccodesctl run`, tests). `label` stands for the file in messages. */
int config_load_text(const char *text, const char *label, struct error *error, struct config **ret_config);

struct config *config_ref(struct config *config);
struct config *config_unref(struct config *config); /* NULL */

static inline void config_cleanup(struct config **config) {
        (void) config_unref(*config);
}
#define _cleanup_config_ _cleanup_(config_cleanup)
