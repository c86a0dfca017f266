/* SPDX-License-Identifier: Apache-2.0 */
/* The logger's life cycle, and what a thread that logs does: it touches its own ring and a few atomic words, and makes a
 * system call only to wake the logging thread (log_thread.c): when that one sleeps, or when a ring that it has left to
 * fill for a moment is half full. */
#include "shared/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/log_private.h"
#include "shared/service.h"

static void publish(struct log_producer *producer, size_t length) {
        struct logger *logger = producer->logger;
        log_ring_commit(&producer->ring, length);
        /* The thread stores ASLEEP and then looks at the rings; we stored the head and now look at the state: with both
         * sequentially consistent, one of the two sees the other. */
        uint32_t state = __atomic_load_n(&logger->state, __ATOMIC_SEQ_CST);
        if (state == THREAD_ASLEEP || (state == THREAD_LINGERING && log_ring_is_half_full(&producer->ring)))
                log_thread_wake(logger);
}

static void drop(struct log_producer *producer) {
        __atomic_store_n(&producer->dropped, producer->dropped + 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&producer->logger->state, __ATOMIC_SEQ_CST) != THREAD_AWAKE)
                log_thread_wake(producer->logger);
}

bool log_enabled(const struct log_producer *producer, enum log_level level) {
        return producer && level <= __atomic_load_n(&producer->logger->level, __ATOMIC_RELAXED);
}

bool log_record(struct log_producer *producer, struct log_sink *sink, int64_t time, const struct slice *parts,
                size_t part_count) {
        size_t length = sizeof(struct log_record_head), room;
        for (size_t i = 0; i < part_count; i++)
                length += parts[i].length;
        char *payload = log_ring_reserve(&producer->ring, length, &room);
        if (!payload) {
                drop(producer);
                return false;
        }
        *(struct log_record_head *) payload = (struct log_record_head) { .sink = sink, .time = time };
        payload += sizeof(struct log_record_head);
        for (size_t i = 0; i < part_count; i++)
                if (parts[i].length)
                        payload = mempcpy(payload, parts[i].data, parts[i].length);
        publish(producer, length);
        return true;
}

static size_t encoded_size(const struct log_field *fields, size_t field_count) {
        size_t size = sizeof(struct log_event_head);
        for (size_t i = 0; i < field_count; i++)
                size += sizeof(struct log_event_field) + strlen(fields[i].name) + 1 + fields[i].value.length;
        return size;
}

/* Returns where the text begins. */
static char *encode_event(char *payload, const struct log_event_head *event, const struct log_field *fields) {
        payload = mempcpy(payload, event, sizeof(*event));
        for (size_t i = 0; i < event->field_count; i++) {
                struct log_event_field field = {
                        .name_size = (uint32_t) strlen(fields[i].name) + 1,
                        .value_length = (uint32_t) fields[i].value.length,
                };
                payload = mempcpy(payload, &field, sizeof(field));
                payload = mempcpy(payload, fields[i].name, field.name_size);
                if (field.value_length)
                        payload = mempcpy(payload, fields[i].value.data, field.value_length);
        }
        return payload;
}

void log_event(struct log_producer *producer, enum log_level level, const char *message_id,
               const struct log_field *fields, size_t field_count, const char *format, ...) {
        if (!log_enabled(producer, level))
                return;
        assert(field_count <= LOG_FIELDS_MAX);
        struct log_event_head event = {
                .record.time = log_realtime(),
                .message_id = message_id,
                .level = (uint8_t) level,
                .field_count = (uint8_t) field_count,
        };

        /* The text is formatted where it stays. When the room that there happens to be is too short, once more with as
         * much as it needs; a text that no room can hold is cut. */
        size_t fixed = encoded_size(fields, field_count), text_size = 1, room;
        size_t longest = MAX_OF(fixed + 1, log_ring_longest(&producer->ring));
        for (int attempt = 0; attempt < 2; attempt++) {
                char *payload = log_ring_reserve(&producer->ring, MIN_OF(fixed + text_size, longest), &room);
                if (!payload)
                        break;
                va_list arguments;
                va_start(arguments, format);
                int length = vsnprintf(payload + fixed, room - fixed, format, arguments);
                va_end(arguments);
                text_size = (size_t) MAX_OF(length, 0) + 1;
                if (attempt == 0 && fixed + text_size > room)
                        continue;
                event.text_length = (uint32_t) MIN_OF(text_size, room - fixed) - 1;
                (void) encode_event(payload, &event, fields);
                publish(producer, fixed + event.text_length + 1);
                return;
        }
        drop(producer);
}

void log_sink_retire(struct log_producer *producer, struct log_sink *sink, void (*freed)(struct log_sink *sink)) {
        struct logger *logger = producer->logger;
        sink->freed = freed;
        sink->next_retired = __atomic_load_n(&logger->retired, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&logger->retired, &sink->next_retired, sink, true, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED))
                ;
        log_thread_wake(logger);
}

void logger_reopen(struct logger *logger) {
        __atomic_store_n(&logger->wants_reopen, true, __ATOMIC_SEQ_CST);
        log_thread_wake(logger);
}

void logger_set_level(struct logger *logger, enum log_level level) {
        __atomic_store_n(&logger->level, level, __ATOMIC_RELAXED);
}

bool logger_is_journal(const struct logger *logger) {
        return logger->is_journal;
}

static int choose_target(struct logger *logger, const struct logger_options *options, struct error *error) {
        log_console_init(&logger->console, options->console_fd, &logger->patience);
        if (options->target == LOG_TARGET_CONSOLE ||
            (options->target == LOG_TARGET_AUTO && !service_stderr_is_journal()))
                return 0;

        int r = log_journal_init(&logger->journal, options->journal_path, options->program, &logger->patience);
        logger->is_journal = r == 0;
        if (r < 0 && options->target == LOG_TARGET_JOURNAL)
                return error_set_errno(error, r, "reaching the journal at %s", options->journal_path);
        return 0; /* a line on standard error, which is the journal, is better than nothing */
}

static void free_logger(struct logger *logger) {
        for (struct log_producer *producer = logger->producers, *next; producer; producer = next) {
                next = producer->next;
                log_ring_done(&producer->ring);
                free(producer);
        }
        if (logger->is_journal)
                log_journal_done(&logger->journal);
        log_console_done(&logger->console);
        free(logger);
}

int logger_new_with(const struct logger_options *options, struct error *error, struct logger **ret_logger) {
        struct logger *logger = aligned_alloc(_Alignof(struct logger), sizeof(*logger));
        if (!logger)
                return error_set_errno(error, -ENOMEM, "starting the log");
        *logger = (struct logger) { .level = options->level, .patience.milliseconds = options->patience_ms };

        int r = choose_target(logger, options, error);
        if (r == 0) {
                r = log_thread_start(logger);
                if (r < 0)
                        (void) error_set_errno(error, r, "starting the logging thread");
        }
        if (r < 0) {
                free_logger(logger);
                return r;
        }
        *ret_logger = logger;
        return 0;
}

int logger_new(const char *program, enum log_target target, enum log_level level, struct error *error,
               struct logger **ret_logger) {
        const struct logger_options options = {
                .program = program,
                .target = target,
                .level = level,
                .journal_path = LOG_JOURNAL_PATH,
                .console_fd = STDERR_FILENO,
                .patience_ms = 1000,
        };
        return logger_new_with(&options, error, ret_logger);
}

void logger_free(struct logger *logger) {
        if (!logger)
                return;
        __atomic_store_n(&logger->patience.is_stopping, true, __ATOMIC_SEQ_CST);
        log_thread_wake(logger);
        (void) pthread_join(logger->thread, NULL);
        free_logger(logger);
}

int log_producer_new(struct logger *logger, size_t ring_bytes, struct log_producer **ret_producer) {
        struct log_producer *producer = aligned_alloc(_Alignof(struct log_producer), sizeof(*producer));
        if (!producer)
                return -ENOMEM;
        *producer = (struct log_producer) { .logger = logger };
        int r = log_ring_init(&producer->ring, ring_bytes);
        if (r < 0) {
                free(producer);
                return r;
        }
        producer->next = __atomic_load_n(&logger->producers, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&logger->producers, &producer->next, producer, true, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED))
                ;
        *ret_producer = producer;
        return 0;
}

void logger_write_alone(const char *program, enum log_target target, enum log_level level, const char *message_id,
                        const char *text) {
        struct logger *logger = NULL;
        struct log_producer *producer;
        if (logger_new(program, target, level, NULL, &logger) < 0)
                return;
        if (log_producer_new(logger, 4 * (ERROR_TEXT_MAX + 256), &producer) == 0)
                log_event(producer, level, message_id, NULL, 0, "%s", text);
        logger_free(logger);
}
