/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/worker.h"

/*
 * What upload folders need from time to time: unfinished files that nobody writes any more are removed, and files are
 * counted anew. Done on the thread pool for all folders of a generation, by its first worker's clock; once at once.
 */
struct upload_upkeep;

struct site;

/* For the sites, which outlive it. *ret_upkeep is NULL when there is nothing to do: no upload folder. */
int upload_upkeep_new(struct http_worker *worker, const struct site *sites, size_t count,
                      struct upload_upkeep **ret_upkeep);
void upload_upkeep_free(struct upload_upkeep *upkeep); /* NULL */
