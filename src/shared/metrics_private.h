/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/metrics.h"

/* What metrics.c (counting) and metrics_render.c (the exposition) share; for no other file. */

/* The buckets, then the sum in us. */
#define METRICS_HISTOGRAM_CELLS (METRICS_HISTOGRAM_BUCKETS + 1)

struct metrics_family {
        const char *name, *unit, *help;
        enum metric_type type;
        size_t first_series; /* its series end where the next family's begin */
};

struct metrics_series {
        const char *labels;
        enum metric_type type;
        metric_id first_cell;
        double (*read)(void *userdata); /* NULL for one that has cells */
        void *userdata;
};

struct metrics {
        struct metrics_family *families;
        size_t family_count, family_capacity;
        struct metrics_series *series;
        size_t series_count, series_capacity;
        metric_id cell_count;
        struct shard *shards; /* newest first; pushed by any thread, taken off by none */
};

/* One cell's sum over all shards. */
uint64_t metrics_cell(const struct metrics *metrics, metric_id cell);

/* The upper bound in us of a bucket that is not the last. */
uint64_t metrics_bucket_bound(unsigned bucket);

/* With backslash, newline and, where it is wanted, the double quote escaped. */
void metrics_append_escaped(struct text *text, struct slice bytes, bool escape_quote);
