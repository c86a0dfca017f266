/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/config.h"
#include "server/upload/upload_folder.h"
#include "shared/metrics.h"

/*
 * What upload folders hold, as series of metrics: one of each for every folder that the configuration names when the
 * daemon starts, which is when a folder can be new.
 */
struct upload_metrics;

/* Borrows the folders. Frees what it made when it fails. */
int upload_metrics_new(struct upload_folders *folders, const struct config_root *root, struct metrics *metrics,
                       struct upload_metrics **ret_upload_metrics);

/* Nobody renders the metrics any more. Takes NULL. */
void upload_metrics_free(struct upload_metrics *upload_metrics);
