/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "config/log_section.h"
#include "shared/error.h"
#include "shared/log.h"

/*
 * One entry for each request: to the journal (up to a rate, above it sampled, failures never), or complete to a file.
 *
 * A worker only copies what the request holds into its ring; everything is formatted and written on the logging thread.
 * Shared by the workers by reference count; a reload that changes [log.access] makes another one.
 */
struct access_log;
struct http_exchange;

/* Whether the file could be opened, which is not made. -EACCES and the like, with the sentence of access_log_new. */
int access_log_check(const struct config_access_log *config, struct error *error);

/* Opens the file. NULL result and 0 when the target is off. `logger` must outlive it. */
int access_log_new(const struct config_access_log *config, struct logger *logger, struct error *error,
                   struct access_log **ret_log);
struct access_log *access_log_ref(struct access_log *log);

/* The last reference: the log ends when the records that are on their way are written. `producer` is the calling thread's. */
void access_log_unref(struct access_log *log, struct log_producer *producer);

/* Writes the entry of an exchange that ends; `duration` in us. On the exchange's worker. */
void access_log_exchange(struct access_log *log, struct http_exchange *exchange, uint64_t duration);
