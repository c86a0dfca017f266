/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/upload/upload_request.h"

/*
 * Resumable uploads by the tus protocol 1.0: core, creation, creation-with-upload, termination, checksum, expiration and
 * concatenation. An upload is begun by POST to a folder, and has an address beneath TUS_FOLDER of the upload folder.
 */

/* POST to a folder, with Tus-Resumable. */
void tus_request_create(struct file_request *request);

/* HEAD, PATCH or DELETE of an upload; `id` is what stands behind TUS_FOLDER. */
void tus_request_upload(struct file_request *request, struct slice id);

/* Adds to the answer of OPTIONS what can be done. */
void tus_request_add_options(struct file_request *request);
