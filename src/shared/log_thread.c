/* SPDX-License-Identifier: Apache-2.0 */
/* The logging thread: empties the rings, hands each record to its sink or its writer, and sleeps. Nothing that was put
 * in before the logger stops stays unwritten, and no sink is freed while a ring may hold a record for it. */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include "shared/log_private.h"
#include "shared/message_id.h"

/* After work, the thread lets the rings fill for so long, so that under load one waking serves many records. */
#define LINGER_USEC 5000
#define DROP_REPORT_USEC 1000000

int64_t log_now(clockid_t clock) {
        struct timespec now;
        (void) clock_gettime(clock, &now);
        return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t log_realtime(void) {
        return log_now(CLOCK_REALTIME);
}

uint64_t logger_dropped(const struct logger *logger) {
        uint64_t dropped = __atomic_load_n(&logger->journal.lost, __ATOMIC_RELAXED);
        for (struct log_producer *producer = __atomic_load_n(&logger->producers, __ATOMIC_ACQUIRE); producer;
             producer = producer->next)
                dropped += __atomic_load_n(&producer->dropped, __ATOMIC_SEQ_CST);
        return dropped;
}

void log_thread_wake(struct logger *logger) {
        if (__atomic_exchange_n(&logger->state, THREAD_AWAKE, __ATOMIC_SEQ_CST) != THREAD_AWAKE)
                (void) syscall(SYS_futex, &logger->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* A `timeout` below 0 is none. Returns at once when the state is not `expected` any more. */
static void sleep_in_state(struct logger *logger, uint32_t expected, int64_t timeout_usec) {
        struct timespec timeout = { .tv_sec = timeout_usec / 1000000, .tv_nsec = timeout_usec % 1000000 * 1000 };
        (void) syscall(SYS_futex, &logger->state, FUTEX_WAIT_PRIVATE, expected, timeout_usec < 0 ? NULL : &timeout,
                       NULL, 0);
}

static void write_entry(struct logger *logger, const struct log_entry *entry) {
        if (logger->is_journal)
                log_journal_append(&logger->journal, entry);
        else
                log_console_append(&logger->console, entry);
}

void logger_send(struct logger *logger, enum log_level level, int64_t time, struct slice message,
                 const struct log_field *fields, size_t field_count) {
        write_entry(logger, &(struct log_entry) {
                                            .level = level,
                                            .time = time,
                                            .text = message,
                                            .fields = fields,
                                            .field_count = field_count,
                            });
}

static void write_event(struct logger *logger, const struct log_event_head *event) {
        struct log_field fields[LOG_FIELDS_MAX];
        const char *next = (const char *) (event + 1);
        for (size_t i = 0; i < event->field_count; i++) {
                struct log_event_field field;
                memcpy(&field, next, sizeof(field));
                next += sizeof(field);
                fields[i] = (struct log_field) { next, { next + field.name_size, field.value_length } };
                next += field.name_size + field.value_length;
        }
        write_entry(logger, &(struct log_entry) {
                                            .level = event->level,
                                            .message_id = event->message_id,
                                            .time = event->record.time,
                                            .text = { next, event->text_length },
                                            .fields = fields,
                                            .field_count = event->field_count,
                            });
}

static void write_to_sink(struct logger *logger, struct log_sink *sink, struct slice bytes) {
        if (!sink->is_known) {
                sink->is_known = true;
                sink->next_known = logger->known_sinks;
                logger->known_sinks = sink;
        }
        sink->is_dirty = true;
        sink->write(sink, bytes.data, bytes.length);
}

static void look(struct log_producer *producer) {
        producer->record = (const struct log_record_head *) log_ring_next(&producer->ring, producer->end,
                                                                          &producer->length);
}

static void write_next(struct logger *logger, struct log_producer *producer) {
        const struct log_record_head *record = producer->record;
        if (record->sink)
                write_to_sink(logger, record->sink,
                              (struct slice) { (const char *) (record + 1), producer->length - sizeof(*record) });
        else
                write_event(logger, (const struct log_event_head *) record);
        log_ring_release(&producer->ring);
        look(producer);
}

/* Of the producers that have a record, the one with the oldest; and until when its records are older than those of the
 * others. */
static struct log_producer *find_oldest(struct log_producer *producers, int64_t *ret_until) {
        struct log_producer *oldest = NULL;
        int64_t until = INT64_MAX;
        for (struct log_producer *producer = producers; producer; producer = producer->next) {
                if (!producer->record)
                        continue;
                if (!oldest || producer->record->time < oldest->record->time) {
                        until = oldest ? oldest->record->time : until;
                        oldest = producer;
                } else {
                        until = MIN_OF(until, producer->record->time);
                }
        }
        *ret_until = until;
        return oldest;
}

/* Writes what the rings have now, in the order of the records' times, which within one ring is that of the ring. */
static bool empty_rings(struct logger *logger, struct log_producer *producers) {
        for (struct log_producer *producer = producers; producer; producer = producer->next)
                producer->end = log_ring_head(&producer->ring);
        for (struct log_producer *producer = producers; producer; producer = producer->next)
                look(producer);

        bool has_worked = false;
        int64_t until;
        for (struct log_producer *oldest; (oldest = find_oldest(producers, &until)); has_worked = true)
                do
                        write_next(logger, oldest);
                while (oldest->record && oldest->record->time <= until);
        return has_worked;
}

static void flush_sinks(struct logger *logger) {
        for (struct log_sink *sink = logger->known_sinks; sink; sink = sink->next_known) {
                if (sink->is_dirty && sink->flush)
                        sink->flush(sink);
                sink->is_dirty = false;
        }
}

static void flush_writer(struct logger *logger) {
        if (logger->is_journal)
                log_journal_flush(&logger->journal);
        else
                log_console_flush(&logger->console);
}

static void reopen_sinks(struct logger *logger) {
        for (struct log_sink *sink = logger->known_sinks; sink; sink = sink->next_known)
                if (sink->reopen)
                        sink->reopen(sink);
}

static void free_retired(struct logger *logger, struct log_sink *retired) {
        for (struct log_sink *sink = retired, *next; sink; sink = next) {
                next = sink->next_retired;
                for (struct log_sink **link = &logger->known_sinks; *link; link = &(*link)->next_known)
                        if (*link == sink) {
                                *link = sink->next_known;
                                break;
                        }
                sink->freed(sink);
        }
}

/* How long until drops may be reported, in us: 0 for now, -1 when there is nothing to report. */
static int64_t time_to_report(const struct logger *logger) {
        if (logger_dropped(logger) == logger->reported_drops)
                return -1;
        return MAX_OF(logger->last_report + DROP_REPORT_USEC - log_now(CLOCK_MONOTONIC), 0);
}

static void report_drops(struct logger *logger) {
        uint64_t dropped = logger_dropped(logger);
        char text[160], count[24];
        int length = snprintf(text, sizeof(text), "%llu log records were dropped: more came than could be written",
                              (unsigned long long) (dropped - logger->reported_drops));
        (void) snprintf(count, sizeof(count), "%llu", (unsigned long long) (dropped - logger->reported_drops));
        logger->reported_drops = dropped;
        logger->last_report = log_now(CLOCK_MONOTONIC);

        const struct log_field field = { "CCODES_DROPPED", slice_of(count) };
        write_entry(logger, &(struct log_entry) {
                                            .level = LOG_LEVEL_WARNING,
                                            .message_id = MESSAGE_ID_LOG_DROPPED,
                                            .time = log_realtime(),
                                            .text = { text, (size_t) length },
                                            .fields = &field,
                                            .field_count = 1,
                            });
}

/* Writes everything that is there now. What was put in before a sink was retired, by whichever thread, is visible once
 * the retirement is: taking the retired ones first and freeing them last is what makes it safe. */
static bool work(struct logger *logger) {
        struct log_sink *retired = __atomic_exchange_n(&logger->retired, NULL, __ATOMIC_SEQ_CST);
        bool wants_reopen = __atomic_exchange_n(&logger->wants_reopen, false, __ATOMIC_SEQ_CST);
        bool has_worked = retired || wants_reopen;
        has_worked |= empty_rings(logger, __atomic_load_n(&logger->producers, __ATOMIC_ACQUIRE));
        if (time_to_report(logger) == 0) {
                report_drops(logger);
                has_worked = true;
        }
        if (!has_worked)
                return false;

        flush_sinks(logger);
        if (wants_reopen)
                reopen_sinks(logger);
        free_retired(logger, retired);
        flush_writer(logger); /* last: the sinks may have sent something */
        return true;
}

static bool is_ring_waiting(struct logger *logger) {
        for (struct log_producer *producer = __atomic_load_n(&logger->producers, __ATOMIC_SEQ_CST); producer;
             producer = producer->next)
                if (log_ring_head(&producer->ring) != producer->ring.tail)
                        return true;
        return false;
}

static bool is_called(const struct logger *logger) {
        return __atomic_load_n(&logger->patience.is_stopping, __ATOMIC_SEQ_CST) ||
               __atomic_load_n(&logger->wants_reopen, __ATOMIC_SEQ_CST) ||
               __atomic_load_n(&logger->retired, __ATOMIC_SEQ_CST);
}

static void rest(struct logger *logger, bool has_worked) {
        uint32_t state = has_worked ? THREAD_LINGERING : THREAD_ASLEEP;
        __atomic_store_n(&logger->state, state, __ATOMIC_SEQ_CST);
        if (!is_called(logger)) {
                if (has_worked)
                        sleep_in_state(logger, state, LINGER_USEC);
                else if (!is_ring_waiting(logger))
                        sleep_in_state(logger, state, time_to_report(logger));
        }
        __atomic_store_n(&logger->state, THREAD_AWAKE, __ATOMIC_SEQ_CST);
}

static void *run(void *userdata) {
        struct logger *logger = userdata;
        (void) pthread_setname_np(pthread_self(), "log");
        for (;;) {
                bool is_stopping = __atomic_load_n(&logger->patience.is_stopping, __ATOMIC_SEQ_CST);
                bool has_worked = work(logger);
                if (is_stopping && !has_worked)
                        break;
                if (!is_stopping)
                        rest(logger, has_worked);
        }
        if (logger_dropped(logger) != logger->reported_drops) {
                report_drops(logger);
                flush_writer(logger);
        }
        return NULL;
}

/* Signals are for the other threads, and writing to a pipe that nobody reads must not end the program. */
int log_thread_start(struct logger *logger) {
        sigset_t all, saved;
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &saved);
        int r = -pthread_create(&logger->thread, NULL, run, logger);
        (void) pthread_sigmask(SIG_SETMASK, &saved, NULL);
        return r;
}
