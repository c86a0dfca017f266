/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_open.h"
#include "server/upload/upload_account.h"
#include "shared/error.h"

/*
 * The opened upload folders: one for each folder, however many sites name it, the same in the generations before and
 * after a reload. All calls may wait for the disk: the thread pool, or a load of the configuration.
 *
 * Beneath each there is .ccodes-staging, where what is not whole yet lies. It is made when it is first needed, by the
 * service itself, so that looking at a configuration changes nothing.
 */
#define UPLOAD_STAGING ".ccodes-staging"

struct upload_folders;

struct upload_folder {
        int fd;         /* the folder; every path is resolved beneath it */
        int staging;    /* -1 until it is there; upload_folder_staging */
        int place_lock; /* a file in the staging folder; see upload_folder_lock */
        int presence;   /* a file there that each daemon holds with a shared lock; -1 until then */
        struct upload_account account;
        pthread_mutex_t mutex; /* of `staging`, `place_lock`, `presence` and of placing */
        /* The rest is the table's. */
        struct upload_folders *table;
        struct upload_folder *next;
        char *path; /* that it was opened under first */
        unsigned references;
        uint64_t counted_at, count_cost; /* us, CLOCK_MONOTONIC; of the last count */
        unsigned long long device, inode;
};

int upload_folders_new(struct upload_folders **ret_folders);

/* No folder is referenced any more. Takes NULL. */
void upload_folders_free(struct upload_folders *folders);

/* Opens a folder, with a reference; what is in it is counted when that is done within `patience` us, otherwise later
 * (upload_folder_recount). The error says what failed and what to do. */
int upload_folder_open(struct upload_folders *folders, const char *path, uint64_t patience, struct error *error,
                       struct upload_folder **ret_folder);
struct upload_folder *upload_folder_ref(struct upload_folder *folder);
struct upload_folder *upload_folder_unref(struct upload_folder *folder); /* NULL */

/* What the folder that was opened under this path holds; nothing when there is none. Does not wait for a disk. */
struct upload_figures upload_folders_figures(struct upload_folders *folders, const char *path);

/* The staging folder's descriptor, which stays the folder's; made when it is not there and `create` is set (-ENOENT
 * otherwise). -EPERM when something else has its name. */
int upload_folder_staging(struct upload_folder *folder, bool create);

/* What puts files into place, and what checks a condition before, is done by one thread of one daemon at a time. */
int upload_folder_lock(struct upload_folder *folder);
void upload_folder_unlock(struct upload_folder *folder);

/* Counts the files anew, when it is time for it: at once where they were never counted; often while another daemon uses
 * the folder too, whose files nobody tells us; now and then anyway, for what was changed by hand. */
void upload_folder_recount(struct upload_folder *folder);

/* Whether an upload of `bytes` leaves `min_free` bytes of the disk; sets the fault otherwise. */
int upload_folder_check_disk(const struct upload_folder *folder, uint64_t bytes, uint64_t min_free,
                             struct upload_fault *fault);
