/* SPDX-License-Identifier: Apache-2.0 */
/* The log: console lines for any bytes, order, drops, and sinks from birth to retirement. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/log.h"
#include "shared/log_private.h"
#include "shared/message_id.h"

static struct logger *new_console_logger(int fd) {
        struct logger *logger = NULL;
        const struct logger_options options = { .program = "tester",
                                                .target = LOG_TARGET_CONSOLE,
                                                .level = LOG_LEVEL_INFO,
                                                .console_fd = fd,
                                                .patience_ms = 50 };
        assert_int_equal(logger_new_with(&options, NULL, &logger), 0);
        return logger;
}

static struct log_producer *new_producer(struct logger *logger, size_t ring_bytes) {
        struct log_producer *producer = NULL;
        assert_int_equal(log_producer_new(logger, ring_bytes, &producer), 0);
        return producer;
}

static int new_file(void) {
        int fd = memfd_create("console", MFD_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* What was written to a file so far. */
static char *read_back(int fd) {
        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        char *text = calloc(1, (size_t) status.st_size + 1);
        assert_int_equal(pread(fd, text, (size_t) status.st_size, 0), status.st_size);
        return text;
}

static void assert_matches(const char *text, const char *pattern) {
        regex_t regex;
        assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
        if (regexec(&regex, text, 0, NULL, 0) != 0)
                fail_msg("'%s' does not match '%s'", text, pattern);
        regfree(&regex);
}

static size_t count_lines(const char *text) {
        size_t count = 0;
        for (; *text; text++)
                count += *text == '\n';
        return count;
}

static void console_lines_have_time_level_text_and_fields(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 4096);
        const struct log_field fields[] = {
                { "CCODES_SITE", SLICE_LITERAL("blog") },
                { "CCODES_PATH", SLICE_LITERAL("/a b") },
                { "MESSAGE_ID", SLICE_LITERAL(MESSAGE_ID_CLIENT_REFUSED) },
                { "OTHER", SLICE_NULL },
        };
        log_event(producer, LOG_LEVEL_WARNING, MESSAGE_ID_CLIENT_REFUSED, fields, ELEMENTS_OF(fields), "refused %d", 7);
        log_error(producer, "plain");
        assert_false(logger_is_journal(logger));
        logger_free(logger);

        _cleanup_free_ char *text = read_back(fd);
        char *second = strchr(text, '\n');
        *second++ = '\0';
        assert_matches(text, "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                             "warning  refused 7  site=blog path=\"/a b\" other=\"\"$");
        assert_matches(second, "Z error    plain\n$");
}

struct gate {
        struct log_sink sink;
        sem_t reached, open;
};

static void wait_at_gate(struct log_sink *sink, const void *record, size_t length) {
        struct gate *gate = container_of(sink, struct gate, sink);
        sem_post(&gate->reached);
        while (sem_wait(&gate->open) < 0)
                ;
}

/* Keeps the logging thread busy until the gate is opened. */
static void hold(struct gate *gate, struct log_producer *producer) {
        *gate = (struct gate) { .sink.write = wait_at_gate };
        assert_int_equal(sem_init(&gate->reached, 0, 0), 0);
        assert_int_equal(sem_init(&gate->open, 0, 0), 0);
        assert_true(log_record(producer, &gate->sink, log_realtime(), NULL, 0));
        while (sem_wait(&gate->reached) < 0)
                ;
}

static void gate_done(struct gate *gate) {
        sem_destroy(&gate->reached);
        sem_destroy(&gate->open);
}

/* The next microsecond: entries of the same one are in no order. */
static void let_time_pass(void) {
        int64_t now = log_realtime();
        while (log_realtime() <= now)
                ;
}

/* While the thread is busy, the rings fill; what they hold then is written in order. */
static void entries_of_several_threads_are_in_the_order_of_their_times(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producers[3];
        for (size_t i = 0; i < ELEMENTS_OF(producers); i++)
                producers[i] = new_producer(logger, 65536);
        struct gate gate;
        hold(&gate, producers[0]);
        for (unsigned i = 0; i < 300; i++) {
                log_error(producers[(i * 7 / 3) % ELEMENTS_OF(producers)], "n=%03u", i);
                let_time_pass();
        }
        sem_post(&gate.open);
        logger_free(logger);

        _cleanup_free_ char *text = read_back(fd);
        unsigned expected = 0;
        for (const char *at = text; (at = strstr(at, "n=")); at++)
                assert_int_equal(strtoul(at + 2, NULL, 10), expected++);
        assert_int_equal(expected, 300);
        gate_done(&gate);
}

/* What a sink sends has the time of its record, not that of the thread which gets round to it. */
static void send_on(struct log_sink *sink, const void *record, size_t length) {
        struct logger *logger;
        memcpy(&logger, record, sizeof(logger));
        logger_send(logger, LOG_LEVEL_ERROR, 1000000000000000 + (int64_t) length, SLICE_LITERAL("sent"), NULL, 0);
}

static void records_for_sinks_take_their_place(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *first = new_producer(logger, 4096), *second = new_producer(logger, 4096);
        struct log_sink sink = { .write = send_on };
        const struct slice part = { (const char *) &logger, sizeof(logger) };
        struct gate gate;
        hold(&gate, first);
        log_error(second, "event");
        assert_true(log_record(first, &sink, 1000, &part, 1));
        sem_post(&gate.open);
        logger_free(logger);

        _cleanup_free_ char *text = read_back(fd);
        const char *sent = strstr(text, "2001-09-09T01:46:40.000Z error    sent");
        assert_non_null(sent);
        assert_true(sent < strstr(text, "event"));
        gate_done(&gate);
}

static void a_program_can_log_its_end(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file(), saved = dup(STDERR_FILENO);
        char text[ERROR_TEXT_MAX];
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_true(dup2(fd, STDERR_FILENO) >= 0);
        logger_write_alone("tester", LOG_TARGET_AUTO, LOG_LEVEL_CRITICAL, MESSAGE_ID_CONFIG_INVALID, text);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        _cleanup_free_ char *line = read_back(fd);
        assert_matches(line, "Z critical x{200}");
        assert_int_equal(strlen(strchr(line, 'x')), sizeof(text)); /* whole, and the end of the line */
}

static void levels_below_the_threshold_are_not_logged(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 4096);
        assert_true(log_enabled(producer, LOG_LEVEL_INFO));
        assert_false(log_enabled(producer, LOG_LEVEL_DEBUG));
        assert_false(log_enabled(NULL, LOG_LEVEL_CRITICAL));
        log_error((struct log_producer *) NULL, "nowhere");
        log_debug(producer, "one");
        log_info(producer, "two");
        logger_set_level(logger, LOG_LEVEL_ERROR);
        log_warning(producer, "three");
        log_event(producer, LOG_LEVEL_CRITICAL, NULL, NULL, 0, "four");
        logger_set_level(logger, LOG_LEVEL_DEBUG);
        log_debug(producer, "five");
        logger_free(logger);

        _cleanup_free_ char *text = read_back(fd);
        assert_int_equal(count_lines(text), 3);
        assert_matches(text, "info     two\n.*critical four\n.*debug    five\n");
}

/* Logs one text and one field of these bytes on a plain console, and returns the line behind the time. */
static char *line_of(struct slice bytes) {
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 4096);
        const struct log_field field = { "CCODES_X", bytes };
        log_event(producer, LOG_LEVEL_INFO, NULL, &field, 1, "%.*s", SLICE_PRINTF(bytes));
        logger_free(logger);
        _cleanup_free_ char *text = read_back(fd);
        return strdup(text + strlen("2025-01-01T00:00:00.000Z info     "));
}

static void no_bytes_can_forge_a_console_line(void **state) {
        (void) state;
        static const struct {
                struct slice bytes;
                const char *line;
        } cases[] = {
                { SLICE_LITERAL("a\nforged"), "a\\nforged  x=\"a\\nforged\"\n" },
                { SLICE_LITERAL("a\r\tb"), "a\\r\\tb  x=\"a\\r\\tb\"\n" },
                { SLICE_LITERAL("\x1b[2J"), "\\x1b[2J  x=\"\\x1b[2J\"\n" },
                { SLICE_LITERAL("\x7f\x01"), "\\x7f\\x01  x=\"\\x7f\\x01\"\n" },
                { SLICE_LITERAL("gr\xc3\xbc\xe2\x82\xac"), "gr\xc3\xbc\xe2\x82\xac  x=gr\xc3\xbc\xe2\x82\xac\n" },
                { SLICE_LITERAL("\xc2\x9b[2J"), "\\xc2\\x9b[2J  x=\"\\xc2\\x9b[2J\"\n" },               /* C1 CSI */
                { SLICE_LITERAL("\x9b\xff"), "\\x9b\\xff  x=\"\\x9b\\xff\"\n" },                        /* no UTF-8 */
                { SLICE_LITERAL("\xe2\x80\xaetxt"), "\\xe2\\x80\\xaetxt  x=\"\\xe2\\x80\\xaetxt\"\n" }, /* RLO */
                { SLICE_LITERAL("\xe2\x80\xa8\xe2\x81\xa6"), "\\xe2\\x80\\xa8\\xe2\\x81\\xa6  "
                                                             "x=\"\\xe2\\x80\\xa8\\xe2\\x81\\xa6\"\n" }, /* LS, LRI */
                { SLICE_LITERAL("say \"hi\" \\o"), "say \"hi\" \\o  x=\"say \\\"hi\\\" \\\\o\"\n" },
                { SLICE_LITERAL("a=b"), "a=b  x=\"a=b\"\n" },
                { SLICE_LITERAL("\xc3"), "\\xc3  x=\"\\xc3\"\n" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_free_ char *line = line_of(cases[i].bytes);
                assert_string_equal(line, cases[i].line);
        }
        for (unsigned byte = 1; byte < 256; byte++) {
                char text[] = { 'a', (char) byte, 'b', '\0' };
                _cleanup_free_ char *line = line_of(slice_of(text));
                assert_int_equal(count_lines(line), 1);
                for (const char *at = line; *at != '\n'; at++)
                        assert_in_range(*at, ' ', '~');
        }
}

static void a_terminal_gets_colours(void **state) {
        (void) state;
        _cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
                skip(); /* no /dev/pts here */
        _cleanup_close_ int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(terminal >= 0);
        setenv("TERM", "xterm", true);
        unsetenv("NO_COLOR");
        const struct log_field field = { "CCODES_SITE", SLICE_LITERAL("blog") };
        for (int colour = 1; colour >= 0; colour--) {
                if (!colour)
                        setenv("NO_COLOR", "1", true);
                struct logger *logger = new_console_logger(terminal);
                log_event(new_producer(logger, 4096), LOG_LEVEL_ERROR, NULL, &field, 1, "bad");
                logger_free(logger);
                char text[256] = "";
                for (size_t length = 0; !strchr(text, '\n');) {
                        ssize_t count = read(master, text + length, sizeof(text) - 1 - length);
                        assert_true(count > 0);
                        length += (size_t) count;
                }
                if (colour)
                        assert_matches(text, "^[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} \x1b\\[31merror   \x1b\\[0m "
                                             "bad\x1b\\[2m  site=blog\x1b\\[0m\r\n$");
                else
                        assert_matches(text, "Z error    bad  site=blog\r\n$");
        }
        unsetenv("NO_COLOR");
}

/* Any text length at any place of the ring: formatted in place, or once more at the front, or cut. */
static void texts_of_every_length_come_out_whole(void **state) {
        (void) state;
        enum { TEXTS = 600, RING = 1024 };
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, RING);
        for (unsigned i = 0; i < TEXTS; i++)
                for (uint64_t dropped = UINT64_MAX; dropped != logger_dropped(logger); sched_yield()) {
                        dropped = logger_dropped(logger);
                        log_info(producer, "%u:%0*u", i, (int) i + 1, 0u);
                }
        logger_free(logger);

        _cleanup_free_ char *text = read_back(fd);
        unsigned i = 0;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                if (strstr(line, "dropped"))
                        continue;
                unsigned number;
                int offset;
                assert_int_equal(sscanf(line, "%*s info %u:%n", &number, &offset), 1);
                assert_int_equal(number, i++);
                size_t zeros = strlen(line + offset);
                assert_int_equal(strspn(line + offset, "0"), zeros);
                /* A record longer than half of the ring is cut. */
                if (number < RING / 2 - 100)
                        assert_int_equal(zeros, number + 1);
                else
                        assert_in_range(zeros, RING / 2 - 100, number + 1);
        }
        assert_int_equal(i, TEXTS);
}

/* A sink that keeps the numbers it was given, in order, and can be made to wait. */
struct counting_sink {
        struct log_sink sink;
        sem_t gate;
        bool has_gate;
        uint32_t next[4]; /* expected number, for each producer */
        size_t records, wrong, flushes, reopens, records_at_flush;
        size_t *freed;
};

struct numbered_record {
        uint32_t producer, number;
        char filling[];
};

static void counting_write(struct log_sink *sink, const void *record, size_t length) {
        struct counting_sink *counting = (struct counting_sink *) sink;
        const struct numbered_record *numbered = record;
        if (counting->has_gate) {
                counting->has_gate = false;
                while (sem_wait(&counting->gate) < 0)
                        ;
        }
        size_t filling = numbered->number % 50;
        counting->wrong += (uintptr_t) record % 8 != 0 || length != sizeof(*numbered) + filling ||
                           numbered->number < counting->next[numbered->producer];
        for (size_t i = 0; i < filling; i++)
                counting->wrong += numbered->filling[i] != (char) numbered->number;
        counting->next[numbered->producer] = numbered->number + 1;
        counting->records++;
}

static void counting_flush(struct log_sink *sink) {
        struct counting_sink *counting = (struct counting_sink *) sink;
        counting->flushes++;
        counting->records_at_flush = counting->records;
}

static void counting_reopen(struct log_sink *sink) {
        struct counting_sink *counting = (struct counting_sink *) sink;
        __atomic_fetch_add(&counting->reopens, 1, __ATOMIC_SEQ_CST);
}

static void counting_freed(struct log_sink *sink) {
        struct counting_sink *counting = (struct counting_sink *) sink;
        size_t records = counting->wrong || counting->records != counting->records_at_flush ? SIZE_MAX
                                                                                            : counting->records;
        __atomic_store_n(counting->freed, records, __ATOMIC_SEQ_CST);
        free(sink);
}

static struct log_sink counting_functions(void) {
        return (struct log_sink) { .write = counting_write, .flush = counting_flush, .reopen = counting_reopen };
}

static bool put_number(struct log_producer *producer, struct log_sink *sink, uint32_t index, uint32_t number) {
        struct numbered_record head = { index, number };
        char filling[50];
        memset(filling, (int) number, sizeof(filling));
        const struct slice parts[] = {
                { (const char *) &head, sizeof(head) },
                SLICE_NULL,
                { filling, number % 50 },
        };
        return log_record(producer, sink, log_realtime(), parts, ELEMENTS_OF(parts));
}

static void records_arrive_in_order(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct counting_sink counting = { .sink = counting_functions() };
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 1 << 20);
        for (uint32_t i = 0; i < 5000; i++)
                assert_true(put_number(producer, &counting.sink, 0, i));
        logger_free(logger); /* writes out everything */
        assert_int_equal(counting.records, 5000);
        assert_int_equal(counting.wrong, 0);
        assert_int_equal(counting.records_at_flush, 5000);
        assert_int_equal(counting.reopens, 0);
}

static void a_full_ring_drops_and_says_so(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct counting_sink counting = { .sink = counting_functions(), .has_gate = true };
        assert_int_equal(sem_init(&counting.gate, 0, 0), 0);
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 1024);
        uint64_t accepted = 0, dropped = 0;
        for (uint32_t i = 0; i < 1000; i++)
                *(put_number(producer, &counting.sink, 0, i) ? &accepted : &dropped) += 1;
        assert_in_range(accepted, 1024 / 80, 2 * 1024 / 16);
        assert_int_equal(logger_dropped(logger), dropped);
        assert_int_equal(sem_post(&counting.gate), 0);

        /* Too long for any state of the ring. */
        char large[1024] = "";
        assert_false(log_record(producer, &counting.sink, 0, &(struct slice) { large, sizeof(large) }, 1));
        const struct log_field field = { "CCODES_X", { large, sizeof(large) } };
        log_event(producer, LOG_LEVEL_INFO, NULL, &field, 1, "never seen");
        assert_int_equal(logger_dropped(logger), dropped + 2);
        logger_free(logger);
        sem_destroy(&counting.gate);
        assert_int_equal(counting.records, accepted);
        assert_int_equal(counting.wrong, 0);

        /* However many reports there were, together they tell of each drop once. */
        _cleanup_free_ char *text = read_back(fd);
        uint64_t reported = 0, reports = 0;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), reports++) {
                const char *count = strstr(line, "dropped=");
                assert_matches(line, "warning  [0-9]+ log records were dropped: .*  dropped=[0-9]+$");
                reported += strtoull(count + strlen("dropped="), NULL, 10);
        }
        assert_int_equal(reported, dropped + 2);
        assert_in_range(reports, 1, 3); /* one at once, one at the end; a third only if this took above a second */
}

struct worker {
        struct log_producer *producer;
        struct log_sink *sink;
        uint32_t index;
        size_t accepted;
};

enum { WORKERS = 4, WORKER_RECORDS = 5000 };

static void *put_numbers(void *userdata) {
        struct worker *worker = userdata;
        for (uint32_t i = 0; i < WORKER_RECORDS; i++) {
                worker->accepted += put_number(worker->producer, worker->sink, worker->index, i);
                if (i % 1000 == 0)
                        log_info(worker->producer, "worker %u at %u", worker->index, i);
        }
        return NULL;
}

static void wait_for(const size_t *value) {
        while (__atomic_load_n(value, __ATOMIC_SEQ_CST) == 0)
                sched_yield();
}

/* Also what a reload does: all workers leave the old sink, then one of them retires it. */
static void several_producers_share_a_sink_until_it_is_retired(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *main_producer = new_producer(logger, 4096);
        struct worker workers[WORKERS];
        for (uint32_t i = 0; i < WORKERS; i++)
                workers[i] = (struct worker) { .producer = new_producer(logger, 32768), .index = i };

        for (unsigned generation = 0; generation < 5; generation++) {
                size_t freed = 0, accepted = 0;
                struct counting_sink *counting = calloc(1, sizeof(*counting));
                *counting = (struct counting_sink) { .sink = counting_functions(), .freed = &freed };
                pthread_t threads[WORKERS];
                for (size_t i = 0; i < WORKERS; i++) {
                        workers[i].sink = &counting->sink;
                        workers[i].accepted = 0;
                        assert_int_equal(pthread_create(&threads[i], NULL, put_numbers, &workers[i]), 0);
                }
                for (size_t i = 0; i < WORKERS; i++) {
                        assert_int_equal(pthread_join(threads[i], NULL), 0);
                        accepted += workers[i].accepted;
                }
                log_sink_retire(generation % 2 ? main_producer : workers[0].producer, &counting->sink, counting_freed);
                wait_for(&freed);
                assert_int_equal(freed, accepted);
        }
        logger_free(logger);
}

static void retired_sinks_are_freed_at_the_latest_with_the_logger(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 65536);
        size_t freed[3] = { 0 };
        for (size_t i = 0; i < 3; i++) {
                struct counting_sink *counting = calloc(1, sizeof(*counting));
                *counting = (struct counting_sink) { .sink = counting_functions(), .freed = &freed[i] };
                for (uint32_t number = 0; number < 10; number++)
                        assert_true(put_number(producer, &counting->sink, 0, number));
                log_sink_retire(producer, &counting->sink, counting_freed);
        }
        /* One that never wrote: no call but this. */
        size_t unused_freed = 0;
        struct counting_sink *unused = calloc(1, sizeof(*unused));
        *unused = (struct counting_sink) { .freed = &unused_freed, .records = 7, .records_at_flush = 7 };
        log_sink_retire(producer, &unused->sink, counting_freed);
        logger_free(logger);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(freed[i], 10);
        assert_int_equal(unused_freed, 7);
}

static void sinks_are_reopened_when_asked(void **state) {
        (void) state;
        _cleanup_close_ int fd = new_file();
        struct counting_sink first = { .sink = counting_functions() }, unused = { .sink = counting_functions() };
        struct counting_sink without = { .sink = { .write = counting_write } };
        struct logger *logger = new_console_logger(fd);
        struct log_producer *producer = new_producer(logger, 4096);
        assert_true(put_number(producer, &first.sink, 0, 0));
        assert_true(put_number(producer, &without.sink, 0, 0));
        logger_reopen(logger);
        wait_for(&first.reopens);
        logger_free(logger);
        assert_int_equal(first.reopens, 1);
        assert_int_equal(unused.reopens, 0);
        assert_int_equal(without.records, 1);
}

/* The pipe is full and stays full: the end comes all the same. */
static void a_stuck_console_does_not_hold_up_the_end(void **state) {
        (void) state;
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
        struct logger *logger = new_console_logger(ends[1]);
        struct log_producer *producer = new_producer(logger, 1 << 20);
        for (unsigned i = 0; i < 1000; i++)
                log_error(producer, "entry %u", i);
        logger_free(logger);
        char text[4096];
        assert_true(read(ends[0], text, sizeof(text)) > 0);
        close(ends[0]);
        close(ends[1]);
}

static void a_console_that_nobody_reads_ends_nothing(void **state) {
        (void) state;
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        close(ends[0]);
        struct logger *logger = new_console_logger(ends[1]);
        struct log_producer *producer = new_producer(logger, 4096);
        for (unsigned i = 0; i < 10; i++)
                log_error(producer, "SIGPIPE would end the test");
        logger_free(logger);
        close(ends[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(console_lines_have_time_level_text_and_fields),
                cmocka_unit_test(entries_of_several_threads_are_in_the_order_of_their_times),
                cmocka_unit_test(records_for_sinks_take_their_place),
                cmocka_unit_test(a_program_can_log_its_end),
                cmocka_unit_test(levels_below_the_threshold_are_not_logged),
                cmocka_unit_test(no_bytes_can_forge_a_console_line),
                cmocka_unit_test(a_terminal_gets_colours),
                cmocka_unit_test(texts_of_every_length_come_out_whole),
                cmocka_unit_test(records_arrive_in_order),
                cmocka_unit_test(a_full_ring_drops_and_says_so),
                cmocka_unit_test(several_producers_share_a_sink_until_it_is_retired),
                cmocka_unit_test(retired_sinks_are_freed_at_the_latest_with_the_logger),
                cmocka_unit_test(sinks_are_reopened_when_asked),
                cmocka_unit_test(a_stuck_console_does_not_hold_up_the_end),
                cmocka_unit_test(a_console_that_nobody_reads_ends_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
