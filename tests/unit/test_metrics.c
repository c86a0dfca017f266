/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: registration, counting from several threads, buckets, and the exposition held against OpenMetrics 1.0. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/metrics.h"
#include "shared/metrics_private.h"

static void free_metrics(struct metrics **metrics) {
        metrics_free(*metrics);
}
#define _cleanup_metrics_ _cleanup_(free_metrics)

static struct metrics *new_metrics(void) {
        struct metrics *metrics = NULL;
        assert_int_equal(metrics_new(&metrics), 0);
        return metrics;
}

static metric_id add(struct metrics *metrics, enum metric_type type, const char *family, const char *unit,
                     const char *labels) {
        metric_id id = UINT32_MAX;
        assert_int_equal(metrics_add(metrics, type, family, unit, "Help.", labels, &id), 0);
        return id;
}

static struct metrics_shard *new_shard(struct metrics *metrics) {
        struct metrics_shard *shard = NULL;
        assert_int_equal(metrics_shard_new(metrics, &shard), 0);
        return shard;
}

/*
 * A strict reader of OpenMetrics 1.0 as far as these types go. Each function takes the text at *at, moves on behind
 * what it read, and fails the test where the text is not what the ABNF demands.
 */
struct reader {
        const char *at;
        char family[128], type[16], unit[32];
        bool has_help;
        char last_labels[256]; /* of the histogram that is being read */
        double last_bound, last_count;
        char seen_families[32][128];
        size_t seen_count;
};

static bool accept(struct reader *reader, const char *literal) {
        size_t length = strlen(literal);
        if (strncmp(reader->at, literal, length) != 0)
                return false;
        reader->at += length;
        return true;
}

static void expect(struct reader *reader, const char *literal) {
        assert_true(accept(reader, literal));
}

static void read_name(struct reader *reader, char *name, size_t size) {
        size_t length = 0;
        assert_true(isalpha(*reader->at) || *reader->at == '_');
        while (isalnum(*reader->at) || *reader->at == '_') {
                assert_true(length + 1 < size);
                name[length++] = *reader->at++;
        }
        name[length] = '\0';
}

/* escaped-string: no raw double quote, no raw newline, only the three escapes. */
static void skip_escaped(struct reader *reader, char end) {
        for (; *reader->at != end; reader->at++) {
                assert_true(*reader->at != '\0' && *reader->at != '\n' && *reader->at != '"');
                if (*reader->at == '\\') {
                        reader->at++;
                        assert_true(*reader->at == 'n' || *reader->at == '"' || *reader->at == '\\');
                }
        }
        reader->at++;
}

static double read_number(struct reader *reader) {
        char *end;
        assert_true(isdigit(*reader->at) || strchr("+-N", *reader->at));
        assert_true(strncmp(reader->at, "0x", 2) != 0);
        double number = strtod(reader->at, &end);
        assert_ptr_not_equal(end, reader->at);
        reader->at = end;
        return number;
}

static void read_descriptor(struct reader *reader) {
        char keyword[8], name[128];
        read_name(reader, keyword, sizeof(keyword));
        expect(reader, " ");
        read_name(reader, name, sizeof(name));
        expect(reader, " ");
        if (strcmp(name, reader->family) != 0) {
                for (size_t i = 0; i < reader->seen_count; i++)
                        assert_string_not_equal(reader->seen_families[i], name);
                assert_true(reader->seen_count < ELEMENTS_OF(reader->seen_families));
                strcpy(reader->seen_families[reader->seen_count++], name);
                strcpy(reader->family, name);
                reader->type[0] = reader->unit[0] = reader->last_labels[0] = '\0';
                reader->has_help = false;
        }
        if (strcmp(keyword, "TYPE") == 0) {
                assert_int_equal(reader->type[0], '\0');
                read_name(reader, reader->type, sizeof(reader->type));
                expect(reader, "\n");
        } else if (strcmp(keyword, "UNIT") == 0) {
                assert_int_equal(reader->unit[0], '\0');
                read_name(reader, reader->unit, sizeof(reader->unit));
                expect(reader, "\n");
                size_t offset = strlen(name) - strlen(reader->unit);
                assert_string_equal(name + offset, reader->unit);
                assert_int_equal(name[offset - 1], '_');
        } else {
                assert_string_equal(keyword, "HELP");
                assert_false(reader->has_help);
                reader->has_help = true;
                skip_escaped(reader, '\n');
        }
}

/* Copies the labels other than `le`, whose value it returns (NAN when there is none). */
static double read_labels(struct reader *reader, char *labels, size_t size) {
        double bound = NAN;
        size_t length = 0;
        do {
                char name[64];
                const char *start = reader->at;
                read_name(reader, name, sizeof(name));
                expect(reader, "=\"");
                if (strcmp(name, "le") == 0)
                        bound = strtod(reader->at, NULL);
                skip_escaped(reader, '"');
                if (strcmp(name, "le") != 0) {
                        size_t part = (size_t) (reader->at - start);
                        assert_true(length + part + 2 < size);
                        memcpy(labels + length, start, part);
                        length += part;
                        labels[length++] = ';';
                }
        } while (accept(reader, ","));
        expect(reader, "}");
        labels[length] = '\0';
        return bound;
}

static void check_histogram_sample(struct reader *reader, const char *suffix, const char *labels, double bound,
                                   double value) {
        if (strcmp(suffix, "_bucket") == 0) {
                assert_false(isnan(bound));
                if (reader->last_bound == INFINITY || strcmp(labels, reader->last_labels) != 0)
                        reader->last_bound = reader->last_count = -1;
                assert_true(bound > reader->last_bound && value >= reader->last_count);
                strcpy(reader->last_labels, labels);
                reader->last_bound = bound;
                reader->last_count = value;
                return;
        }
        assert_true(isnan(bound));
        assert_string_equal(labels, reader->last_labels);
        assert_true(reader->last_bound == INFINITY);
        if (strcmp(suffix, "_count") == 0)
                assert_true(value == reader->last_count);
        else
                assert_string_equal(suffix, "_sum");
}

static void read_sample(struct reader *reader) {
        char name[128], labels[256] = "";
        double bound = NAN;
        read_name(reader, name, sizeof(name));
        if (accept(reader, "{"))
                bound = read_labels(reader, labels, sizeof(labels));
        expect(reader, " ");
        double value = read_number(reader);
        expect(reader, "\n");

        size_t length = strlen(reader->family);
        assert_true(length > 0 && reader->type[0]);
        assert_memory_equal(name, reader->family, length);
        const char *suffix = name + length;
        if (strcmp(reader->type, "counter") == 0) {
                assert_string_equal(suffix, "_total");
                assert_true(value >= 0);
        } else if (strcmp(reader->type, "gauge") == 0) {
                assert_string_equal(suffix, "");
        } else {
                assert_string_equal(reader->type, "histogram");
                check_histogram_sample(reader, suffix, labels, bound, value);
        }
}

static void check_openmetrics(const char *exposition) {
        struct reader reader = { .at = exposition };
        for (;;) {
                if (!accept(&reader, "# ")) {
                        read_sample(&reader);
                } else if (accept(&reader, "EOF\n")) {
                        break;
                } else {
                        read_descriptor(&reader);
                }
        }
        assert_string_equal(reader.at, "");
}

static double read_temperature(void *userdata) {
        return *(double *) userdata;
}

static void an_empty_exposition_has_its_end(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        _cleanup_text_ struct text text = TEXT_INIT;
        metrics_render(metrics, &text);
        assert_string_equal(text.data, "# EOF\n");
}

static void the_exposition_is_exact(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        double temperature = 0.1;
        metric_id ok, missing, open, bytes;
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_requests", NULL, "Requests that were \"answered\".\n",
                                     "code=\"200\"", &ok),
                         0);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_requests", NULL, "Requests that were \"answered\".\n",
                                     "code=\"404\"", &missing),
                         0);
        assert_int_equal(metrics_add(metrics, METRIC_GAUGE, "x_open", NULL, "Open \\ now.", NULL, &open), 0);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_sent_bytes", "bytes", "Sent.", NULL, &bytes), 0);
        assert_int_equal(metrics_add_callback(metrics, METRIC_GAUGE, "x_temperature_celsius", "celsius", "Heat.",
                                              "where=\"in\"", read_temperature, &temperature),
                         0);
        struct metrics_shard *first = new_shard(metrics), *second = new_shard(metrics);
        metrics_increment(first, ok);
        metrics_increment(second, ok);
        metrics_add_to(second, bytes, UINT64_C(1) << 60);
        metrics_increment(first, open);
        metrics_decrement(second, open);
        metrics_decrement(second, open);

        _cleanup_text_ struct text text = TEXT_INIT;
        metrics_render(metrics, &text);
        assert_string_equal(text.data, "# TYPE x_requests counter\n"
                                       "# HELP x_requests Requests that were \\\"answered\\\".\\n\n"
                                       "x_requests_total{code=\"200\"} 2\n"
                                       "x_requests_total{code=\"404\"} 0\n"
                                       "# TYPE x_open gauge\n"
                                       "# HELP x_open Open \\\\ now.\n"
                                       "x_open -1\n"
                                       "# TYPE x_sent_bytes counter\n"
                                       "# UNIT x_sent_bytes bytes\n"
                                       "# HELP x_sent_bytes Sent.\n"
                                       "x_sent_bytes_total 1152921504606846976\n"
                                       "# TYPE x_temperature_celsius gauge\n"
                                       "# UNIT x_temperature_celsius celsius\n"
                                       "# HELP x_temperature_celsius Heat.\n"
                                       "x_temperature_celsius{where=\"in\"} 0.1\n"
                                       "# EOF\n");
        check_openmetrics(text.data);

        _cleanup_text_ struct text plain = TEXT_INIT;
        metrics_render_plain(metrics, &plain);
        assert_string_equal(plain.data, "# TYPE x_requests_total counter\n"
                                        "# HELP x_requests_total Requests that were \"answered\".\\n\n"
                                        "x_requests_total{code=\"200\"} 2\n"
                                        "x_requests_total{code=\"404\"} 0\n"
                                        "# TYPE x_open gauge\n"
                                        "# HELP x_open Open \\\\ now.\n"
                                        "x_open -1\n"
                                        "# TYPE x_sent_bytes_total counter\n"
                                        "# HELP x_sent_bytes_total Sent.\n"
                                        "x_sent_bytes_total 1152921504606846976\n"
                                        "# TYPE x_temperature_celsius gauge\n"
                                        "# HELP x_temperature_celsius Heat.\n"
                                        "x_temperature_celsius{where=\"in\"} 0.1\n");
}

static void numbers_are_short_and_exact(void **state) {
        (void) state;
        static const struct {
                double number;
                const char *text;
        } cases[] = {
                { 0, "0" },
                { -2.5, "-2.5" },
                { 1700000000, "1700000000" },
                { 1e300, "1e+300" },
                { 1.0 / 3, "0.3333333333333333" },
                { 0.1 + 0.2, "0.30000000000000004" },
                { INFINITY, "+Inf" },
                { -INFINITY, "-Inf" },
                { NAN, "NaN" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_metrics_ struct metrics *metrics = new_metrics();
                _cleanup_text_ struct text text = TEXT_INIT;
                double number = cases[i].number;
                assert_int_equal(metrics_add_callback(metrics, METRIC_GAUGE, "x", NULL, "Help.", NULL, read_temperature,
                                                      &number),
                                 0);
                metrics_render(metrics, &text);
                check_openmetrics(text.data);
                char expected[128];
                (void) snprintf(expected, sizeof(expected), "\nx %s\n", cases[i].text);
                assert_non_null(strstr(text.data, expected));
        }
}

static void histograms_are_cumulative(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        metric_id plain = add(metrics, METRIC_HISTOGRAM, "x_wait_seconds", "seconds", NULL);
        metric_id labelled = add(metrics, METRIC_HISTOGRAM, "x_wait_seconds", "seconds", "kind=\"a\"");
        metric_id after = add(metrics, METRIC_COUNTER, "x_after", NULL, NULL);
        struct metrics_shard *shard = new_shard(metrics);
        metrics_observe(shard, plain, 0);
        metrics_observe(shard, plain, 1000000);
        metrics_observe(shard, plain, 3600000000);
        metrics_observe(shard, labelled, 64);
        metrics_increment(shard, after);
        assert_int_equal(metrics_read(metrics, plain), 3);
        assert_int_equal(metrics_read(metrics, labelled), 1);
        assert_int_equal(metrics_read(metrics, after), 1);

        _cleanup_text_ struct text text = TEXT_INIT;
        metrics_render(metrics, &text);
        check_openmetrics(text.data);
        static const char *const expected[] = {
                "# TYPE x_wait_seconds histogram\n# UNIT x_wait_seconds seconds\n",
                "\nx_wait_seconds_bucket{le=\"6.4e-05\"} 1\nx_wait_seconds_bucket{le=\"9.6e-05\"} 1\n",
                "\nx_wait_seconds_bucket{le=\"0.786432\"} 1\nx_wait_seconds_bucket{le=\"1.048576\"} 2\n",
                "\nx_wait_seconds_bucket{le=\"67.108864\"} 2\nx_wait_seconds_bucket{le=\"+Inf\"} 3\n",
                "\nx_wait_seconds_count 3\nx_wait_seconds_sum 3601.000000\n",
                "\nx_wait_seconds_bucket{kind=\"a\",le=\"6.4e-05\"} 1\n",
                "\nx_wait_seconds_count{kind=\"a\"} 1\nx_wait_seconds_sum{kind=\"a\"} 0.000064\n",
        };
        for (size_t i = 0; i < ELEMENTS_OF(expected); i++)
                assert_non_null(strstr(text.data, expected[i]));
}

static void bucket_bounds_are_inclusive(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        metric_id id = add(metrics, METRIC_HISTOGRAM, "x_wait_seconds", "seconds", NULL);
        struct metrics_shard *shard = new_shard(metrics);
        for (unsigned i = 0; i < METRICS_HISTOGRAM_BUCKETS - 1; i++) {
                uint64_t bound = metrics_bucket_bound(i);
                metrics_observe(shard, id, bound);
                assert_int_equal(metrics_cell(metrics, id + i), i == 0 ? 1 : 2);
                metrics_observe(shard, id, bound + 1);
                assert_int_equal(metrics_cell(metrics, id + i + 1), 1);
        }
        metrics_observe(shard, id, UINT64_MAX);
        assert_int_equal(metrics_cell(metrics, id + METRICS_HISTOGRAM_BUCKETS - 1), 2);
}

static void what_openmetrics_forbids_is_refused(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        metric_id id = 0;
        static const struct {
                enum metric_type type;
                const char *family, *unit, *labels;
        } cases[] = {
                { METRIC_COUNTER, "", NULL, NULL },
                { METRIC_COUNTER, "9x", NULL, NULL },
                { METRIC_COUNTER, "x-y", NULL, NULL },
                { METRIC_COUNTER, "x_total", NULL, NULL },
                { METRIC_GAUGE, "x_bucket", NULL, NULL },
                { METRIC_GAUGE, "x", "seconds", NULL },
                { METRIC_GAUGE, "seconds", "seconds", NULL },
                { METRIC_GAUGE, "xseconds", "seconds", NULL },
                { METRIC_GAUGE, "x_", "", NULL },
                { METRIC_HISTOGRAM, "x_wait", NULL, NULL },
                { METRIC_HISTOGRAM, "x_wait_seconds", NULL, NULL },
                { METRIC_GAUGE, "x", NULL, "" },
                { METRIC_GAUGE, "x", NULL, "a" },
                { METRIC_GAUGE, "x", NULL, "a=" },
                { METRIC_GAUGE, "x", NULL, "a=b" },
                { METRIC_GAUGE, "x", NULL, "a=\"b" },
                { METRIC_GAUGE, "x", NULL, "a=\"b\"," },
                { METRIC_GAUGE, "x", NULL, "a=\"b\",," },
                { METRIC_GAUGE, "x", NULL, "a=\"b\"} 1\nforged 2" },
                { METRIC_GAUGE, "x", NULL, "a=\"\n\"" },
                { METRIC_GAUGE, "x", NULL, "a=\"\\x\"" },
                { METRIC_GAUGE, "x", NULL, "a=\"\\" },
                { METRIC_GAUGE, "x", NULL, "1a=\"b\"" },
                { METRIC_HISTOGRAM, "x_seconds", "seconds", "le=\"1\"" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_int_equal(metrics_add(metrics, cases[i].type, cases[i].family, cases[i].unit, "Help.",
                                             cases[i].labels, &id),
                                 -EINVAL);
        assert_int_equal(metrics_add_callback(metrics, METRIC_HISTOGRAM, "x_seconds", "seconds", "Help.", NULL,
                                              read_temperature, NULL),
                         -EINVAL);

        _cleanup_text_ struct text text = TEXT_INIT;
        metrics_render(metrics, &text);
        assert_string_equal(text.data, "# EOF\n");
}

static void families_agree_and_stand_together(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        metric_id id = 0;
        add(metrics, METRIC_COUNTER, "x_a", NULL, "k=\"1\"");
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_a", NULL, "Help.", "k=\"1\"", &id), -EEXIST);
        assert_int_equal(metrics_add(metrics, METRIC_GAUGE, "x_a", NULL, "Help.", "k=\"2\"", &id), -EINVAL);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_a", NULL, "Other.", "k=\"2\"", &id), -EINVAL);
        add(metrics, METRIC_COUNTER, "x_a", NULL, "k=\"2\"");
        add(metrics, METRIC_COUNTER, "x_b", NULL, NULL);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_b", NULL, "Help.", NULL, &id), -EEXIST);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_a", NULL, "Help.", "k=\"3\"", &id), -EINVAL);

        new_shard(metrics);
        assert_int_equal(metrics_add(metrics, METRIC_COUNTER, "x_c", NULL, "Help.", NULL, &id), -EBUSY);
}

static void label_values_are_escaped(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        _cleanup_text_ struct text labels = TEXT_INIT;
        metrics_append_label(&labels, "site", SLICE_LITERAL("a\"} 1\nforged{b=\"\\"));
        metrics_append_label(&labels, "kind", SLICE_NULL);
        assert_string_equal(labels.data, "site=\"a\\\"} 1\\nforged{b=\\\"\\\\\",kind=\"\"");
        add(metrics, METRIC_GAUGE, "x", NULL, labels.data);
        _cleanup_text_ struct text text = TEXT_INIT;
        metrics_render(metrics, &text);
        check_openmetrics(text.data);
}

enum { THREADS = 4, ROUNDS = 20000 };

struct counting {
        struct metrics *metrics;
        metric_id counter, gauge, histogram;
};

static void *count(void *userdata) {
        const struct counting *counting = userdata;
        struct metrics_shard *shard;
        if (metrics_shard_new(counting->metrics, &shard) < 0)
                return NULL;
        for (unsigned i = 0; i < ROUNDS; i++) {
                metrics_increment(shard, counting->counter);
                metrics_increment(shard, counting->gauge);
                metrics_observe(shard, counting->histogram, i);
                metrics_decrement(shard, counting->gauge);
        }
        return userdata;
}

static void threads_count_while_another_reads(void **state) {
        (void) state;
        _cleanup_metrics_ struct metrics *metrics = new_metrics();
        struct counting counting = { .metrics = metrics };
        counting.counter = add(metrics, METRIC_COUNTER, "x_counter", NULL, NULL);
        counting.gauge = add(metrics, METRIC_GAUGE, "x_gauge", NULL, NULL);
        counting.histogram = add(metrics, METRIC_HISTOGRAM, "x_seconds", "seconds", NULL);

        pthread_t threads[THREADS];
        for (size_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, count, &counting), 0);
        uint64_t seen = 0;
        for (size_t i = 0; i < 20; i++) {
                _cleanup_text_ struct text text = TEXT_INIT;
                metrics_render(metrics, &text);
                check_openmetrics(text.data);
                assert_true(metrics_read(metrics, counting.counter) >= seen);
                seen = metrics_read(metrics, counting.counter);
        }
        for (size_t i = 0; i < THREADS; i++) {
                void *result = NULL;
                assert_int_equal(pthread_join(threads[i], &result), 0);
                assert_non_null(result);
        }
        assert_int_equal(metrics_read(metrics, counting.counter), THREADS * ROUNDS);
        assert_int_equal(metrics_read(metrics, counting.gauge), 0);
        assert_int_equal(metrics_read(metrics, counting.histogram), THREADS * ROUNDS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_exposition_has_its_end),
                cmocka_unit_test(the_exposition_is_exact),
                cmocka_unit_test(numbers_are_short_and_exact),
                cmocka_unit_test(histograms_are_cumulative),
                cmocka_unit_test(bucket_bounds_are_inclusive),
                cmocka_unit_test(what_openmetrics_forbids_is_refused),
                cmocka_unit_test(families_agree_and_stand_together),
                cmocka_unit_test(label_values_are_escaped),
                cmocka_unit_test(threads_count_while_another_reads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
