/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/text.h"

/*
 * Counters, gauges and histograms without locks on the hot path, rendered as OpenMetrics 1.0 text, or as the older
 * text format 0.0.4 for those who do not ask for OpenMetrics.
 *
 * Families and their series are registered before the first shard is made; a series is then a number. Each thread
 * counts in its own shard with plain relaxed stores; the renderer adds the shards up.
 */
struct metrics;

/* One thread's share of every series. */
struct metrics_shard {
        uint64_t *cells;
};

enum metric_type {
        METRIC_COUNTER,
        METRIC_GAUGE,     /* the sum over shards of what each set or added */
        METRIC_HISTOGRAM, /* of microseconds, rendered in seconds */
};

typedef uint32_t metric_id; /* index of the series' first cell */

int metrics_new(struct metrics **ret_metrics);

/* Frees the shards too: no thread may count any more. */
void metrics_free(struct metrics *metrics);

/*
 * Registers a series. Calls for the same family must follow each other and agree on type, unit and help.
 * `labels` is the ready text between the braces (`code="404",method="GET"`; see metrics_append_label), or NULL. `unit`
 * is NULL or the last part of the name ("seconds", "bytes"; a histogram's is always "seconds"). Strings must outlive
 * the metrics. Counters are named without "_total".
 * -EINVAL for a name, a unit or labels that OpenMetrics does not allow, and for a family that does not agree; -EEXIST
 * for labels that the family already has; -EBUSY when there is a shard.
 */
int metrics_add(struct metrics *metrics, enum metric_type type, const char *family, const char *unit, const char *help,
                const char *labels, metric_id *ret_id);

/* A series whose value is asked for at each rendering, on the renderer's thread. Not for histograms (-EINVAL). */
int metrics_add_callback(struct metrics *metrics, enum metric_type type, const char *family, const char *unit,
                         const char *help, const char *labels, double (*read)(void *userdata), void *userdata);

/* Appends `name="value"` to a text of labels, with the comma where one is needed. */
void metrics_append_label(struct text *labels, const char *name, struct slice value);

/* From here on nothing is registered any more. Any thread. The shard is freed with the metrics. */
int metrics_shard_new(struct metrics *metrics, struct metrics_shard **ret_shard);

static inline void metrics_add_to(struct metrics_shard *shard, metric_id id, uint64_t amount) {
        uint64_t *cell = &shard->cells[id];
        __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
}

static inline void metrics_increment(struct metrics_shard *shard, metric_id id) {
        metrics_add_to(shard, id, 1);
}

/* For gauges; wraps as two's complement. */
static inline void metrics_decrement(struct metrics_shard *shard, metric_id id) {
        metrics_add_to(shard, id, UINT64_MAX);
}

/* 2 buckets a power of two from 64 us (2^6) to 67 s (2^26 us), then +Inf. */
#define METRICS_HISTOGRAM_BUCKETS 42
void metrics_observe(struct metrics_shard *shard, metric_id id, uint64_t usec);

/* The sum of a series over all shards (a histogram's count). Any thread. */
uint64_t metrics_read(const struct metrics *metrics, metric_id id);

/* The whole exposition, "# EOF" included. Content type METRICS_CONTENT_TYPE. */
void metrics_render(struct metrics *metrics, struct text *text);
#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* The same figures for clients whose Accept does not name application/openmetrics-text. */
void metrics_render_plain(struct metrics *metrics, struct text *text);
#define METRICS_PLAIN_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
