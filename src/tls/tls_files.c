/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificate files and remembers what they were like. A file is looked at before it is read, so that the
 * memory is never newer than the bytes. */
#include "tls/tls_files.h"

#include <stdlib.h>
#include <string.h>

#include "shared/syscall.h"

#define FILE_MAX (1024 * 1024)

static void look(struct tls_file *file) {
        struct stat status;
        file->failure = NEGATIVE_ERRNO(stat(file->path, &status));
        if (file->failure < 0)
                return;
        file->mode = status.st_mode;
        file->device = status.st_dev;
        file->inode = status.st_ino;
        file->size = status.st_size;
        file->modified = status.st_mtim;
}

static int remember(struct tls_files *files, const char *path) {
        struct tls_file *items = reallocarray(files->items, files->count + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        files->items = items;
        struct tls_file file = { .path = strdup(path) };
        if (!file.path)
                return -ENOMEM;
        look(&file);
        items[files->count++] = file;
        return 0;
}

static int explain(int code, const char *path, const char *what, struct error *error) {
        switch (code) {
        case -EACCES:
        case -EPERM:
                return error_set(error, code,
                                 "%s %s: Permission denied; the group ccodes must be able to read it (chgrp ccodes and "
                                 "chmod g+r the file, and g+x the folders above it)",
                                 what, path);
        case -ENOENT:
                return error_set(error, code, "%s %s: No such file; correct the path, or put the file there", what,
                                 path);
        case -EFBIG:
                return error_set(error, code, "%s %s: it is larger than 1 MiB, so this is not the file that was meant",
                                 what, path);
        default:
                return error_set_errno(error, code, "%s %s", what, path);
        }
}

int tls_files_read(struct tls_files *files, const char *path, const char *what, struct error *error, char **ret_data,
                   size_t *ret_length) {
        int r = remember(files, path);
        if (r == 0)
                r = read_whole_file(AT_FDCWD, path, FILE_MAX, ret_data, ret_length);
        return r < 0 ? explain(r, path, what, error) : 0;
}

bool tls_files_changed(const struct tls_files *files) {
        for (size_t i = 0; i < files->count; i++) {
                const struct tls_file *then = &files->items[i];
                struct tls_file now = { .path = then->path };
                look(&now);
                if (now.failure != then->failure)
                        return true;
                if (now.failure == 0 &&
                    (now.device != then->device || now.inode != then->inode || now.size != then->size ||
                     now.modified.tv_sec != then->modified.tv_sec || now.modified.tv_nsec != then->modified.tv_nsec))
                        return true;
        }
        return false;
}

void tls_files_done(struct tls_files *files) {
        for (size_t i = 0; i < files->count; i++)
                free(files->items[i].path);
        free(files->items);
        *files = (struct tls_files) { 0 };
}
