/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"

/*
 * The credentials that a configuration names: files of keys, which reach a daemon by its service manager only. They lie in
 * the folder "credentials" beside the configuration, as NAME.cred, encrypted by systemd-creds(1), or as NAME.
 */
#define CONFIG_CREDENTIALS_FOLDER "credentials"
#define CONFIG_CREDENTIAL_SUFFIX ".cred"

struct config_credential {
        const char *name; /* the configuration's */
        bool signs;       /* keys of signed addresses; otherwise of sealed folders */
};

/* Each once, by name; the caller frees the array. -ENOMEM. */
int config_credentials(const struct config_root *root, struct config_credential **ret_items, size_t *ret_count);

/* The folder for a configuration file; the caller frees. -ENOMEM. */
int config_credentials_folder(const char *file, char **ret_path);
