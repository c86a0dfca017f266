/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for programs of ours. A build is known by Meson's file beside the folder src. */
#include "cli/program_path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/syscall.h"
#include "shared/text.h"

#define OWN_PLACE "/src/cli/" /* in a build */

int program_path_build(char **ret_folder) {
        char path[PATH_MAX], mark[PATH_MAX + sizeof("/build.ninja")];
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (length < 0)
                return -errno;
        path[length] = '\0';
        char *place = strstr(path, OWN_PLACE);
        for (char *next = place; next; next = strstr(place + 1, OWN_PLACE))
                place = next;
        if (!place || strchr(place + strlen(OWN_PLACE), '/'))
                return -ENOENT;
        *place = '\0';
        (void) snprintf(mark, sizeof(mark), "%s/build.ninja", path);
        if (access(mark, F_OK) < 0)
                return -ENOENT;
        *ret_folder = strdup(path);
        return *ret_folder ? 0 : -ENOMEM;
}

static int join(const char *folder, const char *middle, const char *name, char **ret_path) {
        _cleanup_free_ char *path = text_format("%s%s/%s", folder, middle, name);
        if (!path)
                return -ENOMEM;
        if (access(path, X_OK) < 0)
                return -errno;
        *ret_path = take_pointer(path);
        return 0;
}

int program_path_find(const char *folder, const char *name, struct error *error, char **ret_path) {
        _cleanup_free_ char *build = NULL, *middle = NULL;
        const char *override = getenv("CCODES_LIBEXECDIR");
        int r;
        if (override && *override) {
                r = join(override, "", name, ret_path);
                return r < 0 ? error_set_errno(error, r, "looking for %s in CCODES_LIBEXECDIR, %s", name, override) : 0;
        }
        if (program_path_build(&build) >= 0) {
                middle = text_format("/src/%s", folder);
                if (!middle)
                        return error_set_errno(error, -ENOMEM, "looking for %s", name);
                r = join(build, middle, name, ret_path);
                return r < 0 ? error_set_errno(error, r, "looking for %s in the build %s", name, build) : 0;
        }
        r = join(LIBEXECDIR, "", name, ret_path);
        return r < 0 ? error_set_errno(error, r, "looking for %s in " LIBEXECDIR, name) : 0;
}
