/* SPDX-License-Identifier: Apache-2.0 */
/* What the system's errors mean for an upload: whether the client, the operator or the disk is to blame. */
#include "server/upload/upload_fault.h"

#include <errno.h>
#include <string.h>

int upload_fault_set(struct upload_fault *fault, enum cause cause, const char *detail) {
        if (fault->cause == CAUSE_NONE)
                *fault = (struct upload_fault) { cause, detail };
        return -ECANCELED;
}

static enum cause cause_of(int code) {
        switch (code) {
        case -ENOSPC:
        case -EDQUOT:
                return CAUSE_UPLOAD_DISK_FULL;
        case -EACCES:
        case -EPERM:
        case -EROFS:
        case -ENOENT: /* of the staging folder: the upload folder itself was removed */
                return CAUSE_UPLOAD_FOLDER_UNWRITABLE;
        case -EMFILE:
        case -ENFILE:
                return CAUSE_OUT_OF_DESCRIPTORS;
        case -ENOMEM:
                return CAUSE_OUT_OF_MEMORY;
        case -EFBIG:
                return CAUSE_UPLOAD_TOO_LARGE;
        case -ENAMETOOLONG:
                return CAUSE_UPLOAD_NAME_INVALID;
        case -EEXIST:
        case -EISDIR:
        case -ENOTDIR:
        case -ENOTEMPTY:
        case -ELOOP:
        case -EXDEV:
                return CAUSE_UPLOAD_NAME_TAKEN;
        default:
                return CAUSE_UPLOAD_WRITE_FAILED;
        }
}

int upload_fault_set_errno(struct upload_fault *fault, int code) {
        return upload_fault_set(fault, cause_of(code), strerrordesc_np(-code));
}
