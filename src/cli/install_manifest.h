/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/error.h"

/*
 * Which files `ccodesctl install` has copied: Meson's install log (a path a line, "#" begins a comment), kept where it
 * was installed to, so that they can be removed without the build.
 */
struct install_manifest {
        char *file; /* of the list */
        char *text;
        const char **paths; /* views of the text */
        size_t count;
};

/* -ENOENT when there is none; -EINVAL, with an error, for a path that is not absolute and plain: nothing may be removed
 * by such a list. */
int install_manifest_load(const char *file, struct error *error, struct install_manifest *ret_manifest);
void install_manifest_done(struct install_manifest *manifest);

/* Removes the files, the list, and then the folders that are empty by now. Returns how many files it has removed; one that
 * is not there is no fault. */
int install_manifest_remove(const struct install_manifest *manifest, struct error *error);
