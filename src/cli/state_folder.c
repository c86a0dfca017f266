/* SPDX-License-Identifier: Apache-2.0 */
/* Makes folders and removes what was put in: only names that are its own, never a tree. */
#include "cli/state_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/syscall.h"

int state_folder_make(const char *path, struct error *error) {
        _cleanup_free_ char *copy = strdup(path);
        if (!copy)
                return error_set_errno(error, -ENOMEM, "making the folder %s", path);
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(copy, 0700);
                *slash = '/';
        }
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
                return error_set_errno(error, -errno, "making the folder %s", path);
        return 0;
}

static int make_temporary(char **ret_path) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        bool usable = runtime && *runtime == '/' && access(runtime, W_OK | X_OK) == 0;
        _cleanup_free_ char *path = text_format("%s/ccodes-run-XXXXXX", usable ? runtime : "/tmp");
        if (!path)
                return -ENOMEM;
        if (!mkdtemp(path))
                return -errno;
        *ret_path = take_pointer(path);
        return 0;
}

char *state_folder_file(const struct state_folder *folder, const char *name, const char *suffix) {
        return text_format("%s/%s%s", folder->path, name, suffix);
}

static void remove_files(const struct state_folder *folder, const char *const *names) {
        for (; *names; names++)
                (void) unlinkat(folder->lock_fd, *names, 0);
}

void state_folder_close(struct state_folder *folder) {
        static const char *const sockets[] = { "server.sock", "auth.sock", "auth-accounts.sock", "auth-grants.sock",
                                               NULL };
        static const char *const kept[] = { "grant-keys",       "grant-keys.secret", "users.sqlite",
                                            "users.sqlite-wal", "users.sqlite-shm",  NULL };
        if (!folder)
                return;
        if (folder->lock_fd >= 0)
                remove_files(folder, sockets);
        if (folder->has_config)
                (void) unlink(folder->config);
        if (folder->is_temporary) {
                if (folder->lock_fd >= 0)
                        remove_files(folder, kept);
                (void) rmdir(folder->path);
        }
        free(folder->path);
        free(folder->config);
        close_fd(folder->lock_fd);
        *folder = STATE_FOLDER_INIT;
}

/* Else a second one would take the first one's daemon for its own, and remove its files at the end. */
static int lock(struct state_folder *folder) {
        assert(folder->path);
        folder->lock_fd = NEGATIVE_ERRNO(open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder->lock_fd < 0)
                return folder->lock_fd;
        int r = NEGATIVE_ERRNO(flock(folder->lock_fd, LOCK_EX | LOCK_NB));
        if (r < 0)
                folder->lock_fd = close_fd(folder->lock_fd); /* nothing in it is ours to remove */
        return r == -EWOULDBLOCK ? -EBUSY : r;
}

int state_folder_open(const char *path, struct error *error, struct state_folder *ret_folder) {
        _cleanup_(state_folder_close) struct state_folder folder = STATE_FOLDER_INIT;
        int r = 0;
        if (path) {
                r = state_folder_make(path, error);
                folder.path = r >= 0 ? realpath(path, NULL) : NULL;
                if (r >= 0 && !folder.path)
                        r = -errno;
        } else {
                r = make_temporary(&folder.path);
                folder.is_temporary = r >= 0;
        }
        if (r >= 0)
                r = lock(&folder);
        if (r == -EBUSY)
                return error_set(error, r, "another 'ccodesctl run' keeps its state in %s", folder.path);
        if (r >= 0)
                r = (folder.config = state_folder_file(&folder, "run", ".toml")) ? 0 : -ENOMEM;
        if (r < 0)
                return error_set_errno(error, r, "keeping the state in %s", path ? path : "a temporary folder");
        *ret_folder = folder;
        folder = STATE_FOLDER_INIT;
        return 0;
}

int state_folder_write_config(struct state_folder *folder, struct slice text, struct error *error) {
        (void) unlink(folder->config);
        _cleanup_close_ int fd = NEGATIVE_ERRNO(
                        open(folder->config, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (fd < 0)
                return error_set_errno(error, fd, "writing %s", folder->config);
        folder->has_config = true;
        int r = write_whole(fd, text.data, text.length);
        return r < 0 ? error_set_errno(error, r, "writing %s", folder->config) : 0;
}
