/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/error.h"

/*
 * What systemd gives a service and what it wants to hear: socket activation, notification, watchdog, the
 * descriptor store, credentials and the directories of the unit. Each call does nothing, or finds nothing, when the
 * program was not started by systemd.
 */

/* A descriptor that was passed, under its FileDescriptorName=. */
struct service_fd {
        int fd;
        char *name;
};

struct service_fds {
        struct service_fd *items;
        size_t count;
};

/* Takes what LISTEN_FDS and LISTEN_FDNAMES announce, sockets and what the descriptor store kept alike: sets
 * close-on-exec, clears the variables (call it before other threads start). Names repeat. The order is systemd's own,
 * not that of the configuration: go by name, and by getsockname(2) within one name. */
int service_take_fds(struct error *error, struct service_fds *ret_fds);

/* Takes the first descriptor with this name out of the set; -1 when there is none (left). */
int service_fds_claim(struct service_fds *fds, const char *name);

/* Closes what was not claimed. */
void service_fds_done(struct service_fds *fds);

/* sd_notify(3). `status` is one line for `systemctl status`; NULL leaves it. Control characters become spaces. Each is
 * a system call or two that do not wait in practice; any thread. */
void service_notify_ready(const char *status);
void service_notify_reloading(void);
void service_notify_stopping(const char *status);
void service_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void service_notify_watchdog(void);

/* Asks systemd for more time than TimeoutStopSec= and the like allow. */
void service_notify_extend_timeout(uint64_t usec);

/* Half of WatchdogSec=, the interval at which to feed it, in us; 0 when there is no watchdog. */
uint64_t service_watchdog_interval(void);

/* Keeps a duplicate of `fd` over restarts and crashes (not over stop) under `name`; it comes back by service_take_fds.
 * Older ones of that name go. -EINVAL for a name that is not printable ASCII without ':'; -EOPNOTSUPP when systemd is
 * not there. A unit without FileDescriptorStoreMax= cannot be told from one that has it: it forgets silently. */
int service_store_fd(const char *name, int fd);
void service_forget_fd(const char *name);

/* A credential (systemd.exec(5), LoadCredential=): NUL-terminated, the caller frees. -ENOENT when there is none, -EFBIG
 * when it has more than `limit` bytes, -EINVAL when `name` is no file name. */
int service_read_credential(const char *name, size_t limit, char **ret_data, size_t *ret_length);

/* Standard error goes to the journal: JOURNAL_STREAM names it (systemd.exec(5)). */
bool service_stderr_is_journal(void);
