/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of upload folders. A round that is under way holds references of its folders, and nothing else of the
 * generation that began it. */
#include "server/upload/upload_upkeep.h"

#include <errno.h>
#include <stdlib.h>

#include "server/upload/upload_mount.h"
#include "server/upload/upload_sweep.h"
#include "shared/syscall.h"

#define INTERVAL_MSEC 5000

struct round_folder {
        struct upload_folder *folder; /* a reference */
        uint64_t keep_parts;
};

struct upkeep_round {
        struct thread_task task;
        struct upload_upkeep *upkeep; /* NULL: it has gone */
        size_t count;
        struct round_folder folders[];
};

struct upload_upkeep {
        struct http_worker *worker;
        struct timer timer;
        struct upkeep_round *round; /* under way; NULL: none */
        const struct site *sites;
        size_t site_count, mount_count;
};

static void run_round(struct thread_task *task) {
        struct upkeep_round *round = container_of(task, struct upkeep_round, task);
        for (size_t i = 0; i < round->count; i++) {
                upload_sweep(round->folders[i].folder, round->folders[i].keep_parts);
                upload_folder_recount(round->folders[i].folder);
        }
}

static void free_round(struct upkeep_round *round) {
        for (size_t i = 0; i < round->count; i++)
                (void) upload_folder_unref(round->folders[i].folder);
        free(round);
}

static void set_timer(struct upload_upkeep *upkeep) {
        loop_timer_start(upkeep->worker->loop, &upkeep->timer, loop_now(upkeep->worker->loop) + INTERVAL_MSEC);
}

static void round_done(struct thread_task *task) {
        struct upkeep_round *round = container_of(task, struct upkeep_round, task);
        if (round->upkeep) {
                round->upkeep->round = NULL;
                set_timer(round->upkeep);
        }
        free_round(round);
}

static void add_mounts(struct upkeep_round *round, const struct site *site) {
        for (size_t i = 0; i < site->mount_count; i++)
                round->folders[round->count++] = (struct round_folder) { upload_folder_ref(site->mounts[i].folder),
                                                                         site->mounts[i].config->keep_parts };
}

static void begin_round(struct upload_upkeep *upkeep) {
        struct http_worker *worker = upkeep->worker;
        struct upkeep_round *round = calloc(1, sizeof(*round) + upkeep->mount_count * sizeof(round->folders[0]));
        if (!round) {
                set_timer(upkeep);
                return;
        }
        round->task = (struct thread_task) { .run = run_round, .done = round_done };
        for (size_t i = 0; i < upkeep->site_count; i++)
                add_mounts(round, &upkeep->sites[i]);
        if (thread_pool_submit(worker->services->writers, worker->loop, &round->task) < 0) {
                free_round(round);
                set_timer(upkeep);
                return;
        }
        round->upkeep = upkeep;
        upkeep->round = round;
}

static void on_timer(struct timer *timer, void *userdata) {
        (void) timer;
        begin_round(userdata);
}

int upload_upkeep_new(struct http_worker *worker, const struct site *sites, size_t count,
                      struct upload_upkeep **ret_upkeep) {
        size_t mounts = 0;
        for (size_t i = 0; i < count; i++)
                mounts += sites[i].mount_count;
        *ret_upkeep = NULL;
        if (mounts == 0)
                return 0;
        struct upload_upkeep *upkeep = calloc(1, sizeof(*upkeep));
        if (!upkeep)
                return -ENOMEM;
        *upkeep = (struct upload_upkeep) {
                .worker = worker, .sites = sites, .site_count = count, .mount_count = mounts
        };
        timer_init(&upkeep->timer, on_timer, upkeep);
        begin_round(upkeep);
        *ret_upkeep = upkeep;
        return 0;
}

void upload_upkeep_free(struct upload_upkeep *upkeep) {
        if (!upkeep)
                return;
        loop_timer_stop(upkeep->worker->loop, &upkeep->timer);
        if (upkeep->round)
                upkeep->round->upkeep = NULL;
        free(upkeep);
}
