/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwords. A terminal shows what is typed again whatever ends the reading: the signals that would end the process
 * wait until it does. */
#include "cli/password_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "shared/syscall.h"
#include "shared/utf8.h"

struct quiet_terminal {
        struct termios before;
        sigset_t mask; /* before */
        int signal_fd; /* readable once such a signal waits */
};

static int quiet_begin(struct quiet_terminal *terminal) {
        sigset_t signals;
        (void) sigemptyset(&signals);
        for (size_t i = 0; i < 4; i++)
                (void) sigaddset(&signals, ((const int[]) { SIGINT, SIGQUIT, SIGTERM, SIGHUP })[i]);
        if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
                return -errno;
        terminal->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
        if (terminal->signal_fd < 0)
                return -errno;
        struct termios quiet = terminal->before;
        quiet.c_lflag = (quiet.c_lflag & ~(tcflag_t) ECHO) | ECHONL;
        (void) sigprocmask(SIG_BLOCK, &signals, &terminal->mask);
        (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        return 0;
}

static void quiet_end(struct quiet_terminal *terminal) {
        (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
        close_fd(terminal->signal_fd);
        (void) sigprocmask(SIG_SETMASK, &terminal->mask, NULL); /* what has waited ends the process here */
}

/* The line without its end. `signal_fd` is -1 for none. */
static int read_line(int signal_fd, char ret_line[PASSWORD_INPUT_SIZE]) {
        struct pollfd sources[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = signal_fd, .events = POLLIN } };
        size_t length = 0;
        while (length < PASSWORD_INPUT_SIZE) {
                if (poll(sources, ELEMENTS_OF(sources), -1) < 0 || sources[1].revents != 0)
                        return -EINTR;
                ssize_t n = NEGATIVE_ERRNO(read(STDIN_FILENO, ret_line + length, PASSWORD_INPUT_SIZE - length));
                if (n <= 0) {
                        ret_line[length] = '\0';
                        return (int) (n < 0 ? n : (ssize_t) length);
                }
                char *end = memchr(ret_line + length, '\n', (size_t) n);
                length += (size_t) n;
                if (end) {
                        *end = '\0';
                        return (int) (end - ret_line);
                }
        }
        return -E2BIG;
}

/* JSON carries text. */
static int check(int length, const char *line, struct error *error) {
        if (length == -E2BIG)
                return error_set(error, -EINVAL, "a password has at most %d bytes", PASSWORD_INPUT_SIZE - 1);
        if (length < 0)
                return error_set_errno(error, length, "reading the password");
        if (length == 0)
                return error_set(error, -EINVAL, "there was no password on standard input");
        if (strlen(line) != (size_t) length || !utf8_is_valid(slice_of(line)))
                return error_set(error, -EINVAL, "a password must be text, in UTF-8");
        return 0;
}

static int ask(struct cli *cli, const char *words, const char *user, struct error *error,
               char ret_password[PASSWORD_INPUT_SIZE]) {
        struct quiet_terminal terminal;
        int r = quiet_begin(&terminal);
        if (r < 0)
                return error_set_errno(error, r, "switching the terminal's echo off");
        output_print(&cli->err, OUTPUT_PLAIN, "%s '%s': ", words, user);
        (void) fflush(cli->err.stream);
        r = read_line(terminal.signal_fd, ret_password);
        quiet_end(&terminal);
        return check(r, ret_password, error);
}

int password_input(struct cli *cli, const char *user, struct error *error, char ret_password[PASSWORD_INPUT_SIZE]) {
        char again[PASSWORD_INPUT_SIZE];
        if (isatty(STDIN_FILENO) != 1)
                return check(read_line(-1, ret_password), ret_password, error);
        int r = ask(cli, "New password of", user, error, ret_password);
        if (r >= 0)
                r = ask(cli, "Once more, the password of", user, error, again);
        if (r >= 0 && strcmp(ret_password, again) != 0)
                r = error_set(error, -EINVAL, "the two passwords differ; nothing was changed");
        explicit_bzero(again, sizeof(again));
        return r;
}
