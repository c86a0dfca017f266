/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd passes and hears, against a socket of our own in systemd's place. Each case that needs an environment
 * or low descriptor numbers of its own runs in a child. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "shared/service.h"
#include "shared/syscall.h"

struct fixture {
        char folder[32];
        char socket_path[64];
        int socket; /* what would be systemd's */
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        strcpy(fixture->folder, "/tmp/test_service.XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        (void) snprintf(fixture->socket_path, sizeof(fixture->socket_path), "%s/notify", fixture->folder);
        fixture->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, fixture->socket_path);
        assert_int_equal(bind(fixture->socket, (struct sockaddr *) &address, sizeof(address)), 0);
        unsetenv("JOURNAL_STREAM");
        unsetenv("WATCHDOG_USEC");
        unsetenv("CREDENTIALS_DIRECTORY");
        setenv("NOTIFY_SOCKET", fixture->socket_path, true);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        close(fixture->socket);
        unlink(fixture->socket_path);
        assert_int_equal(rmdir(fixture->folder), 0);
        free(fixture);
        return 0;
}

/* The next message, and the descriptor that came with it in *ret_fd (-1: none). Empty when there is none. */
static void receive(struct fixture *fixture, char *message, size_t size, int *ret_fd) {
        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control;
        struct iovec vector = { message, size - 1 };
        struct msghdr header = {
                .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t length = recvmsg(fixture->socket, &header, MSG_CMSG_CLOEXEC);
        message[length < 0 ? 0 : length] = '\0';
        *ret_fd = -1;
        struct cmsghdr *part = length < 0 ? NULL : CMSG_FIRSTHDR(&header);
        if (part && part->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(part), sizeof(int));
}

static void expect_message(struct fixture *fixture, const char *expected) {
        char message[2048];
        int fd;
        receive(fixture, message, sizeof(message), &fd);
        assert_string_equal(message, expected);
        assert_int_equal(fd, -1);
}

static void notifications_are_as_documented(void **state) {
        struct fixture *fixture = *state;
        service_notify_ready("Serving 2 sites");
        expect_message(fixture, "READY=1\nSTATUS=Serving 2 sites");
        service_notify_ready(NULL);
        expect_message(fixture, "READY=1\n");
        service_notify_stopping("Draining");
        expect_message(fixture, "STOPPING=1\nSTATUS=Draining");
        service_notify_status("%d connections", 7);
        expect_message(fixture, "STATUS=7 connections");
        service_notify_watchdog();
        expect_message(fixture, "WATCHDOG=1");
        service_notify_extend_timeout(5000000);
        expect_message(fixture, "EXTEND_TIMEOUT_USEC=5000000");

        char message[256];
        unsigned long long usec;
        int fd;
        service_notify_reloading();
        receive(fixture, message, sizeof(message), &fd);
        assert_int_equal(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t now_usec = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
        assert_in_range(usec, now_usec - 60000000, now_usec);
}

static void a_status_cannot_set_another_variable(void **state) {
        struct fixture *fixture = *state;
        service_notify_status("site %s", "a\nMAINPID=1\r\x1b[2J");
        expect_message(fixture, "STATUS=site a MAINPID=1  [2J");
        service_notify_status("%s", "gr\xc3\xbc\xc3\x9f \xff\xc3");
        expect_message(fixture, "STATUS=gr\xc3\xbc\xc3\x9f ??");

        /* A long one is cut between two characters: systemd takes no broken UTF-8. */
        char status[2001] = "";
        for (size_t i = 0; i < sizeof(status) - 1; i += 2)
                memcpy(status + i, "\xc3\xbc", 2);
        for (size_t shift = 0; shift < 2; shift++) {
                char message[2048];
                int fd;
                service_notify_stopping(status + shift);
                receive(fixture, message, sizeof(message), &fd);
                size_t length = strlen(message);
                assert_in_range(length, 256, 600);
                assert_memory_equal(message + length - 2, "\xc3\xbc", 2);
        }
}

static void nothing_happens_without_systemd(void **state) {
        struct fixture *fixture = *state;
        unsetenv("NOTIFY_SOCKET");
        service_notify_ready("x");
        service_notify_watchdog();
        service_forget_fd("x");
        assert_int_equal(service_store_fd("x", STDERR_FILENO), -EOPNOTSUPP);
        assert_int_equal(service_watchdog_interval(), 0);
        expect_message(fixture, "");

        struct error error = ERROR_INIT;
        struct service_fds fds;
        assert_int_equal(service_take_fds(&error, &fds), 0);
        assert_int_equal(fds.count, 0);
        assert_int_equal(service_fds_claim(&fds, "http"), -1);
        service_fds_done(&fds);

        char *data;
        size_t length;
        assert_int_equal(service_read_credential("key", 100, &data, &length), -ENOENT);
        assert_false(service_stderr_is_journal());
}

static void the_watchdog_is_fed_twice_an_interval(void **state) {
        (void) state;
        char pid[32];
        (void) snprintf(pid, sizeof(pid), "%d", (int) getpid());
        setenv("WATCHDOG_USEC", "30000000", true);
        setenv("WATCHDOG_PID", pid, true);
        assert_int_equal(service_watchdog_interval(), 15000000);
        setenv("WATCHDOG_PID", "1", true); /* meant for another process */
        assert_int_equal(service_watchdog_interval(), 0);
        unsetenv("WATCHDOG_PID");
        unsetenv("WATCHDOG_USEC");
}

static void stored_descriptors_carry_their_name(void **state) {
        struct fixture *fixture = *state;
        _cleanup_close_ int memory = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(service_store_fd("ticket-keys", memory), 0);
        expect_message(fixture, "FDSTOREREMOVE=1\nFDNAME=ticket-keys");

        char message[256];
        _cleanup_close_ int stored = -1;
        receive(fixture, message, sizeof(message), &stored);
        assert_string_equal(message, "FDSTORE=1\nFDNAME=ticket-keys");
        struct stat sent, received;
        assert_int_equal(fstat(memory, &sent), 0);
        assert_int_equal(fstat(stored, &received), 0);
        assert_int_equal(sent.st_ino, received.st_ino);

        service_forget_fd("ticket-keys");
        expect_message(fixture, "FDSTOREREMOVE=1\nFDNAME=ticket-keys");

        char long_name[257];
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        const char *bad_names[] = { "", "a:b", "a b", "a\nFDSTORE=1", "\x7f", "\xc3\xbc", long_name };
        for (size_t i = 0; i < ELEMENTS_OF(bad_names); i++) {
                assert_int_equal(service_store_fd(bad_names[i], memory), -EINVAL);
                service_forget_fd(bad_names[i]);
        }
        expect_message(fixture, "");
}

/* Runs `body` in a child that has `count` descriptors from 3 on, as systemd would start it. */
static void in_child_with_fds(const char *names, int count, int (*body)(ino_t *inodes)) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                ino_t inodes[8];
                for (int i = 0; i < count; i++) {
                        struct stat status;
                        int fd = memfd_create("test", 0);
                        if (fd < 0 || fstat(fd, &status) < 0 || dup2(fd, 3 + i) < 0)
                                _exit(100);
                        if (fd > 3 + i)
                                close(fd);
                        inodes[i] = status.st_ino;
                }
                char text[32];
                (void) snprintf(text, sizeof(text), "%d", (int) getpid());
                setenv("LISTEN_PID", text, true);
                (void) snprintf(text, sizeof(text), "%d", count);
                setenv("LISTEN_FDS", text, true);
                if (names)
                        setenv("LISTEN_FDNAMES", names, true);
                _exit(body(inodes));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* For use in the child, where cmocka cannot fail a test. */
#define CHECK(condition)                                                          \
        do {                                                                      \
                if (!(condition)) {                                               \
                        (void) fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
                        return 1;                                                 \
                }                                                                 \
        } while (0)

static bool is_inode(int fd, ino_t inode) {
        struct stat status;
        return fstat(fd, &status) == 0 && status.st_ino == inode;
}

static int take_repeated_names(ino_t *inodes) {
        struct error error = ERROR_INIT;
        struct service_fds fds;
        CHECK(service_take_fds(&error, &fds) == 0);
        CHECK(fds.count == 5);
        for (size_t i = 0; i < fds.count; i++)
                CHECK(fcntl(fds.items[i].fd, F_GETFD) == FD_CLOEXEC);
        CHECK(!getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES") && !getenv("LISTEN_PID"));

        CHECK(is_inode(service_fds_claim(&fds, "http"), inodes[0]));
        CHECK(is_inode(service_fds_claim(&fds, "http"), inodes[2]));
        CHECK(is_inode(service_fds_claim(&fds, "ticket-keys"), inodes[3]));
        CHECK(service_fds_claim(&fds, "http") == -1);
        CHECK(service_fds_claim(&fds, "") == -1);
        service_fds_done(&fds);

        /* What was not claimed is closed, what was claimed is not. */
        CHECK(fcntl(3, F_GETFD) >= 0 && fcntl(5, F_GETFD) >= 0 && fcntl(6, F_GETFD) >= 0);
        CHECK(fcntl(4, F_GETFD) < 0 && fcntl(7, F_GETFD) < 0);
        service_fds_done(&fds);
        return 0;
}

static int take_without_names(ino_t *inodes) {
        struct error error = ERROR_INIT;
        struct service_fds fds;
        CHECK(service_take_fds(&error, &fds) == 0);
        CHECK(fds.count == 2);
        CHECK(is_inode(service_fds_claim(&fds, "unknown"), inodes[0]));
        service_fds_done(&fds);
        return 0;
}

static int take_with_wrong_names(ino_t *inodes) {
        (void) inodes;
        struct error error = ERROR_INIT;
        struct service_fds fds;
        CHECK(service_take_fds(&error, &fds) < 0);
        CHECK(error_is_set(&error) && strstr(error.text, "LISTEN_FDS"));
        return 0;
}

static int take_what_is_meant_for_another(ino_t *inodes) {
        (void) inodes;
        setenv("LISTEN_PID", "1", true);
        struct service_fds fds;
        CHECK(service_take_fds(NULL, &fds) == 0 && fds.count == 0);
        return 0;
}

static int take_what_is_not_open(ino_t *inodes) {
        (void) inodes;
        close(4);
        struct error error = ERROR_INIT;
        struct service_fds fds;
        CHECK(service_take_fds(&error, &fds) == -EBADF && error_is_set(&error));
        return 0;
}

static void descriptors_are_taken_by_name(void **state) {
        (void) state;
        in_child_with_fds("http:https:http:ticket-keys:stored", 5, take_repeated_names);
        in_child_with_fds(NULL, 2, take_without_names);
        in_child_with_fds("one:two:three", 2, take_with_wrong_names);
        in_child_with_fds("one:two", 2, take_what_is_meant_for_another);
        in_child_with_fds("one:two", 2, take_what_is_not_open);
}

static void credentials_are_files_of_one_folder(void **state) {
        struct fixture *fixture = *state;
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/key", fixture->folder);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fwrite("a\0b", 1, 3, file);
        fclose(file);
        setenv("CREDENTIALS_DIRECTORY", fixture->folder, true);

        char *data = NULL;
        size_t length = 0;
        assert_int_equal(service_read_credential("key", 3, &data, &length), 0);
        assert_int_equal(length, 3);
        assert_memory_equal(data, "a\0b", 4);
        free(data);
        assert_int_equal(service_read_credential("key", 2, &data, &length), -EFBIG);
        assert_int_equal(service_read_credential("other", 2, &data, &length), -ENOENT);
        const char *bad_names[] = { "", ".", "..", "../key", "/etc/passwd", "a/b" };
        for (size_t i = 0; i < ELEMENTS_OF(bad_names); i++)
                assert_int_equal(service_read_credential(bad_names[i], 100, &data, &length), -EINVAL);
        unlink(path);
        setenv("CREDENTIALS_DIRECTORY", "/nowhere", true);
        assert_int_equal(service_read_credential("key", 100, &data, &length), -ENOENT);
}

static void the_journal_is_known_by_device_and_inode(void **state) {
        (void) state;
        struct stat status;
        assert_int_equal(fstat(STDERR_FILENO, &status), 0);
        char stream[64];
        (void) snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) status.st_dev,
                        (unsigned long long) status.st_ino);
        setenv("JOURNAL_STREAM", stream, true);
        assert_true(service_stderr_is_journal());
        strcat(stream, "1");
        setenv("JOURNAL_STREAM", stream, true);
        assert_false(service_stderr_is_journal());
        const char *bad_streams[] = { "", "1", "1:", ":1", "a:b" };
        for (size_t i = 0; i < ELEMENTS_OF(bad_streams); i++) {
                setenv("JOURNAL_STREAM", bad_streams[i], true);
                assert_false(service_stderr_is_journal());
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(notifications_are_as_documented, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_status_cannot_set_another_variable, set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_happens_without_systemd, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_watchdog_is_fed_twice_an_interval, set_up, tear_down),
                cmocka_unit_test_setup_teardown(stored_descriptors_carry_their_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors_are_taken_by_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(credentials_are_files_of_one_folder, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_journal_is_known_by_device_and_inode, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
