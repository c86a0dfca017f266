/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/upload/upload_part.h"

/*
 * Where a file goes, and what has to be so for it. A condition that was found to hold when the request began is tried
 * again in the moment of the change, under the folder's lock: of two clients that replace the same version of a file one
 * is told that it came too late, even where they speak to two daemons.
 */
struct upload_target {
        char *name;                         /* beneath the folder; upload_name_fault finds nothing to blame */
        const struct config_upload *limits; /* of files and folders; for upload_place */
        bool may_replace;
        bool must_be_new;  /* If-None-Match: * */
        bool has_expected; /* what is there must still be this version */
        struct file_identity expected;
};

struct upload_placed {
        struct file_identity identity; /* of the file, now that it is in place */
        bool has_replaced;
};

/* Whether something that is there already forbids it; no promise for later. */
int upload_place_check(struct upload_folder *folder, const struct upload_target *target, struct upload_fault *fault);

/* Gives a finished part its name, makes the folders that it needs, and makes all that last over a power cut. The part is
 * closed then, also when it fails. Keeps the account. */
int upload_place(struct upload_part *part, const struct upload_target *target, struct upload_fault *fault,
                 struct upload_placed *ret_placed);

/* Removes a file, or an empty folder when the name ends with '/'. */
int upload_remove(struct upload_folder *folder, const struct upload_target *target, struct upload_fault *fault);
