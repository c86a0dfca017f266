/* SPDX-License-Identifier: Apache-2.0 */
/* The moment in which a file appears, is replaced or goes. All names are resolved beneath the folder without following
 * a link; the last part is looked at and changed under the folder's lock. */
#include "server/upload/upload_place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/syscall.h"

#define BENEATH (FILE_OPEN_NO_SYMLINKS | FILE_OPEN_DIRECTORY)

/* "a/b/c.txt" is c.txt in a/b. */
static const char *last_part(const char *name) {
        const char *slash = strrchr(name, '/');
        return slash ? slash + 1 : name;
}

/* The folder that the name's last part is in. */
static int open_parent(struct upload_folder *folder, const char *name) {
        char path[PATH_MAX];
        size_t length = (size_t) (last_part(name) - name);
        if (length >= sizeof(path))
                return -ENAMETOOLONG;
        memcpy(path, name, length);
        path[length] = '\0';
        return file_open_beneath(folder->fd, length ? path : ".", BENEATH);
}

/* A folder in a folder. */
static int enter_folder(int parent, const char *name, int *ret_fd) {
        int fd = file_open_beneath(parent, name, BENEATH);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}

/* Makes it, unless somebody else was quicker; lasting before anything is put into it. 1: it was made. */
static int make_folder(struct upload_folder *folder, int parent, const char *name, const struct config_upload *limits,
                       struct upload_fault *fault) {
        int r = upload_account_add_folder(&folder->account, limits, fault);
        if (r < 0)
                return r;
        r = (int) NEGATIVE_ERRNO(mkdirat(parent, name, 0777));
        if (r < 0)
                upload_account_remove(&folder->account, 0);
        if (r == -EEXIST)
                return 0;
        if (r >= 0 && fsync(parent) < 0)
                r = -errno;
        return r < 0 ? upload_fault_set_errno(fault, r) : 1;
}

/* The folders of a name, which are made where they are not there. `ret_made` is how many bytes of the name, those of the
 * outermost that was made included, were there before; the whole length: all. */
static int make_parent(struct upload_folder *folder, const struct upload_target *target, struct upload_fault *fault,
                       size_t *ret_made, int *ret_parent) {
        int at = file_open_beneath(folder->fd, ".", BENEATH), r = at;
        const char *name = target->name, *end;
        *ret_made = strlen(name);
        for (; r >= 0 && (end = strchr(name, '/')); name = end + 1) {
                char part[NAME_MAX + 1];
                int next = -1, made = 0;
                (void) snprintf(part, sizeof(part), "%.*s", (int) (end - name), name);
                r = enter_folder(at, part, &next);
                if (r == -ENOENT) {
                        r = made = make_folder(folder, at, part, target->limits, fault);
                        if (made == 1)
                                *ret_made = MIN_OF(*ret_made, (size_t) (end - target->name));
                        if (r >= 0)
                                r = enter_folder(at, part, &next);
                }
                close_fd(at);
                at = next;
        }
        if (r < 0) {
                close_fd(at);
                return fault->cause == CAUSE_NONE ? upload_fault_set_errno(fault, r) : r;
        }
        *ret_parent = at;
        return 0;
}

/* Takes back the folders that were made for a file which came to nothing, as far as they are empty. */
static void unmake_parent(struct upload_folder *folder, const char *name, size_t made) {
        char path[PATH_MAX];
        size_t length = (size_t) (last_part(name) - name);
        for (; length > made && length < sizeof(path); length = (size_t) (last_part(path) - path)) {
                memcpy(path, name, length);
                path[length - 1] = '\0'; /* without its slash */
                _cleanup_close_ int parent = open_parent(folder, path);
                int r = parent < 0 ? parent : (int) NEGATIVE_ERRNO(unlinkat(parent, last_part(path), AT_REMOVEDIR));
                if (r >= 0)
                        upload_account_remove(&folder->account, 0);
                else if (r != -ENOENT) /* it has not come to that one */
                        return;
        }
}

/* 1: a file is there, 0: nothing is. */
static int look(int parent, const char *name, struct file_identity *ret_identity, struct upload_fault *fault) {
        struct stat status;
        if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : upload_fault_set_errno(fault, -errno);
        if (!S_ISREG(status.st_mode))
                return upload_fault_set(fault, CAUSE_UPLOAD_NAME_TAKEN, "a folder or something else has the name");
        file_identity_from_stat(&status, ret_identity);
        return 1;
}

/* Whether what is there (or is not) is what it must be. */
static int check(const struct upload_target *target, bool exists, const struct file_identity *identity,
                 struct upload_fault *fault) {
        if (target->has_expected && !(exists && file_identity_equal(identity, &target->expected)))
                return upload_fault_set(fault, CAUSE_PRECONDITION_FAILED, "the file has changed since");
        if (exists && target->must_be_new)
                return upload_fault_set(fault, CAUSE_PRECONDITION_FAILED, "there is such a file already");
        if (exists && !target->may_replace)
                return upload_fault_set(fault, CAUSE_UPLOAD_EXISTS, NULL);
        return 0;
}

int upload_place_check(struct upload_folder *folder, const struct upload_target *target, struct upload_fault *fault) {
        struct file_identity identity;
        _cleanup_close_ int parent = open_parent(folder, target->name);
        if (parent == -ENOENT)
                return check(target, false, NULL, fault);
        if (parent < 0)
                return upload_fault_set_errno(fault, parent);
        int r = look(parent, last_part(target->name), &identity, fault);
        return r < 0 ? r : check(target, r == 1, &identity, fault);
}

/* Not every file system can rename without replacing; the lock holds other daemons off then, and the link what else may
 * make such a name. */
static int rename_new(const struct upload_part *part, int parent, const char *name) {
        int staging = part->folder->staging;
        if (renameat2(staging, part->name, parent, name, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (linkat(staging, part->name, parent, name, 0) < 0)
                return -errno;
        (void) unlinkat(staging, part->name, 0);
        return 0;
}

/* Under the lock. 1: it took the place of a file. */
static int put(const struct upload_part *part, int parent, const char *name, const struct upload_target *target,
               struct file_identity *ret_replaced, struct upload_fault *fault) {
        int exists = look(parent, name, ret_replaced, fault);
        int r = exists < 0 ? exists : check(target, exists == 1, ret_replaced, fault);
        if (r < 0)
                return r;
        if (exists)
                r = (int) NEGATIVE_ERRNO(renameat(part->folder->staging, part->name, parent, name));
        else
                r = rename_new(part, parent, name);
        return r < 0 ? upload_fault_set_errno(fault, r) : exists;
}

static int put_locked(const struct upload_part *part, int parent, const struct upload_target *target,
                      struct upload_fault *fault, struct upload_placed *placed) {
        struct file_identity replaced = { 0 };
        struct upload_folder *folder = part->folder;
        int r = upload_folder_lock(folder);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        int exists = put(part, parent, last_part(target->name), target, &replaced, fault);
        r = exists < 0 ? exists : file_identify(part->fd, &placed->identity);
        upload_folder_unlock(folder);
        if (exists < 0)
                return exists;
        placed->has_replaced = exists == 1;
        upload_account_store(&folder->account, r < 0 ? 0 : placed->identity.size,
                             exists ? (int64_t) replaced.size : -1);
        return r < 0 ? upload_fault_set_errno(fault, r) : 0;
}

int upload_place(struct upload_part *part, const struct upload_target *target, struct upload_fault *fault,
                 struct upload_placed *ret_placed) {
        _cleanup_close_ int parent = -1;
        size_t made;
        int r = make_parent(part->folder, target, fault, &made, &parent);
        if (r >= 0)
                r = put_locked(part, parent, target, fault, ret_placed);
        if (r < 0) {
                unmake_parent(part->folder, target->name, made);
                upload_part_discard(part);
                return r;
        }
        upload_part_close(part);
        return fsync(parent) < 0 ? upload_fault_set_errno(fault, -errno) : 0;
}

static int remove_folder(struct upload_folder *folder, const char *name, struct upload_fault *fault) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%.*s", (int) strlen(name) - 1, name);
        _cleanup_close_ int parent = open_parent(folder, path);
        int r = parent < 0 ? parent : (int) NEGATIVE_ERRNO(unlinkat(parent, last_part(path), AT_REMOVEDIR));
        if (r == -ENOENT)
                return upload_fault_set(fault, CAUSE_FILE_NOT_FOUND, NULL);
        if (r == -ENOTEMPTY || r == -EEXIST)
                return upload_fault_set(fault, CAUSE_UPLOAD_FOLDER_NOT_EMPTY, NULL);
        if (r >= 0)
                upload_account_remove(&folder->account, 0);
        return r < 0 || fsync(parent) < 0 ? upload_fault_set_errno(fault, r < 0 ? r : -errno) : 0;
}

static int remove_locked(int parent, const struct upload_target *target, struct file_identity *ret_removed,
                         struct upload_fault *fault) {
        const char *name = last_part(target->name);
        int r = look(parent, name, ret_removed, fault);
        if (r == 0)
                return upload_fault_set(fault, target->has_expected ? CAUSE_PRECONDITION_FAILED : CAUSE_FILE_NOT_FOUND,
                                        NULL);
        if (r >= 0)
                r = check(target, true, ret_removed, fault);
        if (r < 0)
                return r;
        return unlinkat(parent, name, 0) < 0 ? upload_fault_set_errno(fault, -errno) : 0;
}

int upload_remove(struct upload_folder *folder, const struct upload_target *target, struct upload_fault *fault) {
        size_t length = strlen(target->name);
        if (length > 0 && target->name[length - 1] == '/')
                return remove_folder(folder, target->name, fault);
        _cleanup_close_ int parent = open_parent(folder, target->name);
        if (parent < 0)
                return parent == -ENOENT || parent == -ENOTDIR ? upload_fault_set(fault, CAUSE_FILE_NOT_FOUND, NULL)
                                                               : upload_fault_set_errno(fault, parent);
        struct file_identity removed = { 0 };
        int r = upload_folder_staging(folder, true);
        if (r >= 0)
                r = upload_folder_lock(folder);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        r = remove_locked(parent, target, &removed, fault);
        upload_folder_unlock(folder);
        if (r < 0)
                return r;
        upload_account_remove(&folder->account, removed.size);
        return fsync(parent) < 0 ? upload_fault_set_errno(fault, -errno) : 0;
}
