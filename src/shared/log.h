/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stdint.h>

#include "shared/error.h"
#include "shared/slice.h"

/*
 * Structured logging that no worker waits for.
 *
 * Each thread that logs has a producer: a bounded ring of bytes, written by that thread alone. One thread, the
 * logger's, empties all rings and writes: to journald with fields and MESSAGE_IDs when the program was started by
 * systemd (JOURNAL_STREAM names our standard error), as coloured text lines on a terminal, as plain lines elsewhere.
 * A full ring drops the record and counts it; the count is logged when there is room again. Records of one producer
 * stay in order; those of several are interleaved by their times, as far as they are there together.
 */
enum log_level {
        LOG_LEVEL_CRITICAL = 2,
        LOG_LEVEL_ERROR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_NOTICE = 5,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7,
};

enum log_target {
        LOG_TARGET_AUTO,
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE,
};

/* A journal field: an upper-case name and bytes. */
struct log_field {
        const char *name;
        struct slice value;
};

struct logger;       /* owns the thread */
struct log_producer; /* one for each thread that logs */

/* Starts the logging thread: call it after sandbox_enter, which wants to be first. `program` is the SYSLOG_IDENTIFIER
 * and must outlive the logger. */
int logger_new(const char *program, enum log_target target, enum log_level level, struct error *error,
               struct logger **ret_logger);

/* Writes what the rings hold, joins the thread, frees the producers. No thread may log any more. Gives up on a journal
 * or a terminal that takes nothing for a second. */
void logger_free(struct logger *logger);

/* For a program that ends before it has a logger (a configuration that cannot be used): writes one entry and returns
 * when it is written. `message_id` as for log_event. */
void logger_write_alone(const char *program, enum log_target target, enum log_level level, const char *message_id,
                        const char *text);

/* Any thread; takes effect at once. */
void logger_set_level(struct logger *logger, enum log_level level);

/* Any thread. `ring_bytes` is rounded up to a power of two; a record may have a bit less than half of it. Freed with
 * the logger. */
int log_producer_new(struct logger *logger, size_t ring_bytes, struct log_producer **ret_producer);

bool log_enabled(const struct log_producer *producer, enum log_level level);

#define LOG_FIELDS_MAX 32

/* `message_id` is one of message_id.h, or NULL. At most LOG_FIELDS_MAX fields. The text ends without a newline. Never
 * blocks. Without a producer (NULL) nothing is logged. */
void log_event(struct log_producer *producer, enum log_level level, const char *message_id,
               const struct log_field *fields, size_t field_count, const char *format, ...)
                __attribute__((format(printf, 6, 7)));

#define log_error(producer, ...) log_event(producer, LOG_LEVEL_ERROR, NULL, NULL, 0, __VA_ARGS__)
#define log_warning(producer, ...) log_event(producer, LOG_LEVEL_WARNING, NULL, NULL, 0, __VA_ARGS__)
#define log_notice(producer, ...) log_event(producer, LOG_LEVEL_NOTICE, NULL, NULL, 0, __VA_ARGS__)
#define log_info(producer, ...) log_event(producer, LOG_LEVEL_INFO, NULL, NULL, 0, __VA_ARGS__)
#define log_debug(producer, ...)                                                          \
        do {                                                                              \
                if (log_enabled(producer, LOG_LEVEL_DEBUG))                               \
                        log_event(producer, LOG_LEVEL_DEBUG, NULL, NULL, 0, __VA_ARGS__); \
        } while (0)

/*
 * A sink takes records of another form (the access log) over the same rings. Its functions run on the logging
 * thread. `write` gets the bytes that log_record was given, aligned to 8; `flush` comes when the rings are empty;
 * `reopen` after logger_reopen (log rotation). The last two may be NULL. The rest is the logger's; zero at first.
 */
struct log_sink {
        void (*write)(struct log_sink *sink, const void *record, size_t length);
        void (*flush)(struct log_sink *sink);
        void (*reopen)(struct log_sink *sink);

        void (*freed)(struct log_sink *sink);
        struct log_sink *next_retired, *next_known;
        bool is_known, is_dirty;
};

/* Hands `parts` together as one record to the sink, which must live until no record for it can be in a ring (see
 * log_sink_retire). `time` (CLOCK_REALTIME, us) is its place among the records of other threads. Returns false when it was
 * dropped. Never blocks. */
bool log_record(struct log_producer *producer, struct log_sink *sink, int64_t time, const struct slice *parts,
                size_t part_count);

/* Calls `freed(sink)` on the logging thread once all records that were put in before now, by any producer, are written
 * and flushed. Once for a sink; nothing may be put in for it any more. Never blocks, never fails. */
void log_sink_retire(struct log_producer *producer, struct log_sink *sink, void (*freed)(struct log_sink *sink));

/* Makes the logging thread call `reopen` of each sink that it has written to. Any thread. */
void logger_reopen(struct logger *logger);

/* Writes one entry of this time (CLOCK_REALTIME, us) to where events go (the journal or the console); for sinks, on the
 * logging thread only. */
void logger_send(struct logger *logger, enum log_level level, int64_t time, struct slice message,
                 const struct log_field *fields, size_t field_count);

/* The time for that: now. */
int64_t log_realtime(void);
bool logger_is_journal(const struct logger *logger);

/* Records that were dropped for want of room, all producers together, and entries that the journal did not take. Any
 * thread. */
uint64_t logger_dropped(const struct logger *logger);
