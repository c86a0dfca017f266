/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/file_request.h"

/*
 * Whether the request may read what its path leads to: where the upload folder, or the rules that were found with request->entry, ask
 * for a signed address, by that. May be asked before there is an entry too, so that strangers cost no look-up. Adds to the response what the address agrees to (name, rate). False when it was answered with why not, which says nothing of what is there.
 */
bool signed_download_admit(struct file_request *request);
