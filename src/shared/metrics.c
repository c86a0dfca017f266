/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the registered families and series, and the threads' shards. Every shard has the same layout of cells, fixed
 * when the first one is made; a cell is written by one thread and read by any. */
#include "shared/metrics.h"

#include <stdlib.h>

#include "shared/metrics_private.h"

#define CACHE_LINE 64

/* A finite bucket's upper bounds begin at 2^6 us. */
#define FIRST_BOUND_BITS 6

struct shard {
        struct metrics_shard public;
        struct shard *next;
};

int metrics_new(struct metrics **ret_metrics) {
        struct metrics *metrics = calloc(1, sizeof(*metrics));
        if (!metrics)
                return -ENOMEM;
        *ret_metrics = metrics;
        return 0;
}

void metrics_free(struct metrics *metrics) {
        if (!metrics)
                return;
        for (struct shard *shard = metrics->shards, *next; shard; shard = next) {
                next = shard->next;
                free(shard->public.cells);
                free(shard);
        }
        free(metrics->families);
        free(metrics->series);
        free(metrics);
}

/* metricname and label-name of OpenMetrics 1.0; only the former may hold colons, which are not for exposers anyway. */
static size_t name_length(const char *text) {
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
        return *text >= '0' && *text <= '9' ? 0 : length;
}

static bool is_name(const char *text) {
        size_t length = name_length(text);
        return length && !text[length];
}

/* After the opening quote; returns what follows the closing one, or NULL. */
static const char *skip_label_value(const char *text) {
        for (; *text && *text != '\n'; text++) {
                if (*text == '"')
                        return text + 1;
                if (*text == '\\' && !(*++text == 'n' || *text == '"' || *text == '\\'))
                        return NULL;
        }
        return NULL;
}

static bool are_labels(const char *text) {
        for (;;) {
                size_t length = name_length(text);
                if (!length || (length == 2 && memcmp(text, "le", 2) == 0))
                        return false;
                text += length;
                if (text[0] != '=' || text[1] != '"')
                        return false;
                text = skip_label_value(text + 2);
                if (!text)
                        return false;
                if (!*text)
                        return true;
                if (*text++ != ',')
                        return false;
        }
}

static bool ends_with_part(const char *name, const char *part) {
        size_t name_size = strlen(name), part_size = strlen(part);
        return name_size > part_size + 1 && name[name_size - part_size - 1] == '_' &&
               strcmp(name + name_size - part_size, part) == 0;
}

static bool is_family(const struct metrics_family *family) {
        /* What a family's samples are named after must not also be the name of another family. */
        static const char *const reserved[] = { "total", "created", "bucket", "count", "sum" };
        for (size_t i = 0; i < ELEMENTS_OF(reserved); i++)
                if (ends_with_part(family->name, reserved[i]))
                        return false;
        if (!is_name(family->name) || !family->help)
                return false;
        if (family->type == METRIC_HISTOGRAM && !family->unit)
                return false;
        return !family->unit || (*family->unit && ends_with_part(family->name, family->unit));
}

static bool families_agree(const struct metrics_family *a, const struct metrics_family *b) {
        return a->type == b->type && strcmp(a->help, b->help) == 0 &&
               (a->unit == b->unit || (a->unit && b->unit && strcmp(a->unit, b->unit) == 0));
}

/* Makes room for one more element of `size` bytes; the array doubles. */
static int grow(void **array, size_t count, size_t *capacity, size_t size) {
        if (count < *capacity)
                return 0;
        size_t larger = *capacity ? *capacity * 2 : 16;
        void *moved = reallocarray(*array, larger, size);
        if (!moved)
                return -ENOMEM;
        *array = moved;
        *capacity = larger;
        return 0;
}

/* The newest family when it is this one, or a new one. */
static int find_family(struct metrics *metrics, const struct metrics_family *wanted,
                       struct metrics_family **ret_family) {
        for (size_t i = 0; i < metrics->family_count; i++) {
                struct metrics_family *family = &metrics->families[i];
                if (strcmp(family->name, wanted->name) != 0)
                        continue;
                if (i + 1 != metrics->family_count || !families_agree(family, wanted))
                        return -EINVAL;
                *ret_family = family;
                return 0;
        }

        int r = grow((void **) &metrics->families, metrics->family_count, &metrics->family_capacity,
                     sizeof(*metrics->families));
        if (r < 0)
                return r;
        struct metrics_family *family = &metrics->families[metrics->family_count++];
        *family = *wanted;
        family->first_series = metrics->series_count;
        *ret_family = family;
        return 0;
}

static bool has_labels(const struct metrics *metrics, const struct metrics_family *family, const char *labels) {
        for (size_t i = family->first_series; i < metrics->series_count; i++) {
                const char *other = metrics->series[i].labels;
                if (other == labels || (other && labels && strcmp(other, labels) == 0))
                        return true;
        }
        return false;
}

static int add_series(struct metrics *metrics, const struct metrics_family *wanted,
                      const struct metrics_series *series) {
        if (__atomic_load_n(&metrics->shards, __ATOMIC_RELAXED))
                return -EBUSY;
        if (!is_family(wanted) || (series->labels && !are_labels(series->labels)))
                return -EINVAL;

        /* Before the family, so that none is left without a series. */
        int r = grow((void **) &metrics->series, metrics->series_count, &metrics->series_capacity,
                     sizeof(*metrics->series));
        if (r < 0)
                return r;
        struct metrics_family *family;
        r = find_family(metrics, wanted, &family);
        if (r < 0)
                return r;
        if (has_labels(metrics, family, series->labels))
                return -EEXIST;

        struct metrics_series *added = &metrics->series[metrics->series_count++];
        *added = *series;
        added->type = wanted->type;
        added->first_cell = metrics->cell_count;
        if (!series->read)
                metrics->cell_count += wanted->type == METRIC_HISTOGRAM ? METRICS_HISTOGRAM_CELLS : 1;
        return 0;
}

int metrics_add(struct metrics *metrics, enum metric_type type, const char *family, const char *unit, const char *help,
                const char *labels, metric_id *ret_id) {
        metric_id id = metrics->cell_count;
        int r = add_series(metrics,
                           &(struct metrics_family) { .name = family, .unit = unit, .help = help, .type = type },
                           &(struct metrics_series) { .labels = labels });
        if (r < 0)
                return r;
        *ret_id = id;
        return 0;
}

int metrics_add_callback(struct metrics *metrics, enum metric_type type, const char *family, const char *unit,
                         const char *help, const char *labels, double (*read)(void *userdata), void *userdata) {
        if (type == METRIC_HISTOGRAM)
                return -EINVAL;
        return add_series(metrics,
                          &(struct metrics_family) { .name = family, .unit = unit, .help = help, .type = type },
                          &(struct metrics_series) { .labels = labels, .read = read, .userdata = userdata });
}

void metrics_append_escaped(struct text *text, struct slice bytes, bool escape_quote) {
        for (size_t i = 0; i < bytes.length; i++) {
                char byte = bytes.data[i];
                if (byte == '\\' || (byte == '"' && escape_quote) || byte == '\n')
                        text_append_char(text, '\\');
                text_append_char(text, byte == '\n' ? 'n' : byte);
        }
}

void metrics_append_label(struct text *labels, const char *name, struct slice value) {
        if (labels->length)
                text_append_char(labels, ',');
        text_append_string(labels, name);
        text_append_string(labels, "=\"");
        metrics_append_escaped(labels, value, true);
        text_append_char(labels, '"');
}

int metrics_shard_new(struct metrics *metrics, struct metrics_shard **ret_shard) {
        struct shard *shard = malloc(sizeof(*shard));
        if (!shard)
                return -ENOMEM;

        /* Whole cache lines, so that no two threads' cells share one. */
        size_t size = (metrics->cell_count * sizeof(uint64_t) / CACHE_LINE + 1) * CACHE_LINE;
        shard->public.cells = aligned_alloc(CACHE_LINE, size);
        if (!shard->public.cells) {
                free(shard);
                return -ENOMEM;
        }
        memset(shard->public.cells, 0, size);

        shard->next = __atomic_load_n(&metrics->shards, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&metrics->shards, &shard->next, shard, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
                ;
        *ret_shard = &shard->public;
        return 0;
}

/* The first bucket whose upper bound is not below `usec`. Bounds are 2^n and 1.5 * 2^n. */
static unsigned bucket_of(uint64_t usec) {
        if (usec <= 1u << FIRST_BOUND_BITS)
                return 0;
        uint64_t below = usec - 1; /* makes the bounds inclusive */
        unsigned bits = 63 - (unsigned) __builtin_clzll(below);
        unsigned upper_half = (unsigned) (below >> (bits - 1)) & 1;
        unsigned bucket = (bits - FIRST_BOUND_BITS) * 2 + 1 + upper_half;
        return MIN_OF(bucket, (unsigned) METRICS_HISTOGRAM_BUCKETS - 1);
}

uint64_t metrics_bucket_bound(unsigned bucket) {
        uint64_t power = 1ull << (FIRST_BOUND_BITS + bucket / 2);
        return bucket % 2 ? power + power / 2 : power;
}

void metrics_observe(struct metrics_shard *shard, metric_id id, uint64_t usec) {
        metrics_increment(shard, id + bucket_of(usec));
        metrics_add_to(shard, id + METRICS_HISTOGRAM_BUCKETS, usec);
}

uint64_t metrics_cell(const struct metrics *metrics, metric_id cell) {
        uint64_t sum = 0;
        for (struct shard *shard = __atomic_load_n(&metrics->shards, __ATOMIC_ACQUIRE); shard; shard = shard->next)
                sum += __atomic_load_n(&shard->public.cells[cell], __ATOMIC_RELAXED);
        return sum;
}

uint64_t metrics_read(const struct metrics *metrics, metric_id id) {
        bool is_histogram = false;
        for (size_t i = 0; i < metrics->series_count; i++)
                if (metrics->series[i].first_cell == id && !metrics->series[i].read)
                        is_histogram = metrics->series[i].type == METRIC_HISTOGRAM;

        uint64_t sum = 0;
        for (metric_id i = 0; i < (is_histogram ? METRICS_HISTOGRAM_BUCKETS : 1); i++)
                sum += metrics_cell(metrics, id + i);
        return sum;
}
