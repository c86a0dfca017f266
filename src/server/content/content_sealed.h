/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/content/content_format.h"
#include "shared/key_ring.h"

/*
 * Files encrypted on disk, in the format of docs/sealed-format.md. A writer and a reader hold the key of their file in
 * memory of secret.h; what is read is sent only once it was found to be what was written.
 */

/* New files are wrapped by the newest key of the ring, which is kept by a reference. NULL when there is no memory. */
struct content_format *content_sealed_new(struct key_ring *ring);

/* Takes NULL. Contents that are open outlive it. */
void content_sealed_free(struct content_format *format);
