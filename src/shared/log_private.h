/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <sys/un.h>
#include <time.h>

#include "shared/log.h"
#include "shared/log_ring.h"
#include "shared/text.h"

/* What log.c (the threads that log), log_thread.c (the one that writes), log_journal.c and log_console.c (its two
 * writers) share; for no other file but tests. */

/* One entry as the writers take it. */
struct log_entry {
        enum log_level level;
        const char *message_id; /* NULL: none */
        int64_t time;           /* CLOCK_REALTIME, us */
        struct slice text;
        const struct log_field *fields;
        size_t field_count;
};

/* For how long a writer waits in vain for its reader once the logger stops; before that it waits for ever. */
struct log_patience {
        uint32_t is_stopping; /* atomic */
        int milliseconds;
};

/*
 * Lines for people, on a terminal or in a file. A line is an entry's and an entry is a line, whatever bytes it has: what
 * is no printable UTF-8 is written as an escape.
 */
struct log_console {
        int fd;
        bool is_terminal;
        const struct log_patience *patience;
        struct text lines;
};

void log_console_init(struct log_console *console, int fd, const struct log_patience *patience);
void log_console_done(struct log_console *console);
void log_console_append(struct log_console *console, const struct log_entry *entry);
void log_console_flush(struct log_console *console);

/*
 * journald's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): a datagram an entry, several a system call.
 * A socket of our own rather than sd_journal_sendv: that one loses entries without a word when journald is away, and takes
 * a system call for each. The socket is not connected, since the sandbox allows nobody to connect.
 */
#define LOG_JOURNAL_PATH "/run/systemd/journal/socket"
#define LOG_JOURNAL_BATCH 64

struct log_journal {
        int fd;
        struct sockaddr_un address;
        bool lacks_sendmmsg; /* one datagram a system call */
        const char *program;
        const struct log_patience *patience;
        uint64_t lost;     /* entries that nobody took; atomic */
        bool has_given_up; /* the patience was at its end */
        struct text batch;
        size_t ends[LOG_JOURNAL_BATCH]; /* where each entry of the batch ends */
        size_t count;
};

/* -ENOENT when there is no journal; other negative errno of access(2), socket(2). The program's name is borrowed. */
int log_journal_init(struct log_journal *journal, const char *path, const char *program,
                     const struct log_patience *patience);
void log_journal_done(struct log_journal *journal);
void log_journal_append(struct log_journal *journal, const struct log_entry *entry);
void log_journal_flush(struct log_journal *journal);

/* What the logging thread does; the futex that it sleeps on. */
enum log_thread_state {
        THREAD_AWAKE,
        THREAD_LINGERING, /* is back by itself soon: wake it only when a ring gets full */
        THREAD_ASLEEP,
};

struct log_record_head;

struct log_producer {
        struct log_ring ring;
        struct logger *logger;
        struct log_producer *next;
        uint64_t dropped; /* atomic; written by the producer's thread */

        /* The logging thread's own, while it empties the rings. */
        uint64_t end;                         /* what was there when it began */
        const struct log_record_head *record; /* the next one; NULL: none before `end` */
        size_t length;
};

/* The state, which all threads read, has its own line. */
struct logger {
        bool is_journal;
        struct log_journal journal;
        struct log_console console;
        pthread_t thread;

        /* Atomic, written by any thread. */
        uint32_t level;
        uint32_t wants_reopen;
        struct log_patience patience;
        struct log_producer *producers; /* newest first; none is taken off before the end */
        struct log_sink *retired;       /* newest first */

        /* The logging thread's own. */
        struct log_sink *known_sinks;
        uint64_t reported_drops;
        int64_t last_report; /* CLOCK_MONOTONIC, us */

        _Alignas(64) uint32_t state; /* enum log_thread_state; atomic */
};

/* What a ring holds: for a sink this and its bytes, for an event (no sink) a struct log_event_head. */
struct log_record_head {
        struct log_sink *sink;
        int64_t time; /* CLOCK_REALTIME, us */
};

/* Followed by the fields (each a struct log_event_field, the name with its NUL, the value) and the text with its NUL. */
struct log_event_head {
        struct log_record_head record;
        const char *message_id;
        uint32_t text_length;
        uint8_t level, field_count;
};

struct log_event_field {
        uint32_t name_size, value_length;
};

/* The time of a clock in us. */
int64_t log_now(clockid_t clock);

int log_thread_start(struct logger *logger);
void log_thread_wake(struct logger *logger);

struct logger_options {
        const char *program;
        enum log_target target;
        enum log_level level;
        const char *journal_path;
        int console_fd; /* borrowed */
        int patience_ms;
};

/* As logger_new, with other ends. */
int logger_new_with(const struct logger_options *options, struct error *error, struct logger **ret_logger);
