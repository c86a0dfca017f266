/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Replaces a file as a whole, or makes it: whoever opens `path` sees the old bytes or the new ones, and a power cut
 * leaves one or the other. Blocks on the disk. Negative errno of the step that failed; nothing is left behind then.
 */
int atomic_file_write(const char *path, const void *data, size_t length, mode_t mode);
