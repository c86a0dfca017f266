/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/upload/tus_record.h"
#include "server/upload/upload_file.h"

/*
 * Resumable uploads as they lie in the staging folder: "tus-ID" has the bytes, "tus-ID.info" the record. Who writes one
 * has the lock of its bytes; the record may be read by anybody at any time. Bytes are good as far as the record says
 * that they were saved, which it does once they were synced; what lies beyond is cut off. So both survive a restart, a kill
 * and a power cut. When an upload is complete its bytes are in place and the record stays for a while, for a client that
 * did not get the last answer.
 *
 * Blocking: pool threads only.
 */
#define TUS_PREFIX "tus-"
#define TUS_RECORD_SUFFIX ".info"
#define TUS_COMPLETE_KEPT (UINT64_C(600) * 1000000) /* us: how long the record of a complete upload stays */

struct tus_upload {
        const struct upload_mount *mount; /* NULL: not open */
        struct upload_part part;          /* the bytes; open while the upload is written */
        int info;                         /* the record's descriptor */
        struct tus_record record;
        char *text;       /* that the record's views are of */
        int64_t touched;  /* us, CLOCK_REALTIME: when something was saved last */
        uint64_t unsaved; /* bytes appended since */
        uint64_t claimed; /* bytes that the account counts for it */
        char id[TUS_ID_LENGTH + 1];
};

/* Begins one with this record, whose views are copied, and claims so many bytes for it. */
int tus_store_create(struct tus_upload *upload, const struct upload_mount *mount, const struct tus_record *record,
                     uint64_t claimed, struct upload_fault *fault);

/* Reads its record. Sets CAUSE_TUS_UNKNOWN, or CAUSE_TUS_EXPIRED. */
int tus_store_look(struct tus_upload *upload, const struct upload_mount *mount, const char *id,
                   struct upload_fault *fault);

/* The same, and opens it to be gone on with, where it was saved. CAUSE_TUS_LOCKED while somebody else has it. */
int tus_store_open(struct tus_upload *upload, const struct upload_mount *mount, const char *id,
                   struct upload_fault *fault);

/* Takes bytes, and now and then makes sure of them unless `is_tentative`. */
int tus_store_append(struct tus_upload *upload, struct slice bytes, bool is_tentative, struct upload_fault *fault);

/* Makes sure of what was appended. */
int tus_store_save(struct tus_upload *upload, struct upload_fault *fault);

/* Takes back what was not saved, so that it takes no room; also after a failure. The upload can only be closed then. */
void tus_store_undo(struct tus_upload *upload);

/* All bytes are there and saved: puts the file into place, or, of a partial one, keeps it for a final one. When that cannot
 * be it is removed. */
int tus_store_complete(struct tus_upload *upload, struct upload_fault *fault);

/* A complete upload made of others, which are named by a list of Upload-Concat; they are removed then. Its length is found
 * out here. */
int tus_store_concatenate(struct tus_upload *upload, const struct upload_mount *mount, const struct tus_record *record,
                          struct slice list, struct upload_fault *fault);

/* Removes it, bytes and record. */
int tus_store_remove(struct tus_upload *upload, struct upload_fault *fault);

/* Closes what is open; what was not saved is lost. Takes one that is not open. */
void tus_store_close(struct tus_upload *upload);

/* When it will be removed if nothing more comes: us, CLOCK_REALTIME. */
int64_t tus_store_expires(const struct tus_upload *upload);
