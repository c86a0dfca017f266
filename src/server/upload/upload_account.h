/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/upload_section.h"
#include "server/upload/upload_fault.h"

/*
 * What an upload folder holds and what is on its way there, held against the limits of the configuration before a byte
 * is taken. Any thread.
 *
 * The files that are in place are counted by a scan, then kept up with. Two daemons that share a folder (the two
 * instances of an `apply`) do not see each other's files until the next scan, which upload_upkeep.c makes often while
 * there are two: the limits can be broken by what the other one takes in that time, and no further upload is then let
 * in.
 */
struct upload_account {
        pthread_mutex_t mutex;
        bool is_known;                   /* the scan has come to its end once */
        uint64_t changes;                /* of the stored figures, by anything but a scan */
        uint64_t stored, stored_files;   /* bytes of the files that are in place; number of these and of folders */
        uint64_t claimed, claimed_files; /* what uploads under way are to become */
        uint64_t active;                 /* uploads under way */
        uint64_t part_changes;           /* of these figures, by anything but a sweep */
        uint64_t parts, part_bytes;      /* resumable uploads that are not finished, and what they are to become */
        bool is_copying;                 /* parts are being put together */
};

/* What one upload has claimed. All zero: nothing. */
struct upload_claim {
        bool is_active, has_file;
        uint64_t bytes;
};

void upload_account_init(struct upload_account *account);
void upload_account_done(struct upload_account *account);

/* Claims a place for a file, of `bytes` as far as they are known. Sets the fault when a limit forbids it. */
int upload_account_claim(struct upload_account *account, const struct config_upload *limits, uint64_t bytes,
                         struct upload_claim *ret_claim, struct upload_fault *fault);

/* For what goes on with a part, whose bytes are claimed already. */
int upload_account_claim_turn(struct upload_account *account, const struct config_upload *limits,
                              struct upload_claim *ret_claim, struct upload_fault *fault);

/* The file has `bytes` by now: claims what is missing. */
int upload_account_grow(struct upload_account *account, const struct config_upload *limits, struct upload_claim *claim,
                        uint64_t bytes, struct upload_fault *fault);

/* Gives back what is claimed. Does nothing to an empty claim. */
void upload_account_release(struct upload_account *account, struct upload_claim *claim);

/* A file of `bytes` is in place, where one of `replaced` bytes was (-1: none was). */
void upload_account_store(struct upload_account *account, uint64_t bytes, int64_t replaced);

/* A folder is to be made, which counts as a file does: they can use up a disk as well. */
int upload_account_add_folder(struct upload_account *account, const struct config_upload *limits,
                              struct upload_fault *fault);

/* A file is gone, or a folder, which has no bytes. */
void upload_account_remove(struct upload_account *account, uint64_t bytes);

/* A resumable upload of `bytes` was begun, or is finished or given up. */
int upload_account_add_part(struct upload_account *account, const struct config_upload *limits, uint64_t bytes,
                            struct upload_fault *fault);
void upload_account_remove_part(struct upload_account *account, uint64_t bytes);

/* Bytes that are claimed once are to be there twice for a while: one at a time. False: somebody else is at it. */
bool upload_account_begin_copy(struct upload_account *account);
void upload_account_end_copy(struct upload_account *account);

/* What a sweep has found in the staging folder, in the same way as a scan below. */
uint64_t upload_account_part_changes(struct upload_account *account);
void upload_account_take_parts(struct upload_account *account, uint64_t changes, uint64_t parts, uint64_t bytes);

/* What a scan has found; `changes` as upload_account_changes said before it. Not taken when something changed meanwhile,
 * unless nothing is known yet. */
bool upload_account_is_known(struct upload_account *account);
uint64_t upload_account_changes(struct upload_account *account);
void upload_account_take_scan(struct upload_account *account, uint64_t changes, uint64_t bytes, uint64_t files);

/* For metrics. */
struct upload_figures {
        uint64_t bytes, files, active, parts;
};
struct upload_figures upload_account_figures(struct upload_account *account);
