/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_request.h"

/* Goes on with `admitted` when the request may change something beneath its mount: at once where anybody may, or once its client has shown
 * a token or a password for the scope "upload:NAME" of the folder. Answers with the failure otherwise. Asked once for each
 * request, before its body is read. */
void upload_access_ask(struct file_request *request, void (*admitted)(struct file_request *request));
