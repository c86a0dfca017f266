/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/state_folder.h"

/*
 * The credentials that a configuration names, for a daemon in the foreground: where CREDENTIALS_DIRECTORY is not set, makes those that are
 * missing in the state folder, and sets it. That folder has to stay: without the keys the files of a sealed folder are lost. A configuration that cannot be read is left to the daemon.
 */
int run_keys_prepare(const struct state_folder *folder, const char *config_file, struct error *error);
