/* SPDX-License-Identifier: Apache-2.0 */
/* Starts children and waits for them. A failure on the way to exec comes back through a pipe that exec closes: a child
 * that was started is the program that was asked for. */
#include "cli/child.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/syscall.h"

#define OUTPUT_MAX ((size_t) 1 << 20)

static int become_user(const struct passwd *user) {
        if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
                return -errno;
        return 0;
}

/* The child's ends of pipes; -1: none. */
struct child_ends {
        int input, output;
};

static int take_ends(const struct child_options *options, struct child_ends ends) {
        if ((ends.input >= 0 && dup2(ends.input, STDIN_FILENO) < 0) ||
            (ends.output >= 0 && dup2(ends.output, STDOUT_FILENO) < 0) ||
            (ends.output >= 0 && !options->keeps_errors && dup2(ends.output, STDERR_FILENO) < 0))
                return -errno;
        return 0;
}

/* In the child: nothing but system calls, and no return. */
static void become_program(const struct child_options *options, const struct passwd *user, int report_fd,
                           struct child_ends ends, pid_t parent) {
        sigset_t none;
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        int r = user ? become_user(user) : 0;
        if (options->own_group)
                (void) setpgid(0, 0);
        /* Without the user's right to it, which is given up with the uid, it would be forgotten: hence after it. */
        if (options->dies_with_us)
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (options->dies_with_us && getppid() != parent)
                _exit(1);
        if (r >= 0)
                r = take_ends(options, ends);
        if (r >= 0) {
                (void) execv(options->argv[0], (char *const *) options->argv);
                r = -errno;
        }
        ssize_t written = write(report_fd, &r, sizeof(r));
        _exit(written == sizeof(r) ? 127 : 126);
}

static int start(const struct child_options *options, struct child_ends child, struct error *error, pid_t *ret_pid) {
        _cleanup_close_ int read_fd = -1, write_fd = -1;
        int ends[2], failure = 0;
        errno = 0;
        const struct passwd *user = options->user ? getpwnam(options->user) : NULL;
        if (options->user && !user)
                return error_set(error, errno ? -errno : -ENOENT, "there is no user '%s'", options->user);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_set_errno(error, -errno, "starting %s", options->argv[0]);
        read_fd = ends[0];
        write_fd = ends[1];

        pid_t parent = getpid(), pid = fork();
        if (pid < 0)
                return error_set_errno(error, -errno, "starting %s", options->argv[0]);
        if (pid == 0)
                become_program(options, user, write_fd, child, parent);
        write_fd = close_fd(write_fd);
        if (read(read_fd, &failure, sizeof(failure)) == sizeof(failure)) {
                (void) child_wait(pid);
                return error_set_errno(error, failure, "starting %s", options->argv[0]);
        }
        *ret_pid = pid;
        return 0;
}

int child_start(const struct child_options *options, struct error *error, pid_t *ret_pid) {
        return start(options, (struct child_ends) { -1, -1 }, error, ret_pid);
}

int child_wait(pid_t pid) {
        int status;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* To the end of what the child writes; what is too much is read and forgotten. */
static void gather(int fd, struct text *output) {
        char bytes[4096];
        for (;;) {
                ssize_t length = read(fd, bytes, sizeof(bytes));
                if (length < 0 && errno == EINTR)
                        continue;
                if (length <= 0)
                        break;
                if (output->length + (size_t) length <= OUTPUT_MAX)
                        text_append(output, (struct slice) { bytes, (size_t) length });
        }
        explicit_bzero(bytes, sizeof(bytes)); /* it may have been a key */
}

/* The end from which the child reads the input, which is all in the pipe. */
static int offer(struct slice input) {
        int ends[2];
        if (input.length > CHILD_INPUT_MAX)
                return -E2BIG;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        int r = write_whole(ends[1], input.data, input.length);
        close_fd(ends[1]);
        if (r < 0)
                close_fd(ends[0]);
        return r < 0 ? r : ends[0];
}

int child_run(const struct child_options *options, struct error *error) {
        _cleanup_close_ int read_fd = -1, write_fd = -1, input_fd = -1;
        pid_t pid = -1;
        if (options->input.data && (input_fd = offer(options->input)) < 0)
                return error_set_errno(error, input_fd, "starting %s", options->argv[0]);
        if (options->output) {
                int ends[2];
                if (pipe2(ends, O_CLOEXEC) < 0)
                        return error_set_errno(error, -errno, "starting %s", options->argv[0]);
                read_fd = ends[0];
                write_fd = ends[1];
        }
        int r = start(options, (struct child_ends) { input_fd, write_fd }, error, &pid);
        if (r < 0)
                return r;
        write_fd = close_fd(write_fd);
        if (options->output)
                gather(read_fd, options->output);
        return child_wait(pid);
}
