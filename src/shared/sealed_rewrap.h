/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/sealed_file.h"

/*
 * Another master key for a sealed file, in place: its own key is wrapped anew, none of its content is touched.
 *
 * The header for the newest key goes into the block that holds none, and the old one goes only when that is on the disk. So a
 * crash at any moment leaves one that is good, and doing it again completes it. Readers and writers may be at work meanwhile.
 */

/* 1 when it was wrapped anew, 0 when it had been so already. `fd` is open for reading and writing. The time of the last change stays.
 * -EBUSY when somebody else is at it. The errors of sealed_header_find, and those of reading and writing. */
int sealed_rewrap(int fd, const struct key_ring *ring);

/* Whether a header of the file names the key, whether or not there is a good one too. 1, 0, or -EBADMSG when it is no sealed file. */
int sealed_names_key(int fd, struct slice id);
