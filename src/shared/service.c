/* SPDX-License-Identifier: Apache-2.0 */
/* Speaks sd_listen_fds(3) and sd_notify(3) for the programs. Holds no state of its own: everything comes from the
 * environment that systemd set. What goes to systemd is one line a variable, so a text never brings its own newline. */
#include "shared/service.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "shared/syscall.h"
#include "shared/utf8.h"

/* Longer ones would not be read in `systemctl status` anyway. */
#define STATUS_MAX 512

static void free_names(char ***names) {
        if (!*names)
                return;
        for (char **name = *names; *name; name++)
                free(*name);
        free(*names);
}

int service_take_fds(struct error *error, struct service_fds *ret_fds) {
        _cleanup_(free_names) char **names = NULL;
        int count = sd_listen_fds_with_names(true, &names);
        if (count < 0)
                return error_set_errno(error, count, "taking the sockets that systemd passed (LISTEN_FDS)");

        struct service_fds fds = { .items = calloc((size_t) count + 1, sizeof(struct service_fd)) };
        if (!fds.items)
                return error_set_errno(error, -ENOMEM, "taking the sockets that systemd passed");
        for (; fds.count < (size_t) count; fds.count++)
                fds.items[fds.count] = (struct service_fd) {
                        .fd = SD_LISTEN_FDS_START + (int) fds.count,
                        .name = take_pointer(names[fds.count]),
                };
        *ret_fds = fds;
        return 0;
}

int service_fds_claim(struct service_fds *fds, const char *name) {
        for (size_t i = 0; i < fds->count; i++)
                if (fds->items[i].fd >= 0 && strcmp(fds->items[i].name, name) == 0)
                        return take_fd(&fds->items[i].fd);
        return -1;
}

void service_fds_done(struct service_fds *fds) {
        for (size_t i = 0; i < fds->count; i++) {
                close_fd(fds->items[i].fd);
                free(fds->items[i].name);
        }
        free(fds->items);
        *fds = (struct service_fds) { 0 };
}

/* Appends "STATUS=…" as systemd takes it: valid UTF-8, and nothing that ends the line and so begins another variable. */
static void notify_with_status(const char *variables, const char *status) {
        char message[STATUS_MAX + 128];
        size_t length = (size_t) snprintf(message, sizeof(message), "%s%s", variables, status ? "STATUS=" : "");
        struct slice rest = slice_of(status);
        while (rest.length && length < STATUS_MAX) {
                size_t size;
                bool is_valid = utf8_next(rest, &size);
                if (!is_valid)
                        message[length++] = '?';
                else if (size == 1 && iscntrl((unsigned char) *rest.data))
                        message[length++] = ' ';
                else
                        length = (size_t) ((char *) mempcpy(message + length, rest.data, size) - message);
                rest = slice_from(rest, size);
        }
        message[length] = '\0';
        (void) sd_notify(false, message); /* nobody can be told when systemd does not listen */
}

void service_notify_ready(const char *status) {
        notify_with_status("READY=1\n", status);
}

void service_notify_reloading(void) {
        /* Type=notify-reload (systemd 253 and later) wants to see that this is not an old message. */
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        (void) sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
                          (unsigned long long) now.tv_sec * 1000000 + (unsigned long long) now.tv_nsec / 1000);
}

void service_notify_stopping(const char *status) {
        notify_with_status("STOPPING=1\n", status);
}

void service_notify_status(const char *format, ...) {
        char status[STATUS_MAX];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(status, sizeof(status), format, arguments);
        va_end(arguments);
        notify_with_status("", status);
}

void service_notify_watchdog(void) {
        (void) sd_notify(false, "WATCHDOG=1");
}

void service_notify_extend_timeout(uint64_t usec) {
        (void) sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long) usec);
}

uint64_t service_watchdog_interval(void) {
        uint64_t usec = 0;
        return sd_watchdog_enabled(false, &usec) > 0 ? usec / 2 : 0;
}

/* As systemd judges FDNAME=: printable ASCII without the colon that separates names in LISTEN_FDNAMES. */
static bool is_fd_name(const char *name) {
        size_t length = 0;
        for (; name[length]; length++)
                if (name[length] <= ' ' || name[length] >= 0x7f || name[length] == ':')
                        return false;
        return length > 0 && length < 256;
}

int service_store_fd(const char *name, int fd) {
        if (!is_fd_name(name))
                return -EINVAL;
        service_forget_fd(name);

        char message[512];
        (void) snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s", name);
        int r = sd_pid_notify_with_fds(0, false, message, &fd, 1);
        if (r < 0)
                return r;
        return r == 0 ? -EOPNOTSUPP : 0;
}

void service_forget_fd(const char *name) {
        if (is_fd_name(name))
                (void) sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

int service_read_credential(const char *name, size_t limit, char **ret_data, size_t *ret_length) {
        if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return -EINVAL;
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        if (!directory)
                return -ENOENT;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (fd < 0)
                return fd;
        return read_whole_file(fd, name, limit, ret_data, ret_length);
}

bool service_stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        struct stat status;
        unsigned long long device, inode;
        char rest;
        return stream && sscanf(stream, "%llu:%llu%c", &device, &inode, &rest) == 2 &&
               fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}
