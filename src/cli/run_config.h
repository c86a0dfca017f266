/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/run_address.h"
#include "shared/error.h"
#include "shared/text.h"

/* The configuration of `ccodesctl run FOLDER`, as TOML. */
struct run_config {
        const char *folder;               /* to serve */
        const char *echo;                 /* path of the echo endpoint; NULL: none */
        const char *upload;               /* "PATH=FOLDER" of an upload folder; NULL: none */
        bool needs_token;                 /* to put something there */
        const char *state;                /* folder in which ccodes-auth runs then */
        const char *workers;              /* as typed; NULL: the default */
        struct run_addresses http, https; /* count 0: none */
        const char *certificate, *key;    /* of https */
};

/* -EINVAL, -ENOENT or -ENOTDIR with an error for what cannot be served. */
int run_config_write(const struct run_config *config, struct error *error, struct text *text);
