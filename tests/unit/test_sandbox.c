/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of policy "server", entered by forked children: what they can no longer do, and what still works. Each
 * refused thing is first done outside where that is possible, so that a test which proves nothing fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "shared/sandbox.h"
#include "shared/sandbox_policy.h"
#include "shared/syscall.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

struct folders {
        char base[64];
        char readable[96], writable[96], outside[96]; /* each with a file "f" */
};

static void write_file(const char *folder) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/f", folder);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "content", 7), 7);
}

static int make_folders(void **state) {
        struct folders *folders = calloc(1, sizeof(*folders));
        assert_non_null(folders);
        strcpy(folders->base, "/tmp/ccodes-test-sandbox-XXXXXX");
        assert_non_null(mkdtemp(folders->base));
        char *const paths[] = { folders->readable, folders->writable, folders->outside };
        const char *const names[] = { "readable", "writable", "outside" };
        for (size_t i = 0; i < ELEMENTS_OF(paths); i++) {
                (void) snprintf(paths[i], sizeof(folders->readable), "%s/%s", folders->base, names[i]);
                assert_int_equal(mkdir(paths[i], 0777), 0);
                write_file(paths[i]);
        }
        *state = folders;
        return 0;
}

static int remove_folders(void **state) {
        struct folders *folders = *state;
        const char *const paths[] = { folders->readable, folders->writable, folders->outside };
        for (size_t i = 0; i < ELEMENTS_OF(paths); i++) {
                _cleanup_close_ int fd = open(paths[i], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
                (void) unlinkat(fd, "f", 0);
                (void) unlinkat(fd, "g", 0);
                (void) rmdir(paths[i]);
        }
        int r = rmdir(folders->base);
        free(folders);
        return r;
}

/* What a child does inside: 0 when all is as it should be, otherwise the line that is not. */
typedef int child_body(const struct folders *folders);
#define CHECK(condition)                 \
        do {                             \
                if (!(condition))        \
                        return __LINE__; \
        } while (0)
#define CHECK_FAILS(expression, error_number) CHECK((expression) == -1 && errno == (error_number))

struct outcome {
        int line;   /* of the CHECK that failed; 0: none */
        int signal; /* that ended the child; 0: none */
};

static int enter_and_run(enum sandbox_mode mode, child_body *body, const struct folders *folders) {
        const struct sandbox_path paths[] = {
                { folders->readable, SANDBOX_READ },
                { folders->writable, SANDBOX_READ | SANDBOX_WRITE },
                { "/nonexistent/socket", SANDBOX_CONNECT },
        };
        const struct sandbox sandbox = {
                .name = "server", .mode = mode, .paths = paths, .path_count = ELEMENTS_OF(paths)
        };
        struct error error = ERROR_INIT;
        _cleanup_text_ struct text summary = TEXT_INIT;
        if (sandbox_enter(&sandbox, &error, &summary) < 0) {
                (void) fprintf(stderr, "%s\n", error.text);
                return __LINE__;
        }
        return body(folders);
}

static struct outcome run_child(enum sandbox_mode mode, child_body *body, const struct folders *folders) {
        int channel[2];
        assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int line = enter_and_run(mode, body, folders);
                _exit(write(channel[1], &line, sizeof(line)) == sizeof(line) ? 0 : 1);
        }
        close_fd(channel[1]);
        struct outcome outcome = { 0 };
        bool told = read(channel[0], &outcome.line, sizeof(outcome.line)) == sizeof(outcome.line);
        close_fd(channel[0]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        assert_true(told || outcome.signal != 0);
        return outcome;
}

static void check_inside_mode(enum sandbox_mode mode, child_body *body, void **state) {
        struct outcome outcome = run_child(mode, body, *state);
        assert_int_equal(outcome.signal, 0);
        assert_int_equal(outcome.line, 0);
}

static void check_inside(child_body *body, void **state) {
        check_inside_mode(SANDBOX_ENFORCED, body, state);
}

static void check_killed(child_body *body, void **state) {
        struct outcome outcome = run_child(SANDBOX_ENFORCED, body, *state);
        assert_int_equal(outcome.line, 0);
        assert_int_equal(outcome.signal, SIGSYS);
}

static int open_in(const char *folder, const char *name, int flags) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        return open(path, flags | O_CLOEXEC, 0666);
}

static int body_serves_files(const struct folders *folders) {
        char bytes[16];
        _cleanup_close_ int folder = open(folders->readable, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        CHECK(folder >= 0);
        struct {
                uint64_t flags, mode, resolve;
        } how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = 0x08 /* RESOLVE_BENEATH */ };
        _cleanup_close_ int file = (int) syscall(SYS_openat2, folder, "f", &how, sizeof(how));
        CHECK(file >= 0);
        CHECK(pread(file, bytes, sizeof(bytes), 0) == 7);
        CHECK(syscall(SYS_getdents64, folder, (char[1024]) { 0 }, 1024) > 0);
        struct stat status;
        CHECK(fstat(file, &status) == 0 && fstatat(folder, "f", &status, AT_SYMLINK_NOFOLLOW) == 0);
        CHECK(fcntl(file, F_GETFL) >= 0);
        return 0;
}

static void allowed_files_are_served(void **state) {
        check_inside(body_serves_files, state);
}

static int body_writes(const struct folders *folders) {
        _cleanup_close_ int file = open_in(folders->writable, "g", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
        CHECK(file >= 0 && write(file, "x", 1) == 1 && ftruncate(file, 0) == 0 && fsync(file) == 0);
        _cleanup_close_ int folder = open(folders->writable, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        CHECK(renameat(folder, "g", folder, "h") == 0 && unlinkat(folder, "h", 0) == 0);
        return 0;
}

static void allowed_folders_are_written(void **state) {
        check_inside(body_writes, state);
}

static int body_finds_files_closed(const struct folders *folders) {
        CHECK_FAILS(open("/etc/shadow", O_RDONLY | O_CLOEXEC), EACCES);
        CHECK_FAILS(open("/etc/passwd", O_RDONLY | O_CLOEXEC), EACCES);
        CHECK_FAILS(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), EACCES);
        CHECK_FAILS(open_in(folders->outside, "f", O_RDONLY), EACCES);
        CHECK_FAILS(open_in(folders->outside, "f", O_WRONLY), EACCES);
        CHECK_FAILS(open_in(folders->outside, "g", O_WRONLY | O_CREAT), EACCES);
        CHECK_FAILS(open_in(folders->readable, "f", O_WRONLY), EACCES);
        CHECK_FAILS(open_in(folders->readable, "g", O_WRONLY | O_CREAT), EACCES);
        _cleanup_close_ int folder = open(folders->outside, O_PATH | O_CLOEXEC);
        CHECK_FAILS(unlinkat(folder, "f", 0), EACCES);
        CHECK_FAILS(mkdirat(folder, "d", 0777), EACCES);
        CHECK_FAILS(symlinkat("f", folder, "s"), ENOSYS);
        CHECK_FAILS(mknodat(folder, "n", S_IFIFO | 0666, 0), ENOSYS);
        return 0;
}

static void other_files_are_closed(void **state) {
        const struct folders *folders = *state;
        _cleanup_close_ int passwd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        _cleanup_close_ int outside = open_in(folders->outside, "f", O_RDWR);
        assert_true(passwd >= 0 && outside >= 0);
        check_inside(body_finds_files_closed, state);
}

static int body_writes_state(const struct folders *folders) {
        _cleanup_close_ int file = open_in(folders->outside, "g", O_WRONLY | O_CREAT);
        CHECK(file >= 0);
        return 0;
}

static void folders_of_the_unit_are_written(void **state) {
        const struct folders *folders = *state;
        char list[256];
        (void) snprintf(list, sizeof(list), "/nonexistent/state:%s", folders->outside);
        assert_int_equal(setenv("STATE_DIRECTORY", list, 1), 0);
        check_inside(body_writes_state, state);
        assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
}

static int body_makes_no_connection(const struct folders *folders) {
        CHECK_FAILS(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ENOSYS);
        CHECK_FAILS(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), ENOSYS);
        CHECK_FAILS(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), ENOSYS);
        CHECK_FAILS(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), ENOSYS);
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(pair[1], (char[1]) { 0 }, 1, 0) == 1);
        return 0;
}

static void no_socket_of_another_family(void **state) {
        _cleanup_close_ int outside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(outside >= 0);
        check_inside(body_makes_no_connection, state);
}

/* Listeners are inherited by a fixed number, as from systemd. */
enum { INHERITED_LISTENER = 200, INHERITED_CLIENT = 201 };

static struct sockaddr_in listen_on_loopback(void) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
        assert_int_equal(dup2(fd, INHERITED_LISTENER), INHERITED_LISTENER);
        close_fd(fd);
        return address;
}

static int body_accepts(const struct folders *folders) {
        struct sockaddr_in address;
        socklen_t length = sizeof(address);
        _cleanup_close_ int fd = accept4(INHERITED_LISTENER, (struct sockaddr *) &address, &length, SOCK_CLOEXEC);
        CHECK(fd >= 0);
        CHECK(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int) { 1 }, sizeof(int)) == 0);
        CHECK(write(fd, "x", 1) == 1);
        CHECK(setsockopt(fd, IPPROTO_IP, 2 /* IP_TTL */, &(int) { 1 }, sizeof(int)) == -1 && errno == ENOSYS);
        return 0;
}

static void inherited_listeners_accept(void **state) {
        struct sockaddr_in address = listen_on_loopback();
        _cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (struct sockaddr *) &address, sizeof(address)), 0);
        check_inside(body_accepts, state);
        assert_int_equal(read(client, (char[1]) { 0 }, 1), 1);
        close_fd(INHERITED_LISTENER);
}

/* A socket that came through a listener belongs to the network outside: it must not become a way out. */
static int body_cannot_turn_a_socket_round(const struct folders *folders) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct mmsghdr messages = { .msg_hdr = { .msg_name = &address, .msg_namelen = sizeof(address) } };
        CHECK_FAILS(connect(INHERITED_CLIENT, (struct sockaddr *) &address, sizeof(address)), ENOSYS);
        CHECK_FAILS(bind(INHERITED_CLIENT, (struct sockaddr *) &address, sizeof(address)), ENOSYS);
        CHECK_FAILS(shutdown(INHERITED_LISTENER, SHUT_RDWR), ENOSYS);
        CHECK_FAILS(shutdown(INHERITED_LISTENER, SHUT_RD), ENOSYS);
        CHECK(shutdown(INHERITED_LISTENER, SHUT_WR) == 0);
        CHECK_FAILS(sendmsg(INHERITED_LISTENER, &messages.msg_hdr, MSG_FASTOPEN | MSG_NOSIGNAL), EISCONN);
        CHECK_FAILS(sendmmsg(INHERITED_LISTENER, &messages, 1, MSG_FASTOPEN), ENOSYS);
        CHECK_FAILS(sendto(INHERITED_LISTENER, "x", 1, 0, (struct sockaddr *) &address, sizeof(address)), ENOSYS);
        return 0;
}

static void inherited_sockets_are_no_way_out(void **state) {
        (void) listen_on_loopback();
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(dup2(fd, INHERITED_CLIENT), INHERITED_CLIENT);
        close_fd(fd);
        check_inside(body_cannot_turn_a_socket_round, state);
        close_fd(INHERITED_CLIENT);
        close_fd(INHERITED_LISTENER);
}

/* That the policy has to forbid shutdown() of a listener at all: outside it does become a connection. */
static void a_listener_can_be_turned_round_outside(void **state) {
        (void) state;
        struct sockaddr_in target = listen_on_loopback();
        _cleanup_close_ int target_fd = dup(INHERITED_LISTENER);
        (void) listen_on_loopback();
        struct msghdr message = { .msg_name = &target, .msg_namelen = sizeof(target) };
        assert_int_equal(shutdown(INHERITED_LISTENER, SHUT_RDWR), 0);
        if (sendmsg(INHERITED_LISTENER, &message, MSG_FASTOPEN | MSG_NOSIGNAL) < 0 && errno == EOPNOTSUPP)
                skip(); /* net.ipv4.tcp_fastopen is off for clients */
        _cleanup_close_ int accepted = accept4(target_fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        close_fd(INHERITED_LISTENER);
}

static void *thread_opens(void *userdata) {
        int *result = userdata;
        *result = open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1 ? errno : 0;
        return NULL;
}

static int body_starts_threads(const struct folders *folders) {
        pthread_t thread;
        int result = 0;
        CHECK(pthread_create(&thread, NULL, thread_opens, &result) == 0);
        CHECK(pthread_join(thread, NULL) == 0 && result == EACCES);
        CHECK(prctl(PR_SET_NAME, "worker") == 0);
        return 0;
}

static void threads_start_and_inherit(void **state) {
        check_inside(body_starts_threads, state);
}

static int body_runs_a_loop(const struct folders *folders) {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        _cleanup_close_ int epoll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(1, EFD_CLOEXEC);
        _cleanup_close_ int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), watch = inotify_init1(IN_CLOEXEC);
        _cleanup_close_ int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC), memory = memfd_create("x", MFD_CLOEXEC);
        CHECK(epoll >= 0 && event >= 0 && timer >= 0 && watch >= 0 && signal_fd >= 0 && memory >= 0);
        struct epoll_event ready = { .events = EPOLLIN };
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &ready) == 0 && epoll_wait(epoll, &ready, 1, 1000) == 1);
        CHECK(inotify_add_watch(watch, folders->readable, IN_MODIFY) >= 0);
        struct rlimit limit;
        CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &limit), ENOSYS);
        return 0;
}

static void the_event_loop_works(void **state) {
        check_inside(body_runs_a_loop, state);
}

static int body_makes_nothing_executable(const struct folders *folders) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED);
        CHECK(mprotect(page, 4096, PROT_READ) == 0);
        CHECK_FAILS(mprotect(page, 4096, PROT_READ | PROT_EXEC), ENOSYS);
        CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
        return 0;
}

static void nothing_becomes_executable(void **state) {
        check_inside(body_makes_nothing_executable, state);
}

static int body_makes_no_process(const struct folders *folders) {
        CHECK_FAILS(kill(getppid(), 0), ENOSYS);
        CHECK_FAILS(fork(), ENOSYS);
        return 0;
}

static void no_other_process(void **state) {
        if (SANITIZED) /* whose policy lets LeakSanitizer start its tracer */
                skip();
        check_inside(body_makes_no_process, state);
}

static int body_executes(const struct folders *folders) {
        char *const arguments[] = { (char *) "true", NULL };
        (void) execve("/bin/true", arguments, arguments + 1);
        return __LINE__;
}

static int body_traces(const struct folders *folders) {
        (void) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        return __LINE__;
}

static int body_unshares(const struct folders *folders) {
        (void) unshare(CLONE_NEWUSER);
        return __LINE__;
}

static int body_mounts(const struct folders *folders) {
        (void) mount("none", folders->writable, "tmpfs", 0, NULL);
        return __LINE__;
}

static int body_changes_user(const struct folders *folders) {
        (void) setuid(65534);
        return __LINE__;
}

static int body_opens_a_ring(const struct folders *folders) {
        (void) syscall(SYS_io_uring_setup, 1, NULL);
        return __LINE__;
}

static void attacks_end_the_process(void **state) {
        check_killed(body_executes, state);
        check_killed(body_unshares, state);
        check_killed(body_mounts, state);
        check_killed(body_changes_user, state);
        check_killed(body_opens_a_ring, state);
        if (!SANITIZED)
                check_killed(body_traces, state);
}

#ifdef __x86_64__
static int body_takes_the_other_table(const struct folders *folders) {
        (void) syscall(0x40000000 /* x32 */ | SYS_getpid);
        return __LINE__;
}

static void calls_of_another_architecture_end_it(void **state) {
        check_killed(body_takes_the_other_table, state);
}
#endif

static int body_has_no_privileges(const struct folders *folders) {
        /* /proc is open for the process itself; capget(2) and most of prctl(2) are not */
        _cleanup_free_ char *status = NULL;
        size_t length;
        CHECK(read_whole_file(AT_FDCWD, "/proc/self/status", 65536, &status, &length) == 0);
        CHECK(strstr(status, "NoNewPrivs:\t1\n"));
        CHECK(strstr(status, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"));
        CHECK(strstr(status, "CapAmb:\t0000000000000000\n"));
        if (geteuid() == 0)
                CHECK(strstr(status, "CapBnd:\t0000000000000000\n"));
        return 0;
}

static void privileges_are_gone_in_every_mode(void **state) {
        check_inside_mode(SANDBOX_OFF, body_has_no_privileges, state);
        check_inside_mode(SANDBOX_LOG, body_has_no_privileges, state);
        check_inside_mode(SANDBOX_PARTIAL, body_has_no_privileges, state);
        check_inside_mode(SANDBOX_ENFORCED, body_has_no_privileges, state);
}

static int drop_twice(void) {
        CHECK(sandbox_drop_privileges(NULL) == 0);
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        CHECK(filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) == 0);
        CHECK(seccomp_load(filter) == 0);
        seccomp_release(filter);
        CHECK(sandbox_drop_privileges(NULL) == 0);
        return 0;
}

static void capset_is_not_needed_where_nothing_is_to_drop(void **state) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(drop_twice() == 0 ? 0 : 1);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static int body_is_only_watched(const struct folders *folders) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        _cleanup_close_ int file = open_in(folders->outside, "f", O_RDWR);
        CHECK(fd >= 0 && file >= 0);
        CHECK(unshare(0) == 0);
        return 0;
}

static void log_and_off_refuse_nothing(void **state) {
        check_inside_mode(SANDBOX_LOG, body_is_only_watched, state);
        check_inside_mode(SANDBOX_OFF, body_is_only_watched, state);
}

/* Each ABI that this kernel can stand in for, by the ruleset alone: without seccomp in front of it. */
static int check_abi(int abi, const struct folders *folders, const struct sockaddr_in *address) {
        static const struct sandbox_policy empty = { .name = "empty" };
        const struct sandbox_path path = { folders->writable, SANDBOX_READ | SANDBOX_WRITE };
        size_t count;
        CHECK(sandbox_drop_privileges(NULL) == 0);
        CHECK(sandbox_landlock_enter(&empty, &path, 1, abi, NULL, &count) == 0 && count == 1);

        _cleanup_close_ int inside = open_in(folders->writable, "f", O_RDWR | O_TRUNC);
        CHECK(inside >= 0);
        CHECK_FAILS(open_in(folders->outside, "f", O_RDONLY), EACCES);
        CHECK_FAILS(rename(folders->outside, "/tmp/ccodes-elsewhere"), EACCES);
        char outside[128];
        (void) snprintf(outside, sizeof(outside), "%s/f", folders->outside);
        if (abi >= 3)
                CHECK_FAILS(truncate(outside, 7), EACCES);
        else
                CHECK(truncate(outside, 7) == 0);
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = connect(fd, (const struct sockaddr *) address, sizeof(*address));
        CHECK(abi >= 4 ? r == -1 && errno == EACCES : r == 0);
        r = kill(getppid(), 0);
        CHECK(abi >= 6 ? r == -1 && errno == EPERM : r == 0);
        return 0;
}

static void every_landlock_abi_restricts_what_it_can(void **state) {
        struct sockaddr_in address = listen_on_loopback();
        const int newest = MIN_OF(sandbox_landlock_abi(), 7);
        for (int abi = 1; abi <= newest; abi++) {
                pid_t pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        int line = check_abi(abi, *state, &address);
                        if (line != 0)
                                (void) fprintf(stderr, "ABI %d: line %d\n", abi, line);
                        _exit(line == 0 ? 0 : 1);
                }
                int status;
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        close_fd(INHERITED_LISTENER);
}

/* sandbox_enter in a child that tells its error's text. */
static void check_refused(const struct sandbox *sandbox, int code, const char *text) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct error error = ERROR_INIT;
                struct text summary = TEXT_INIT;
                int r = sandbox_enter(sandbox, &error, &summary);
                bool right = r == code && error.code == code && strcmp(error.text, text) == 0;
                if (!right)
                        (void) fprintf(stderr, "%d: %s\n", r, error.text);
                _exit(right && !summary.data ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void refusals_name_the_place(void **state) {
        const struct sandbox_path missing = { "/nonexistent/root", SANDBOX_READ };
        const struct sandbox with_missing = {
                .name = "server", .mode = SANDBOX_ENFORCED, .paths = &missing, .path_count = 1
        };
        check_refused(&with_missing, -ENOENT,
                      "entering the sandbox 'server': allowing /nonexistent/root: No such file or directory");
        const struct sandbox unknown = { .name = "nobody", .mode = SANDBOX_ENFORCED };
        check_refused(&unknown, -EINVAL, "entering the sandbox 'nobody': there is no policy of this name");
        assert_int_equal(setenv("STATE_DIRECTORY", "relative", 1), 0);
        const struct sandbox plain = { .name = "server", .mode = SANDBOX_ENFORCED };
        check_refused(&plain, -EINVAL,
                      "entering the sandbox 'server': allowing $STATE_DIRECTORY: 'relative' is no absolute path");
        assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
}

static void *thread_waits(void *userdata) {
        (void) read(*(int *) userdata, (char[1]) { 0 }, 1);
        return NULL;
}

static void another_thread_is_refused(void **state) {
        int channel[2];
        pthread_t thread;
        assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
        assert_int_equal(pthread_create(&thread, NULL, thread_waits, &channel[0]), 0);
        struct error error = ERROR_INIT;
        struct text summary = TEXT_INIT;
        const struct sandbox sandbox = { .name = "server", .mode = SANDBOX_ENFORCED };
        int r = sandbox_enter(&sandbox, &error, &summary);
        close_fd(channel[1]);
        assert_int_equal(pthread_join(thread, NULL), 0);
        close_fd(channel[0]);
        assert_int_equal(r, -EBUSY);
        assert_string_equal(error.text,
                            "entering the sandbox 'server': it has to be entered before other threads start");
}

static void summary_tells_what_is_in_force(void **state) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct text summary = TEXT_INIT;
                const struct sandbox sandbox = { .name = "server", .mode = SANDBOX_ENFORCED };
                unsigned abi, places, calls;
                bool right = sandbox_enter(&sandbox, NULL, &summary) == 0 &&
                             sscanf(summary.data,
                                    "no capabilities, Landlock ABI %u with %u places, seccomp with %u calls", &abi,
                                    &places, &calls) == 3 &&
                             places >= 2 && calls > 100;
                _exit(right ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

int main(void) {
        if (sandbox_landlock_abi() == 0) {
                (void) printf("skipped: this kernel has no Landlock\n");
                return 77;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(allowed_files_are_served),
                cmocka_unit_test(allowed_folders_are_written),
                cmocka_unit_test(other_files_are_closed),
                cmocka_unit_test(folders_of_the_unit_are_written),
                cmocka_unit_test(no_socket_of_another_family),
                cmocka_unit_test(inherited_listeners_accept),
                cmocka_unit_test(inherited_sockets_are_no_way_out),
                cmocka_unit_test(a_listener_can_be_turned_round_outside),
                cmocka_unit_test(threads_start_and_inherit),
                cmocka_unit_test(the_event_loop_works),
                cmocka_unit_test(nothing_becomes_executable),
                cmocka_unit_test(no_other_process),
                cmocka_unit_test(attacks_end_the_process),
#ifdef __x86_64__
                cmocka_unit_test(calls_of_another_architecture_end_it),
#endif
                cmocka_unit_test(privileges_are_gone_in_every_mode),
                cmocka_unit_test(capset_is_not_needed_where_nothing_is_to_drop),
                cmocka_unit_test(log_and_off_refuse_nothing),
                cmocka_unit_test(every_landlock_abi_restricts_what_it_can),
                cmocka_unit_test(refusals_name_the_place),
                cmocka_unit_test(another_thread_is_refused),
                cmocka_unit_test(summary_tells_what_is_in_force),
        };
        return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
