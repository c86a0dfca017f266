/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and carries out the list of what was installed. It names files only: no folder is ever emptied by it. */
#include "cli/install_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/syscall.h"
#include "shared/text.h"

#define MANIFEST_MAX ((size_t) 1 << 20)

void install_manifest_done(struct install_manifest *manifest) {
        if (!manifest)
                return;
        free(manifest->text);
        free(manifest->paths);
        *manifest = (struct install_manifest) { 0 };
}

/* "/usr/local/bin/ccodesctl": from the root, and no part of it is "." or "..". */
static bool is_plain(const char *path) {
        if (*path != '/' || !path[1] || path[strlen(path) - 1] == '/')
                return false;
        for (const char *part = path; part; part = strchr(part + 1, '/')) {
                size_t length = strcspn(part + 1, "/");
                if (length == 0 || (length <= 2 && strncmp(part + 1, "..", length) == 0))
                        return false;
        }
        return true;
}

static int parse(struct install_manifest *manifest, struct error *error) {
        size_t lines = 1;
        for (const char *byte = manifest->text; *byte; byte++)
                lines += *byte == '\n';
        manifest->paths = calloc(lines, sizeof(*manifest->paths));
        if (!manifest->paths)
                return -ENOMEM;
        char *rest = manifest->text;
        for (char *line; (line = strsep(&rest, "\n"));) {
                if (*line == '\0' || *line == '#')
                        continue;
                if (!is_plain(line))
                        return error_set(error, -EINVAL, "'%s' is no path of a file that was installed", line);
                manifest->paths[manifest->count++] = line;
        }
        return 0;
}

int install_manifest_load(const char *file, struct error *error, struct install_manifest *ret_manifest) {
        _cleanup_(install_manifest_done) struct install_manifest manifest = { 0 };
        size_t length;
        int r = read_whole_file(AT_FDCWD, file, MANIFEST_MAX, &manifest.text, &length);
        if (r >= 0)
                r = parse(&manifest, error);
        if (r < 0) {
                error_prefix(error, "%s", file);
                return error_set_errno(error, r, "reading %s", file);
        }
        *ret_manifest = manifest;
        manifest = (struct install_manifest) { 0 };
        return 0;
}

static bool is_ours(const char *folder) {
        const char *name = strrchr(folder, '/');
        return name && strcmp(name, "/ccodes") == 0;
}

/* Of /a/ccodes/b/c the folders /a/ccodes/b and /a/ccodes, as long as they are empty. */
static void remove_folders(const char *path) {
        _cleanup_free_ char *folder = strdup(path);
        if (!folder || !strstr(folder, "/ccodes/"))
                return;
        for (char *slash; (slash = strrchr(folder, '/')) && slash != folder;) {
                *slash = '\0';
                if (rmdir(folder) < 0 || is_ours(folder))
                        return;
        }
}

int install_manifest_remove(const struct install_manifest *manifest, struct error *error) {
        int count = 0;
        for (size_t i = 0; i < manifest->count; i++) {
                if (unlink(manifest->paths[i]) == 0)
                        count++;
                else if (errno != ENOENT && errno != ENOTDIR)
                        return error_set_errno(error, -errno, "removing %s", manifest->paths[i]);
        }
        for (size_t i = 0; i < manifest->count; i++)
                remove_folders(manifest->paths[i]);
        return count;
}
