/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * Memory for keys: left out of core dumps, not swapped out where the limit allows it (RLIMIT_MEMLOCK), gone in a child,
 * and overwritten before it is given back. Whole pages: not for many small things.
 */

/* Cleared; NULL when there is no memory. */
void *secret_new(size_t size) __attribute__((malloc, alloc_size(1)));

/* Takes NULL. */
void secret_free(void *memory, size_t size);
