/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the roots of sites. A folder is known by its device and inode, which stay its own as long as it is open. One
 * mutex guards the table and the counts of references; it is held by loads of a configuration alone. */
#include "server/site_root.h"

#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "server/file_open.h"
#include "shared/hash.h"
#include "shared/syscall.h"

#define SMB2_MAGIC 0xfe534d42
#define CIFS_MAGIC 0xff534d42
#define CEPH_MAGIC 0x00c36400

struct site_roots {
        pthread_mutex_t mutex;
        struct hash_table table;
};

struct entry {
        struct site_root root;
        struct hash_link link;
};

int site_roots_new(struct site_roots **ret_roots) {
        struct site_roots *roots = calloc(1, sizeof(*roots));
        if (!roots)
                return -ENOMEM;
        int r = hash_table_init(&roots->table);
        if (r < 0) {
                free(roots);
                return r;
        }
        pthread_mutex_init(&roots->mutex, NULL); /* cannot fail with these attributes */
        *ret_roots = roots;
        return 0;
}

void site_roots_free(struct site_roots *roots) {
        if (!roots)
                return;
        hash_table_done(&roots->table);
        (void) pthread_mutex_destroy(&roots->mutex);
        free(roots);
}

/* What is known of the file system: opens on a remote one wait for another machine or program even when the name is
 * known, and one in memory has no disk to wait for. */
static void look_at_file_system(struct site_root *root) {
        struct statfs status;
        if (fstatfs(root->fd, &status) < 0)
                return;
        switch ((uint32_t) status.f_type) {
        case NFS_SUPER_MAGIC:
        case FUSE_SUPER_MAGIC:
        case V9FS_MAGIC:
        case AFS_SUPER_MAGIC:
        case SMB2_MAGIC:
        case CIFS_MAGIC:
        case CEPH_MAGIC:
                root->is_remote = true;
                break;
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
                root->is_memory = true;
                break;
        default:
                break;
        }
}

static const char *remedy_for(int code) {
        switch (code) {
        case -ENOENT:
                return "create the folder, or correct the site's root";
        case -ENOTDIR:
                return "the root of a site must be a folder";
        case -EACCES:
                return "let the service's user search this folder and those above it";
        case -EMFILE:
                return "each site takes a file descriptor: raise LimitNOFILE= of the unit";
        default:
                return "see the site's root";
        }
}

/* Landlock admits to the folders that were the roots when the process began, not to what took their place or came in
 * addition: the folder's permissions let us in, and yet it cannot be opened. */
static bool is_kept_out(int fd) {
        _cleanup_close_ int readable = file_open_beneath(fd, ".", FILE_OPEN_DIRECTORY);
        return readable == -EACCES && faccessat(fd, "", R_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

static int check(int fd, const char *path, struct error *error) {
        /* Also tells at once when openat2 is missing or forbidden. */
        _cleanup_close_ int itself = file_open_beneath(fd, ".", FILE_OPEN_PATH | FILE_OPEN_DIRECTORY);
        if (itself == -ENOSYS || itself == -EPERM)
                return error_set(error, itself,
                                 "opening root %s: openat2(2) is not there or not allowed; it needs Linux 5.6 "
                                 "and a container runtime that lets it through",
                                 path);
        if (itself < 0)
                return error_set(error, itself, "opening root %s: %s (%s)", path, strerrordesc_np(-itself),
                                 remedy_for(itself));
        if (is_kept_out(fd))
                return error_set(error, -EACCES,
                                 "opening root %s: the sandbox of this process keeps to the folders that were there "
                                 "when it began; a new one may read this folder too: run `ccodesctl apply`",
                                 path);
        return 0;
}

static bool is_root(const struct hash_link *link, const void *key) {
        const struct site_root *a = &container_of(link, const struct entry, link)->root, *b = key;
        return a->device == b->device && a->inode == b->inode;
}

static int add(struct site_roots *roots, const struct site_root *opened, uint64_t hash, struct site_root **ret_root) {
        struct entry *entry = calloc(1, sizeof(*entry));
        if (!entry || hash_table_insert(&roots->table, &entry->link, hash) < 0) {
                free(entry);
                return -ENOMEM;
        }
        entry->root = *opened;
        entry->root.references = 1;
        *ret_root = &entry->root;
        return 0;
}

/* Takes the descriptor, or closes it when there is one of the folder already. */
static int enter(struct site_roots *roots, struct site_root *opened, struct site_root **ret_root) {
        const unsigned long long key[] = { opened->device, opened->inode };
        (void) pthread_mutex_lock(&roots->mutex);
        uint64_t hash = hash_table_hash(&roots->table, key, sizeof(key));
        struct hash_link *link = hash_table_find(&roots->table, hash, is_root, opened);
        int r = 0;
        if (link) {
                *ret_root = &container_of(link, struct entry, link)->root;
                (*ret_root)->references++;
        } else {
                r = add(roots, opened, hash, ret_root);
        }
        (void) pthread_mutex_unlock(&roots->mutex);
        if (link || r < 0)
                close_fd(opened->fd);
        return r;
}

int site_root_open(struct site_roots *roots, const char *path, struct error *error, struct site_root **ret_root) {
        _cleanup_close_ int fd = (int) NEGATIVE_ERRNO(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (fd < 0)
                return error_set(error, fd, "opening root %s: %s (%s)", path, strerrordesc_np(-fd), remedy_for(fd));
        int r = check(fd, path, error);
        if (r < 0)
                return r;
        struct stat status;
        if (fstat(fd, &status) < 0)
                return error_set_errno(error, -errno, "opening root %s", path);
        struct site_root opened = {
                .fd = take_fd(&fd), .table = roots, .device = status.st_dev, .inode = status.st_ino
        };
        look_at_file_system(&opened);
        r = enter(roots, &opened, ret_root);
        return r < 0 ? error_set_errno(error, r, "opening root %s", path) : 0;
}

struct site_root *site_root_unref(struct site_root *root) {
        if (!root)
                return NULL;
        struct site_roots *roots = root->table;
        (void) pthread_mutex_lock(&roots->mutex);
        bool is_last = --root->references == 0;
        if (is_last)
                hash_table_remove(&roots->table, &container_of(root, struct entry, root)->link);
        (void) pthread_mutex_unlock(&roots->mutex);
        if (is_last) {
                close_fd(root->fd);
                free(container_of(root, struct entry, root));
        }
        return NULL;
}
