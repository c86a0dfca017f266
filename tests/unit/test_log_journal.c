/* SPDX-License-Identifier: Apache-2.0 */
/* What the log sends to the journal, whatever bytes it has, and what it does when the journal is slow, stuck or away. A
 * datagram socket of our own stands in journald's place. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/log.h"
#include "shared/log_private.h"
#include "shared/message_id.h"
#include "shared/sandbox.h"

/* ThreadSanitizer has a thread of its own from the start, which no sandbox can be entered with. */
#if defined(__SANITIZE_THREAD__)
#define HAS_OTHER_THREADS true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_OTHER_THREADS true
#endif
#endif
#ifndef HAS_OTHER_THREADS
#define HAS_OTHER_THREADS false
#endif

struct journal {
        char folder[32], path[64];
        int fd;
        struct logger *logger;
        struct log_producer *producer;
};

static void bind_journal(struct journal *journal) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, journal->path);
        journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct timeval patience = { .tv_sec = 30 };
        assert_int_equal(setsockopt(journal->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        assert_int_equal(bind(journal->fd, (struct sockaddr *) &address, sizeof(address)), 0);
}

static int set_up_journal(void **state) {
        struct journal *journal = calloc(1, sizeof(*journal));
        strcpy(journal->folder, "/tmp/test_log.XXXXXX");
        assert_non_null(mkdtemp(journal->folder));
        (void) snprintf(journal->path, sizeof(journal->path), "%s/socket", journal->folder);
        bind_journal(journal);
        const struct logger_options options = {
                .program = "tester",
                .target = LOG_TARGET_JOURNAL,
                .level = LOG_LEVEL_INFO,
                .journal_path = journal->path,
                .console_fd = STDERR_FILENO,
                .patience_ms = 50,
        };
        struct error error = ERROR_INIT;
        assert_int_equal(logger_new_with(&options, &error, &journal->logger), 0);
        assert_true(logger_is_journal(journal->logger));
        assert_int_equal(log_producer_new(journal->logger, 16 << 20, &journal->producer), 0);
        *state = journal;
        return 0;
}

static int tear_down_journal(void **state) {
        struct journal *journal = *state;
        logger_free(journal->logger);
        close_fd(journal->fd);
        unlink(journal->path);
        assert_int_equal(rmdir(journal->folder), 0);
        free(journal);
        return 0;
}

/* A received entry, its bytes as journald would take them. */
struct received {
        char *data;
        size_t length;
        bool was_file;
};

static void free_received(struct received *received) {
        free(received->data);
}
#define _cleanup_received_ _cleanup_(free_received)

static struct received receive(struct journal *journal) {
        static const size_t limit = 3 << 20;
        struct received received = { .data = malloc(limit) };
        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control;
        struct iovec vector = { received.data, limit };
        struct msghdr header = {
                .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t length = recvmsg(journal->fd, &header, MSG_CMSG_CLOEXEC);
        assert_true(length >= 0);
        assert_int_equal(header.msg_flags & MSG_TRUNC, 0);
        received.length = (size_t) length;
        struct cmsghdr *part = CMSG_FIRSTHDR(&header);
        if (part) {
                /* What journald demands of a file: nothing in the datagram, and sealed. */
                int fd, seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
                memcpy(&fd, CMSG_DATA(part), sizeof(int));
                assert_int_equal(length, 0);
                assert_int_equal(fcntl(fd, F_GET_SEALS), seals);
                struct stat status;
                assert_int_equal(fstat(fd, &status), 0);
                received.data = realloc(received.data, (size_t) status.st_size);
                received.length = (size_t) status.st_size;
                assert_int_equal(pread(fd, received.data, received.length, 0), received.length);
                received.was_file = true;
                close(fd);
        }
        return received;
}

/* Takes the next field off the front of `*rest`, strictly by the protocol. */
static struct log_field next_field(struct slice *rest, char *name, size_t name_size) {
        const char *newline = memchr(rest->data, '\n', rest->length);
        assert_non_null(newline);
        size_t line = (size_t) (newline - rest->data);
        const char *equals = memchr(rest->data, '=', line);
        size_t name_length = equals ? (size_t) (equals - rest->data) : line;
        assert_in_range(name_length, 1, name_size - 1);
        memcpy(name, rest->data, name_length);
        name[name_length] = '\0';
        assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"), name_length);

        struct log_field field = { .name = name };
        if (equals) {
                field.value = (struct slice) { equals + 1, line - name_length - 1 };
                *rest = slice_from(*rest, line + 1);
                return field;
        }
        uint64_t length;
        assert_true(rest->length - line - 1 > sizeof(length));
        memcpy(&length, newline + 1, sizeof(length));
        *rest = slice_from(*rest, line + 1 + sizeof(length));
        assert_true(length < rest->length);
        field.value = (struct slice) { rest->data, length };
        assert_int_equal(rest->data[length], '\n');
        *rest = slice_from(*rest, length + 1);
        return field;
}

static void assert_entry(struct received received, const struct log_field *expected, size_t count) {
        struct slice rest = { received.data, received.length };
        size_t found = 0, fields = 0;
        while (rest.length) {
                char name[64];
                struct log_field field = next_field(&rest, name, sizeof(name));
                fields++;
                for (size_t i = 0; i < count; i++)
                        if (strcmp(name, expected[i].name) == 0 && slice_equal(field.value, expected[i].value))
                                found++;
        }
        assert_int_equal(fields, count);
        assert_int_equal(found, count);
}

static void journal_entries_have_their_fields(void **state) {
        struct journal *journal = *state;
        const struct log_field fields[] = {
                { "CCODES_SITE", SLICE_LITERAL("blog") },
                { "CCODES_EMPTY", SLICE_NULL },
        };
        log_event(journal->producer, LOG_LEVEL_NOTICE, MESSAGE_ID_STARTED, fields, 2, "ready %s", "now");
        _cleanup_received_ struct received first = receive(journal);
        assert_entry(first,
                     (const struct log_field[]) {
                                     { "PRIORITY", SLICE_LITERAL("5") },
                                     { "SYSLOG_IDENTIFIER", SLICE_LITERAL("tester") },
                                     { "MESSAGE", SLICE_LITERAL("ready now") },
                                     { "MESSAGE_ID", SLICE_LITERAL(MESSAGE_ID_STARTED) },
                                     { "CCODES_SITE", SLICE_LITERAL("blog") },
                                     { "CCODES_EMPTY", SLICE_NULL },
                     },
                     6);
}

static void no_bytes_can_forge_a_journal_field(void **state) {
        struct journal *journal = *state;
        static const struct slice attacks[] = {
                SLICE_LITERAL("a\nMESSAGE=forged"),
                SLICE_LITERAL("\n"),
                SLICE_LITERAL("\n\nPRIORITY=0\n"),
                SLICE_LITERAL("a\nMESSAGE\n\x03\0\0\0\0\0\0\0abc\n"),
                SLICE_LITERAL("a=b"),
                SLICE_LITERAL("nul\0and\xff\x1b"),
        };
        for (size_t i = 0; i < ELEMENTS_OF(attacks); i++) {
                const struct log_field field = { "CCODES_PATH", attacks[i] };
                log_event(journal->producer, LOG_LEVEL_INFO, NULL, &field, 1, "%.*s", SLICE_PRINTF(attacks[i]));
                _cleanup_received_ struct received received = receive(journal);
                assert_entry(received,
                             (const struct log_field[]) {
                                             { "PRIORITY", SLICE_LITERAL("6") },
                                             { "SYSLOG_IDENTIFIER", SLICE_LITERAL("tester") },
                                             { "MESSAGE",
                                               { attacks[i].data, strnlen(attacks[i].data, attacks[i].length) } },
                                             { "CCODES_PATH", attacks[i] },
                             },
                             4);
        }
}

static void a_large_entry_goes_as_a_sealed_file(void **state) {
        struct journal *journal = *state;
        const size_t length = 3 << 20; /* twice what the kernel makes of SO_SNDBUF would still fit */
        _cleanup_free_ char *large = malloc(length);
        memset(large, 'x', length);
        large[length / 2] = '\n';
        const struct log_field field = { "CCODES_LARGE", { large, length } };
        log_info(journal->producer, "before");
        log_event(journal->producer, LOG_LEVEL_INFO, NULL, &field, 1, "large");
        log_info(journal->producer, "after");

        static const char *const messages[] = { "before", "large", "after" };
        for (size_t i = 0; i < 3; i++) {
                _cleanup_received_ struct received received = receive(journal);
                assert_int_equal(received.was_file, i == 1);
                assert_entry(received,
                             (const struct log_field[]) {
                                             { "PRIORITY", SLICE_LITERAL("6") },
                                             { "SYSLOG_IDENTIFIER", SLICE_LITERAL("tester") },
                                             { "MESSAGE", slice_of(messages[i]) },
                                             field,
                             },
                             i == 1 ? 4 : 3);
        }
        assert_int_equal(logger_dropped(journal->logger), 0);
}

/* Under a system call filter that does not know sendmmsg. */
static void entries_go_one_by_one_where_they_must(void **state) {
        struct journal *journal = *state;
        journal->logger->journal.lacks_sendmmsg = true;
        for (unsigned i = 0; i < 200; i++)
                log_info(journal->producer, "entry %u", i);
        for (unsigned i = 0; i < 200; i++) {
                char message[32];
                (void) snprintf(message, sizeof(message), "\nMESSAGE=entry %u\n", i);
                _cleanup_received_ struct received received = receive(journal);
                assert_non_null(memmem(received.data, received.length, message, strlen(message)));
        }
}

static void *log_many(void *userdata) {
        struct log_producer *producer = userdata;
        for (unsigned i = 0; i < 1000; i++)
                log_info(producer, "entry %u", i);
        return NULL;
}

static void a_slow_journal_gets_every_entry(void **state) {
        struct journal *journal = *state;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, log_many, journal->producer), 0);
        for (unsigned i = 0; i < 1000; i++) {
                char message[32];
                (void) snprintf(message, sizeof(message), "\nMESSAGE=entry %u\n", i);
                _cleanup_received_ struct received received = receive(journal);
                assert_non_null(memmem(received.data, received.length, message, strlen(message)));
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
}

static void send_from_sink(struct log_sink *sink, const void *record, size_t length) {
        struct logger *logger;
        assert_int_equal(length, sizeof(struct logger *));
        memcpy(&logger, record, length);
        const struct log_field field = { "CCODES_STATUS", SLICE_LITERAL("200") };
        logger_send(logger, LOG_LEVEL_INFO, log_realtime(), SLICE_LITERAL("GET /"), &field, 1);
}

static void sinks_send_entries_too(void **state) {
        struct journal *journal = *state;
        struct log_sink sink = { .write = send_from_sink };
        const struct slice part = { (const char *) &journal->logger, sizeof(struct logger *) };
        assert_true(log_record(journal->producer, &sink, 0, &part, 1));
        _cleanup_received_ struct received received = receive(journal);
        assert_entry(received,
                     (const struct log_field[]) {
                                     { "PRIORITY", SLICE_LITERAL("6") },
                                     { "SYSLOG_IDENTIFIER", SLICE_LITERAL("tester") },
                                     { "MESSAGE", SLICE_LITERAL("GET /") },
                                     { "CCODES_STATUS", SLICE_LITERAL("200") },
                     },
                     4);
        logger_free(take_pointer(journal->logger)); /* before the sink's end of life */
}

/* Receives until this message comes; what may come in between is the report of losses. */
static void receive_message(struct journal *journal, const char *message) {
        char line[64];
        (void) snprintf(line, sizeof(line), "\nMESSAGE=%s\n", message);
        for (;;) {
                _cleanup_received_ struct received received = receive(journal);
                if (memmem(received.data, received.length, line, strlen(line)))
                        return;
                assert_non_null(memmem(received.data, received.length, MESSAGE_ID_LOG_DROPPED, 32));
        }
}

static void a_journal_that_comes_back_is_found(void **state) {
        struct journal *journal = *state;
        log_info(journal->producer, "one");
        receive_message(journal, "one");
        journal->fd = close_fd(journal->fd);
        unlink(journal->path);
        log_info(journal->producer, "lost");
        while (logger_dropped(journal->logger) == 0)
                sched_yield();

        bind_journal(journal);
        log_info(journal->producer, "two");
        receive_message(journal, "two");
        log_info(journal->producer, "three");
        receive_message(journal, "three");
}

/* The default length of a datagram queue is 10: some of these wait in the logging thread, which must give up. */
static void a_stuck_journal_does_not_hold_up_the_end(void **state) {
        struct journal *journal = *state;
        for (unsigned i = 0; i < 5000; i++)
                log_info(journal->producer, "entry %u", i);
        logger_free(take_pointer(journal->logger));
        _cleanup_received_ struct received received = receive(journal);
        assert_non_null(memmem(received.data, received.length, "entry 0", 7));
}

/* What the daemons do: first the sandbox, then the log. */
static int log_in_sandbox(struct journal *journal, int command_fd) {
        struct logger *logger;
        struct log_producer *producer;
        const struct logger_options options = {
                .program = "tester",
                .target = LOG_TARGET_JOURNAL,
                .level = LOG_LEVEL_INFO,
                .journal_path = journal->path,
                .console_fd = STDERR_FILENO,
                .patience_ms = 1000,
        };
        struct error error = ERROR_INIT;
        _cleanup_text_ struct text summary = TEXT_INIT;
        const struct sandbox sandbox = { .name = "server", .mode = SANDBOX_PARTIAL };
        if (sandbox_enter(&sandbox, &error, &summary) < 0) {
                (void) fprintf(stderr, "%s\n", error.text);
                return 1;
        }
        if (logger_new_with(&options, NULL, &logger) < 0 || log_producer_new(logger, 16 << 20, &producer) < 0)
                return 1;

        char command;
        for (unsigned i = 0; i < 100; i++)
                log_info(producer, "entry %u", i);
        const size_t length = 3 << 20;
        char *large = calloc(1, length);
        const struct log_field field = { "CCODES_LARGE", { large, length } };
        log_event(producer, LOG_LEVEL_INFO, NULL, &field, 1, "large");
        if (read(command_fd, &command, 1) != 1)
                return 1;
        log_event(producer, LOG_LEVEL_INFO, NULL, &field, 1, "large again");
        log_info(producer, "found again");
        logger_free(logger);
        free(large);
        return 0;
}

static void entries_leave_the_sandbox(void **state) {
        struct journal *journal = *state;
        if (HAS_OTHER_THREADS)
                skip();
        logger_free(take_pointer(journal->logger)); /* its thread would not be in the child */
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                close(journal->fd);
                _exit(log_in_sandbox(journal, ends[0]));
        }
        for (unsigned i = 0; i < 100; i++) {
                char message[32];
                (void) snprintf(message, sizeof(message), "entry %u", i);
                receive_message(journal, message);
        }
        receive_message(journal, "large");
        close_fd(journal->fd);
        unlink(journal->path);
        bind_journal(journal);
        assert_int_equal(write(ends[1], "x", 1), 1);
        receive_message(journal, "large again");
        receive_message(journal, "found again");
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(ends[0]);
        close(ends[1]);
}

static void a_journal_that_is_not_there_is_an_error(void **state) {
        (void) state;
        struct logger *logger = NULL;
        struct logger_options options = {
                .program = "tester",
                .target = LOG_TARGET_JOURNAL,
                .level = LOG_LEVEL_INFO,
                .journal_path = "/nowhere/socket",
                .console_fd = STDERR_FILENO,
                .patience_ms = 50,
        };
        struct error error = ERROR_INIT;
        assert_int_equal(logger_new_with(&options, &error, &logger), -ENOENT);
        assert_memory_equal(error.text, "reaching the journal at /nowhere/socket: ",
                            strlen("reaching the journal at /nowhere/socket: "));
        assert_null(logger);

        /* Chosen because standard error is the journal's, it must not keep the program from starting. */
        struct stat status;
        char stream[64];
        assert_int_equal(fstat(STDERR_FILENO, &status), 0);
        (void) snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) status.st_dev,
                        (unsigned long long) status.st_ino);
        setenv("JOURNAL_STREAM", stream, true);
        options.target = LOG_TARGET_AUTO;
        assert_int_equal(logger_new_with(&options, NULL, &logger), 0);
        assert_false(logger_is_journal(logger));
        logger_free(logger);
        unsetenv("JOURNAL_STREAM");
        logger_free(NULL);
}

#define journal_test(function) cmocka_unit_test_setup_teardown(function, set_up_journal, tear_down_journal)

int main(void) {
        const struct CMUnitTest tests[] = {
                journal_test(journal_entries_have_their_fields),
                journal_test(no_bytes_can_forge_a_journal_field),
                journal_test(a_large_entry_goes_as_a_sealed_file),
                journal_test(entries_go_one_by_one_where_they_must),
                journal_test(a_slow_journal_gets_every_entry),
                journal_test(sinks_send_entries_too),
                journal_test(a_journal_that_comes_back_is_found),
                journal_test(entries_leave_the_sandbox),
                journal_test(a_stuck_journal_does_not_hold_up_the_end),
                cmocka_unit_test(a_journal_that_is_not_there_is_an_error),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
