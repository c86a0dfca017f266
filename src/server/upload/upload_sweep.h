/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/upload/upload_folder.h"

/*
 * Removes what lies in the staging folder and nobody writes any more: files of uploads that were cut off (a crash, a
 * kill), which hold no lock then, and resumable uploads to which nothing came for `keep_parts` (us). What another daemon
 * writes is locked, and stays. Tells the account how many resumable uploads there are. Blocking: pool threads only.
 */
void upload_sweep(struct upload_folder *folder, uint64_t keep_parts);
