/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the exposition of metrics.h: OpenMetrics 1.0, or the text format 0.0.4 that it grew from. A histogram's count
 * is the sum of its buckets as they were read, so that the two agree although threads go on counting. */
#include "shared/metrics_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum format {
        FORMAT_OPENMETRICS,
        FORMAT_PLAIN,
};

/* The shortest decimal form that reads back as the same number. */
static void append_number(struct text *text, double number) {
        if (isnan(number)) {
                text_append_string(text, "NaN");
        } else if (isinf(number)) {
                text_append_string(text, number < 0 ? "-Inf" : "+Inf");
        } else {
                char digits[32];
                for (int precision = 15; precision <= 17; precision++) {
                        (void) snprintf(digits, sizeof(digits), "%.*g", precision, number);
                        if (strtod(digits, NULL) == number)
                                break;
                }
                text_append_string(text, digits);
        }
}

static void append_seconds(struct text *text, uint64_t usec) {
        text_printf(text, "%llu.%06llu", (unsigned long long) (usec / 1000000), (unsigned long long) (usec % 1000000));
}

static void append_head(struct text *text, const struct metrics_family *family, enum format format) {
        static const char *const types[] = {
                [METRIC_COUNTER] = "counter",
                [METRIC_GAUGE] = "gauge",
                [METRIC_HISTOGRAM] = "histogram",
        };
        /* 0.0.4 knows no families of samples: there, the suffix is part of a counter's name. */
        const char *suffix = format == FORMAT_PLAIN && family->type == METRIC_COUNTER ? "_total" : "";
        text_printf(text, "# TYPE %s%s %s\n", family->name, suffix, types[family->type]);
        if (family->unit && format == FORMAT_OPENMETRICS)
                text_printf(text, "# UNIT %s %s\n", family->name, family->unit);
        text_printf(text, "# HELP %s%s ", family->name, suffix);
        metrics_append_escaped(text, slice_of(family->help), format == FORMAT_OPENMETRICS);
        text_append_char(text, '\n');
}

/* The name, the labels and the space in front of the value. */
static void append_sample(struct text *text, const char *name, const char *suffix, const char *labels) {
        text_append_string(text, name);
        text_append_string(text, suffix);
        if (labels) {
                text_append_char(text, '{');
                text_append_string(text, labels);
                text_append_char(text, '}');
        }
        text_append_char(text, ' ');
}

static void append_bucket(struct text *text, const char *name, const char *labels, const char *bound, uint64_t count) {
        text_append_string(text, name);
        text_append_string(text, "_bucket{");
        if (labels) {
                text_append_string(text, labels);
                text_append_char(text, ',');
        }
        text_append_string(text, "le=\"");
        text_append_string(text, bound);
        text_append_string(text, "\"} ");
        text_append_unsigned(text, count);
        text_append_char(text, '\n');
}

static void append_histogram(const struct metrics *metrics, struct text *text, const char *name,
                             const struct metrics_series *series) {
        uint64_t count = 0;
        for (unsigned i = 0; i < METRICS_HISTOGRAM_BUCKETS - 1; i++) {
                char bound[32];
                (void) snprintf(bound, sizeof(bound), "%.10g", (double) metrics_bucket_bound(i) / 1e6);
                count += metrics_cell(metrics, series->first_cell + i);
                append_bucket(text, name, series->labels, bound, count);
        }
        count += metrics_cell(metrics, series->first_cell + METRICS_HISTOGRAM_BUCKETS - 1);
        append_bucket(text, name, series->labels, "+Inf", count);

        append_sample(text, name, "_count", series->labels);
        text_append_unsigned(text, count);
        text_append_char(text, '\n');
        append_sample(text, name, "_sum", series->labels);
        append_seconds(text, metrics_cell(metrics, series->first_cell + METRICS_HISTOGRAM_BUCKETS));
        text_append_char(text, '\n');
}

static void append_series(const struct metrics *metrics, struct text *text, const char *name,
                          const struct metrics_series *series) {
        if (series->type == METRIC_HISTOGRAM) {
                append_histogram(metrics, text, name, series);
                return;
        }
        append_sample(text, name, series->type == METRIC_COUNTER ? "_total" : "", series->labels);
        if (series->read)
                append_number(text, series->read(series->userdata));
        else if (series->type == METRIC_GAUGE)
                text_printf(text, "%lld", (long long) metrics_cell(metrics, series->first_cell));
        else
                text_append_unsigned(text, metrics_cell(metrics, series->first_cell));
        text_append_char(text, '\n');
}

static void render(const struct metrics *metrics, struct text *text, enum format format) {
        for (size_t i = 0; i < metrics->family_count; i++) {
                const struct metrics_family *family = &metrics->families[i];
                size_t end = i + 1 < metrics->family_count ? family[1].first_series : metrics->series_count;
                append_head(text, family, format);
                for (size_t j = family->first_series; j < end; j++)
                        append_series(metrics, text, family->name, &metrics->series[j]);
        }
}

void metrics_render(struct metrics *metrics, struct text *text) {
        render(metrics, text, FORMAT_OPENMETRICS);
        text_append_string(text, "# EOF\n");
}

void metrics_render_plain(struct metrics *metrics, struct text *text) {
        render(metrics, text, FORMAT_PLAIN);
}
