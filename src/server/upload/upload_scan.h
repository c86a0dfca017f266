/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Bytes and number of the regular files beneath a folder, what begins with a dot at its top excepted. Follows no link,
 * leaves no file system. -ETIME after `patience` us. Blocks. */
int upload_scan(int folder, uint64_t patience, uint64_t *ret_bytes, uint64_t *ret_files);
