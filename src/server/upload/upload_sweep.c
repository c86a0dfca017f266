/* SPDX-License-Identifier: Apache-2.0 */
/* Clears staging folders. Whatever holds a file open there has its lock, so that what can be locked is left over; but a
 * resumable upload is not even locked for a moment before its time is over, since a client could just then go on with it. */
#include "server/upload/upload_sweep.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "server/upload/tus_store.h"
#include "server/upload/upload_part.h"
#include "shared/syscall.h"

struct sweep {
        int staging;
        uint64_t keep_parts;        /* us */
        int64_t now;                /* us, CLOCK_REALTIME */
        uint64_t parts, part_bytes; /* that stay */
};

/* The lock is held while the file is removed: nobody who opened it meanwhile takes it for one that will stay. */
static void remove_left_over(const struct sweep *sweep, const char *name) {
        _cleanup_close_ int fd = upload_staging_open(sweep->staging, name);
        if (fd >= 0)
                (void) unlinkat(sweep->staging, name, 0);
}

/* Bytes without a record are left over from a beginning that did not succeed. */
static void sweep_bytes(const struct sweep *sweep, const char *name) {
        char record[NAME_MAX + 1];
        (void) snprintf(record, sizeof(record), "%s" TUS_RECORD_SUFFIX, name);
        if (faccessat(sweep->staging, record, F_OK, 0) < 0)
                remove_left_over(sweep, name);
}

/* First the bytes, unless somebody writes them, then the record. */
static void remove_upload(const struct sweep *sweep, const char *record, const char *bytes) {
        _cleanup_close_ int fd = upload_staging_open(sweep->staging, bytes);
        if (fd < 0 && fd != -ENOENT)
                return;
        if (fd >= 0)
                (void) unlinkat(sweep->staging, bytes, 0);
        (void) unlinkat(sweep->staging, record, 0);
}

static int read_length(const struct sweep *sweep, const char *name, uint64_t *ret_length) {
        _cleanup_free_ char *text = NULL;
        struct tus_record record;
        size_t length;
        int r = read_whole_file(sweep->staging, name, TUS_RECORD_MAX, &text, &length);
        if (r >= 0)
                r = tus_record_parse((struct slice) { text, length }, &record);
        if (r >= 0)
                *ret_length = record.length;
        return r;
}

static void sweep_record(struct sweep *sweep, const char *name) {
        char bytes[NAME_MAX + 1];
        struct stat status;
        uint64_t length;
        (void) snprintf(bytes, sizeof(bytes), "%.*s", (int) (strlen(name) - strlen(TUS_RECORD_SUFFIX)), name);
        bool has_bytes = faccessat(sweep->staging, bytes, F_OK, 0) == 0;
        if (fstatat(sweep->staging, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        int64_t age = sweep->now - ((int64_t) status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000);
        uint64_t kept = has_bytes ? sweep->keep_parts : MIN_OF(sweep->keep_parts, TUS_COMPLETE_KEPT);
        if (age > (int64_t) kept) {
                remove_upload(sweep, name, bytes);
        } else if (has_bytes && read_length(sweep, name, &length) >= 0) {
                sweep->parts++;
                sweep->part_bytes += length;
        }
}

static bool starts_with(const char *name, const char *prefix) {
        return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void sweep_name(struct sweep *sweep, const char *name) {
        if (starts_with(name, UPLOAD_PART_PREFIX))
                remove_left_over(sweep, name);
        else if (starts_with(name, TUS_PREFIX) && slice_ends_with(slice_of(name), SLICE_LITERAL(TUS_RECORD_SUFFIX)))
                sweep_record(sweep, name);
        else if (starts_with(name, TUS_PREFIX))
                sweep_bytes(sweep, name);
}

void upload_sweep(struct upload_folder *folder, uint64_t keep_parts) {
        struct timespec now;
        uint64_t changes = upload_account_part_changes(&folder->account);
        struct sweep sweep = { .staging = upload_folder_staging(folder, false), .keep_parts = keep_parts };
        int fd = sweep.staging < 0 ? sweep.staging : openat(sweep.staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);
        if (!stream) {
                close_fd(fd);
                return;
        }
        (void) clock_gettime(CLOCK_REALTIME, &now);
        sweep.now = (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
        for (struct dirent *entry; (entry = readdir(stream));)
                sweep_name(&sweep, entry->d_name);
        (void) closedir(stream);
        upload_account_take_parts(&folder->account, changes, sweep.parts, sweep.part_bytes);
}
