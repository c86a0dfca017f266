/* SPDX-License-Identifier: Apache-2.0 */
/* What logging costs the thread that logs: nanoseconds for a record of 200 bytes to a sink and for a formatted event,
 * beside a bare copy of the same bytes. The records go nowhere; bursts stay below the ring's size, as those of a worker
 * should, so that none is dropped. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/log.h"
#include "shared/log_private.h"

enum { BURST = 2000, BURSTS = 200, RECORD = 200 };

static void discard(struct log_sink *sink, const void *record, size_t length) {
        (void) sink;
        (void) record;
        (void) length;
}

static double now_ns(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

struct subject {
        struct log_producer *producer;
        struct log_sink *sink;
        char record[RECORD];
        char copy[1 << 20];
};

static void copy_bytes(struct subject *subject, unsigned i) {
        memcpy(subject->copy + (i * 256) % (sizeof(subject->copy) - RECORD), subject->record, RECORD);
}

static void put_record(struct subject *subject, unsigned i) {
        (void) i;
        const struct slice parts[] = {
                { subject->record, 80 },
                { subject->record + 80, 80 },
                { subject->record + 160, RECORD - 160 },
        };
        log_record(subject->producer, subject->sink, 0, parts, ELEMENTS_OF(parts));
}

static void put_event(struct subject *subject, unsigned i) {
        const struct log_field field = { "CCODES_SITE", SLICE_LITERAL("blog") };
        log_event(subject->producer, LOG_LEVEL_INFO, NULL, &field, 1, "request %u of site %s", i, "blog");
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return (x > y) - (x < y);
}

static void measure(const char *name, struct subject *subject, void (*put)(struct subject *, unsigned)) {
        double bursts[BURSTS];
        for (unsigned i = 0; i < BURSTS; i++) {
                double start = now_ns();
                for (unsigned j = 0; j < BURST; j++)
                        put(subject, j);
                bursts[i] = (now_ns() - start) / BURST;
                /* The logging thread catches up. */
                nanosleep(&(struct timespec) { .tv_nsec = 10000000 }, NULL);
        }
        qsort(bursts, BURSTS, sizeof(double), compare);
        printf("%-28s %7.1f ns (median of %d bursts), %7.1f ns (90 %%)\n", name, bursts[BURSTS / 2], BURSTS,
               bursts[BURSTS * 9 / 10]);
}

int main(void) {
        struct logger *logger;
        struct log_sink sink = { .write = discard };
        struct subject *subject = calloc(1, sizeof(*subject));
        const struct logger_options options = {
                .program = "micro_log",
                .target = LOG_TARGET_CONSOLE,
                .level = LOG_LEVEL_INFO,
                .console_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
                .patience_ms = 1000,
        };
        if (!subject || logger_new_with(&options, NULL, &logger) < 0)
                return 1;
        if (log_producer_new(logger, 2 << 20, &subject->producer) < 0)
                return 1;
        subject->sink = &sink;
        memset(subject->record, 'x', RECORD);

        measure("copy of 200 bytes", subject, copy_bytes);
        measure("log_record of 200 bytes", subject, put_record);
        measure("log_event with one field", subject, put_event);
        printf("dropped: %llu\n", (unsigned long long) logger_dropped(logger));
        logger_free(logger);
        free(subject);
        return 0;
}
