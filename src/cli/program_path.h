/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/error.h"

/*
 * Where programs of ours are: in $CCODES_LIBEXECDIR when it is set; in the folders of a build, when this program itself
 * runs from one; where they are installed.
 */

/* The path of a daemon, by the folder of its sources ("server") and its name ("ccodes-server"). The caller frees.
 * -ENOENT with an error that says what was looked for. */
int program_path_find(const char *folder, const char *name, struct error *error, char **ret_path);

/* The folder of the build that this program runs from; the caller frees. -ENOENT when it is installed. */
int program_path_build(char **ret_folder);
