/* SPDX-License-Identifier: Apache-2.0 */
/* Opens upload folders and their staging folders. A folder is known by its device and inode. Two locks, both files in
 * the staging folder and both by flock(2), which ends with the process however it ends: one for the moment in which a
 * file is put into place, one that shows who is there. */
#include "server/upload/upload_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "server/upload/upload_scan.h"
#include "shared/syscall.h"

#define SHARED_INTERVAL (UINT64_C(5) * 1000000)
#define INTERVAL (UINT64_C(600) * 1000000)
#define COST_FACTOR 20 /* a count may take a twentieth of one thread's time */

struct upload_folders {
        pthread_mutex_t mutex;
        struct upload_folder *first;
};

static uint64_t now_usec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

int upload_folders_new(struct upload_folders **ret_folders) {
        struct upload_folders *folders = calloc(1, sizeof(*folders));
        if (!folders)
                return -ENOMEM;
        (void) pthread_mutex_init(&folders->mutex, NULL);
        *ret_folders = folders;
        return 0;
}

void upload_folders_free(struct upload_folders *folders) {
        if (!folders)
                return;
        (void) pthread_mutex_destroy(&folders->mutex);
        free(folders);
}

static struct upload_folder *find(const struct upload_folders *folders, const struct stat *status) {
        for (struct upload_folder *folder = folders->first; folder; folder = folder->next)
                if (folder->device == status->st_dev && folder->inode == status->st_ino)
                        return folder;
        return NULL;
}

static int add(struct upload_folders *folders, const char *path, int *fd, const struct stat *status,
               struct upload_folder **ret_folder) {
        struct upload_folder *folder = calloc(1, sizeof(*folder));
        char *copy = strdup(path);
        if (!folder || !copy) {
                free(folder);
                free(copy);
                return -ENOMEM;
        }
        folder->path = copy;
        folder->fd = take_fd(fd);
        folder->staging = folder->place_lock = folder->presence = -1;
        folder->table = folders;
        folder->device = status->st_dev;
        folder->inode = status->st_ino;
        (void) pthread_mutex_init(&folder->mutex, NULL);
        upload_account_init(&folder->account);
        folder->next = folders->first;
        folders->first = folder;
        *ret_folder = folder;
        return 0;
}

static void count(struct upload_folder *folder, uint64_t patience) {
        uint64_t changes = upload_account_changes(&folder->account), start = now_usec(), bytes, files;
        if (upload_scan(folder->fd, patience, &bytes, &files) >= 0)
                upload_account_take_scan(&folder->account, changes, bytes, files);
        uint64_t now = now_usec();
        pthread_mutex_lock(&folder->mutex);
        folder->counted_at = now;
        folder->count_cost = now - start;
        pthread_mutex_unlock(&folder->mutex);
}

int upload_folder_open(struct upload_folders *folders, const char *path, uint64_t patience, struct error *error,
                       struct upload_folder **ret_folder) {
        struct stat status;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY));
        int r = fd < 0 ? fd : (int) NEGATIVE_ERRNO(fstat(fd, &status));
        if (r < 0)
                return error_set_errno(error, r, "opening the folder %s", path);

        struct upload_folder *folder;
        pthread_mutex_lock(&folders->mutex);
        folder = find(folders, &status);
        bool is_new = !folder;
        if (is_new)
                r = add(folders, path, &fd, &status, &folder);
        if (r >= 0)
                folder->references++;
        pthread_mutex_unlock(&folders->mutex);
        if (r < 0)
                return error_set_errno(error, r, "opening the folder %s", path);
        if (is_new)
                count(folder, patience);
        *ret_folder = folder;
        return 0;
}

struct upload_figures upload_folders_figures(struct upload_folders *folders, const char *path) {
        struct upload_figures figures = { 0 };
        pthread_mutex_lock(&folders->mutex);
        for (struct upload_folder *folder = folders->first; folder; folder = folder->next)
                if (strcmp(folder->path, path) == 0)
                        figures = upload_account_figures(&folder->account);
        pthread_mutex_unlock(&folders->mutex);
        return figures;
}

struct upload_folder *upload_folder_ref(struct upload_folder *folder) {
        pthread_mutex_lock(&folder->table->mutex);
        folder->references++;
        pthread_mutex_unlock(&folder->table->mutex);
        return folder;
}

struct upload_folder *upload_folder_unref(struct upload_folder *folder) {
        if (!folder)
                return NULL;
        struct upload_folders *folders = folder->table;
        pthread_mutex_lock(&folders->mutex);
        bool is_last = --folder->references == 0;
        if (is_last) {
                struct upload_folder **place = &folders->first;
                while (*place != folder)
                        place = &(*place)->next;
                *place = folder->next;
        }
        pthread_mutex_unlock(&folders->mutex);
        if (!is_last)
                return NULL;
        close_fd(folder->presence);
        close_fd(folder->place_lock);
        close_fd(folder->staging);
        close_fd(folder->fd);
        upload_account_done(&folder->account);
        (void) pthread_mutex_destroy(&folder->mutex);
        free(folder->path);
        free(folder);
        return NULL;
}

static int open_lock(int staging, const char *name) {
        return NEGATIVE_ERRNO(openat(staging, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
}

/* A folder of ours that nobody else can look into. Another's would let its owner change what is put into place. */
static int check_staging(int fd) {
        struct stat status;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (status.st_uid != geteuid())
                return -EPERM;
        return (status.st_mode & 0777) == 0700 ? 0 : (int) NEGATIVE_ERRNO(fchmod(fd, 0700));
}

static int open_staging(struct upload_folder *folder, bool create) {
        if (create && mkdirat(folder->fd, UPLOAD_STAGING, 0700) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_close_ int staging =
                        file_open_beneath(folder->fd, UPLOAD_STAGING, FILE_OPEN_NO_SYMLINKS | FILE_OPEN_DIRECTORY);
        int r = staging < 0 ? staging : check_staging(staging);
        if (r < 0)
                return r;
        _cleanup_close_ int place_lock = open_lock(staging, "lock");
        _cleanup_close_ int presence = place_lock < 0 ? place_lock : open_lock(staging, "daemons");
        if (presence < 0)
                return presence;
        (void) flock(presence, LOCK_SH | LOCK_NB);
        folder->place_lock = take_fd(&place_lock);
        folder->presence = take_fd(&presence);
        folder->staging = take_fd(&staging);
        return 0;
}

int upload_folder_staging(struct upload_folder *folder, bool create) {
        pthread_mutex_lock(&folder->mutex);
        int r = folder->staging < 0 ? open_staging(folder, create) : 0;
        if (r >= 0)
                r = folder->staging;
        pthread_mutex_unlock(&folder->mutex);
        return r;
}

int upload_folder_lock(struct upload_folder *folder) {
        pthread_mutex_lock(&folder->mutex);
        int r;
        do
                r = (int) NEGATIVE_ERRNO(flock(folder->place_lock, LOCK_EX));
        while (r == -EINTR);
        if (r < 0)
                pthread_mutex_unlock(&folder->mutex);
        return r;
}

void upload_folder_unlock(struct upload_folder *folder) {
        (void) flock(folder->place_lock, LOCK_UN);
        pthread_mutex_unlock(&folder->mutex);
}

/* Who is alone can have the lock for itself; it is given back at once. */
static bool is_shared_with_others(struct upload_folder *folder) {
        bool is_shared = false;
        pthread_mutex_lock(&folder->mutex);
        if (folder->presence >= 0) {
                is_shared = flock(folder->presence, LOCK_EX | LOCK_NB) < 0;
                (void) flock(folder->presence, LOCK_SH | LOCK_NB);
        }
        pthread_mutex_unlock(&folder->mutex);
        return is_shared;
}

void upload_folder_recount(struct upload_folder *folder) {
        bool is_known = upload_account_is_known(&folder->account);
        uint64_t interval = is_shared_with_others(folder) ? SHARED_INTERVAL : INTERVAL;
        pthread_mutex_lock(&folder->mutex);
        bool is_due = now_usec() - folder->counted_at >= MAX_OF(interval, COST_FACTOR * folder->count_cost);
        pthread_mutex_unlock(&folder->mutex);
        if (is_due || !is_known)
                count(folder, UINT64_MAX);
}

int upload_folder_check_disk(const struct upload_folder *folder, uint64_t bytes, uint64_t min_free,
                             struct upload_fault *fault) {
        struct statvfs status;
        if (fstatvfs(folder->fd, &status) < 0)
                return upload_fault_set_errno(fault, -errno);
        uint64_t free_bytes = (uint64_t) status.f_bavail * status.f_frsize;
        if (free_bytes < min_free || free_bytes - min_free < bytes)
                return upload_fault_set(fault, CAUSE_UPLOAD_DISK_FULL, "min_free would not be left on the disk");
        return 0;
}
