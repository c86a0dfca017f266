/* SPDX-License-Identifier: Apache-2.0 */
/* Walks sealed folders by descriptors, so that nothing that is moved meanwhile leads out of them. */
#include "cli/sealed_folders.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shared/sealed_rewrap.h"
#include "shared/syscall.h"

/* A file may move from where was not looked yet to where was: again until a round finds nothing to do. */
#define ROUNDS_MAX 4
#define DEPTH_MAX 128

struct walk {
        struct sealed_folders *folders;
        const struct key_ring *ring; /* to wrap by; NULL: count */
        struct slice id;             /* of the key to count */
        bool is_again;               /* faults were told */
        char path[PATH_MAX];
};

static void report(struct walk *walk, const char *why) {
        walk->folders->faults++;
        if (walk->folders->on_fault && !walk->is_again)
                walk->folders->on_fault(walk->path, why, walk->folders->userdata);
}

static void take_file(struct walk *walk, int fd) {
        int r = walk->ring ? sealed_rewrap(fd, walk->ring) : sealed_names_key(fd, walk->id);
        if (r == -EBADMSG) {
                /* Locks and notes of the staging folder are none. */
                if (walk->ring && !strstr(walk->path, "/.ccodes-staging/"))
                        report(walk, "is no sealed file, or was changed");
        } else if (r == -ENOKEY) {
                report(walk, "is sealed with a key that is not among these");
        } else if (r < 0) {
                report(walk, strerrordesc_np(-r));
        } else {
                walk->folders->files += walk->ring ? 1 : (uint64_t) r;
                walk->folders->rewrapped += walk->ring ? (uint64_t) r : 0;
        }
}

static void close_directory(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

static int walk_folder(struct walk *walk, int fd, size_t length, unsigned depth);

static int take_entry(struct walk *walk, int directory, const char *name, size_t length, unsigned depth) {
        size_t name_length = strlen(name);
        if (length + 1 + name_length >= sizeof(walk->path) || depth == DEPTH_MAX) {
                report(walk, "holds what is too deep to be looked at");
                return 0;
        }
        walk->path[length] = '/';
        memcpy(walk->path + length + 1, name, name_length + 1);
        length += 1 + name_length;

        struct stat status;
        if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
                return 0;
        int flags = S_ISDIR(status.st_mode) ? O_RDONLY | O_DIRECTORY : walk->ring ? O_RDWR : O_RDONLY;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR) /* it is another now */
                return 0;
        if (fd < 0)
                return fd;
        if (S_ISDIR(status.st_mode))
                return walk_folder(walk, take_fd(&fd), length, depth + 1);
        if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
                take_file(walk, fd);
        return 0;
}

/* Takes the descriptor. `length` of walk->path is the folder's. */
static int walk_folder(struct walk *walk, int fd, size_t length, unsigned depth) {
        _cleanup_(close_directory) DIR *directory = fdopendir(fd);
        if (!directory) {
                close_fd(fd);
                return -errno;
        }
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return -errno;
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                int r = take_entry(walk, dirfd(directory), entry->d_name, length, depth);
                if (r < 0)
                        return r;
                walk->path[length] = '\0';
        }
}

static int walk_upload(struct walk *walk, const struct config_upload *upload, struct error *error) {
        size_t length = strlen(upload->folder);
        if (length >= sizeof(walk->path))
                return error_set_errno(error, -ENAMETOOLONG, "looking through %s", upload->folder);
        memcpy(walk->path, upload->folder, length + 1);
        int fd = NEGATIVE_ERRNO(open(upload->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        int r = fd < 0 ? fd : walk_folder(walk, fd, length, 0);
        return r < 0 ? error_set_errno(error, r, "looking through %s", walk->path) : 0;
}

static int walk_all(struct walk *walk, const struct config_root *root, const char *credential, struct error *error) {
        const struct config_site *sites = root->sites.items;
        for (size_t i = 0; i < root->sites.count; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                for (size_t j = 0; j < sites[i].uploads.count; j++) {
                        if (!uploads[j].key || strcmp(uploads[j].key, credential) != 0)
                                continue;
                        int r = walk_upload(walk, &uploads[j], error);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int sealed_folders_rewrap(const struct config_root *root, const char *credential, const struct key_ring *ring,
                          struct sealed_folders *folders, struct error *error) {
        struct walk walk = { .folders = folders, .ring = ring };
        uint64_t before;
        unsigned round = 0;
        do {
                before = folders->rewrapped;
                folders->files = folders->faults = 0;
                int r = walk_all(&walk, root, credential, error);
                if (r < 0)
                        return r;
                walk.is_again = true;
        } while (folders->rewrapped > before && ++round < ROUNDS_MAX);
        return 0;
}

int sealed_folders_count(const struct config_root *root, const char *credential, struct slice id,
                         struct sealed_folders *folders, struct error *error) {
        struct walk walk = { .folders = folders, .id = id };
        return walk_all(&walk, root, credential, error);
}
