/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/generation.h"
#include "server/file_store.h"
#include "server/site.h"
#include "server/upload/upload_folder.h"

/*
 * The file server as an application of the HTTP engine: sites by host, files beneath their roots, and what the rules of
 * each site make of them.
 */
extern const struct http_application file_server_application;

struct file_server_snapshot;

/*
 * Builds what requests need from a configuration: opens each site's root, reads the table of media types, compiles
 * the rules. The configuration, the store, and what `means` has of roots and upload folders are borrowed and outlive the
 * snapshot, which has types and memory of its own; the store's limit becomes the configuration's. The error names the site, what failed, why, and what to do; then nothing has changed. Blocks on
 * the disk; not for a worker.
 */
int file_server_snapshot_new(const struct config *config, struct file_store *store, const struct site_means *means,
                             struct error *error, struct file_server_snapshot **ret_snapshot);

/* What the application's snapshot_free does. Takes NULL. */
void file_server_snapshot_free(struct file_server_snapshot *snapshot);
