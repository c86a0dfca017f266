/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_request.h"
#include "server/upload/upload_place.h"
#include "server/upload/upload_transfer.h"

/*
 * Requests for what lies in an upload folder: request->mount is set. Reading goes the way of any file; the rest is
 * decided here, first of all whether the request may do it, then answered by the functions below.
 */
void upload_request_begin(struct file_request *request);

/* PUT: after the conditions, which may need a look at what is there. See upload_put.c. */
void upload_put_begin(struct file_request *request);

/* POST of a form. See upload_form.c. */
void upload_form_begin(struct file_request *request);

/* DELETE: the same. See upload_delete.c. */
void upload_delete_begin(struct file_request *request);

/*
 * Holds the conditions of the request (RFC 9110 section 13) against the entry that was found for its path, and notes in
 * `target` what must still be so when the change is made. False when they failed, which has been answered.
 */
bool upload_request_take_conditions(struct file_request *request, struct upload_target *target);

/* Whether the request has conditions that a change has to look at. */
bool upload_request_is_conditional(const struct file_request *request);

/* The name beneath the folder, checked, on the heap; NULL when it is none or memory is out, which has been answered. */
char *upload_request_name(struct file_request *request, struct slice name);

/* Starts a transfer, or answers why it cannot. `embedding` NULL: its memory could not be had. */
void upload_request_start(struct file_request *request, struct upload_transfer *transfer,
                          const struct upload_transfer_operations *operations);

/* Answers with the fault of a transfer. */
void upload_request_fail(struct file_request *request, const struct upload_fault *fault);
