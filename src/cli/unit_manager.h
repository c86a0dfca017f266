/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/services.h"
#include "shared/error.h"
#include "shared/text.h"

/* systemd, over D-Bus (org.freedesktop.systemd1(5)). Blocking. */
struct unit_manager;

/* -EHOSTDOWN when systemd does not manage this machine. */
int unit_manager_open(struct error *error, struct unit_manager **ret_manager);
void unit_manager_close(struct unit_manager *manager);

static inline void unit_manager_cleanup(struct unit_manager **manager) {
        unit_manager_close(*manager);
}
#define _cleanup_unit_manager_ _cleanup_(unit_manager_cleanup)

#define UNIT_WORD_SIZE 64

struct unit_state {
        char load[UNIT_WORD_SIZE];   /* "loaded", "not-found" */
        char active[UNIT_WORD_SIZE]; /* "active", "inactive", "failed", "activating", "deactivating", "reloading" */
        char sub[UNIT_WORD_SIZE];    /* "running", "listening", "dead" */
        char file[UNIT_WORD_SIZE];   /* "enabled", "disabled", "generated"; "" for none */
        char result[UNIT_WORD_SIZE]; /* of services: "success", "exit-code", "timeout", "watchdog" */
        char text[256];              /* of services: what the service says */
        uint64_t since;              /* realtime us of the last change of `active`; 0: never */
        uint64_t memory, tasks;      /* of services; UINT64_MAX: not known */
        uint32_t restarts;           /* by Restart= */
        pid_t pid;                   /* 0: none */
};

/* A unit that there is not has load "not-found". */
int unit_manager_get(struct unit_manager *manager, const char *unit, struct error *error, struct unit_state *ret_state);

static inline bool unit_state_is_up(const struct unit_state *state) {
        return strcmp(state->active, "active") == 0 || strcmp(state->active, "reloading") == 0;
}

/* -ESRCH when systemd says that the service's unit does not run. 0 when it does, or when there is no systemd to say. */
int unit_manager_require_running(const struct cli_service *service, struct error *error);

enum unit_job {
        UNIT_START,
        UNIT_STOP,
        UNIT_RESTART,
};

/* Starts the job and waits for its end; `on_wait` (may be NULL) is called about every second meanwhile. -EIO when the
 * job did not succeed: the error says what became of the unit. -EACCES without the right. */
int unit_manager_run_job(struct unit_manager *manager, enum unit_job job, const char *unit,
                         void (*on_wait)(void *userdata), void *userdata, struct error *error);

/* `systemctl daemon-reload`: generators run, unit files are read again. */
int unit_manager_reload(struct unit_manager *manager, struct error *error);

/* `systemctl enable` or `disable` of one unit file, with the daemon-reload that belongs to it. */
int unit_manager_enable(struct unit_manager *manager, const char *unit, bool enable, struct error *error);

/* Calls back for each unit in memory whose name matches the pattern (glob(7)). */
typedef void unit_manager_on_unit(const char *name, const char *load, const char *active, const char *sub,
                                  void *userdata);
int unit_manager_list(struct unit_manager *manager, const char *pattern, unit_manager_on_unit *on_unit, void *userdata,
                      struct error *error);

/* Appends the addresses of a socket unit, each once, with ", " between them. */
int unit_manager_append_addresses(struct unit_manager *manager, const char *unit, struct error *error,
                                  struct text *text);
