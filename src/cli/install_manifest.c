/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and carries out the list of what was installed. A folder only goes when nothing else is in it. */
#include "cli/install_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/syscall.h"
#include "shared/text.h"

#define MANIFEST_MAX ((size_t) 1 << 20)

void install_manifest_done(struct install_manifest *manifest) {
        if (!manifest)
                return;
        free(manifest->file);
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
        manifest.file = strdup(file);
        int r = manifest.file ? read_whole_file(AT_FDCWD, file, MANIFEST_MAX, &manifest.text, &length) : -ENOMEM;
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

/* Meson names the folders that it has made behind what they hold. One with something else in it stays. */
static int remove_path(const char *path, bool folders, struct error *error) {
        struct stat status;
        if (lstat(path, &status) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_set_errno(error, -errno, "removing %s", path);
        if (S_ISDIR(status.st_mode) != folders)
                return 0;
        if ((folders ? rmdir(path) : unlink(path)) == 0)
                return !folders;
        if (folders && (errno == ENOTEMPTY || errno == EEXIST))
                return 0;
        return error_set_errno(error, -errno, "removing %s", path);
}

static int remove_all(const struct install_manifest *manifest, bool folders, struct error *error) {
        int count = 0;
        for (size_t i = 0; i < manifest->count; i++) {
                int r = remove_path(manifest->paths[i], folders, error);
                if (r < 0)
                        return r;
                count += r;
        }
        return count;
}

int install_manifest_remove(const struct install_manifest *manifest, struct error *error) {
        int count = remove_all(manifest, false, error);
        if (count < 0)
                return count;
        if (unlink(manifest->file) < 0 && errno != ENOENT)
                return error_set_errno(error, -errno, "removing %s", manifest->file);
        int r = remove_all(manifest, true, error);
        return r < 0 ? r : count;
}
