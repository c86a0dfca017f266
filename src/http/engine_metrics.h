/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/cause.h"
#include "shared/metrics.h"

/* The engine's series, registered once for a program; each worker counts them in its own shard. */
struct http_engine_metrics {
        metric_id requests[6]; /* by class of status: 1xx to 5xx; [0]: none was sent */
        metric_id causes[CAUSE_COUNT];
        metric_id duration;                   /* histogram */
        metric_id received_bytes, sent_bytes; /* of bodies */
        metric_id disk_reads;                 /* pieces of files */
        metric_id connections_accepted, connections_open, connections_refused;
        metric_id handshakes_full, handshakes_resumed, handshakes_failed;
        metric_id refusals_unlogged;
};

int http_engine_metrics_register(struct metrics *metrics, struct http_engine_metrics *ret_ids);
