/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pools of a daemon, each for one kind of waiting, so that none holds up another: for the disk, for what is
 * written and synced, for the processor. The last has half of the processors, the workers' is the rest. What happens in
 * each shows in the metrics. */
#include <sched.h>

#include "daemon/state.h"

#define DISK_THREADS 4
#define COMPUTE_THREADS_MAX 16
#define QUEUE 4096

static double read_waiting(void *userdata) {
        return (double) thread_pool_figures(userdata).waiting;
}

static double read_running(void *userdata) {
        return (double) thread_pool_figures(userdata).running;
}

static double read_taken(void *userdata) {
        return (double) thread_pool_figures(userdata).taken;
}

static double read_refused(void *userdata) {
        return (double) thread_pool_figures(userdata).refused;
}

/* The series of one family follow each other. */
static int add_family(struct daemon *daemon, enum metric_type type, const char *name, const char *help,
                      double (*read)(void *userdata)) {
        const struct {
                const char *labels;
                struct thread_pool *pool;
        } series[] = {
                { "pool=\"lookups\"", daemon->pool },
                { "pool=\"writers\"", daemon->writers },
                { "pool=\"compute\"", daemon->compute },
        };
        int r = 0;
        for (size_t i = 0; i < ELEMENTS_OF(series) && r >= 0; i++)
                r = metrics_add_callback(daemon->metrics, type, name, NULL, help, series[i].labels, read,
                                         series[i].pool);
        return r;
}

unsigned daemon_cpus(void) {
        cpu_set_t cpus;
        int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
        return count > 0 ? (unsigned) count : 1;
}

int daemon_pools_make(struct daemon *daemon) {
        unsigned compute_threads = MIN_OF(MAX_OF(daemon_cpus() / 2, 1U), (unsigned) COMPUTE_THREADS_MAX);
        int r = thread_pool_new("pool", DISK_THREADS, QUEUE, &daemon->pool);
        if (r >= 0)
                r = thread_pool_new("writers", DISK_THREADS, QUEUE, &daemon->writers);
        if (r >= 0)
                r = thread_pool_new("compute", compute_threads, QUEUE, &daemon->compute);
        if (r >= 0)
                r = add_family(daemon, METRIC_GAUGE, "ccodes_pool_waiting_tasks",
                               "Tasks in the queue of a thread pool.", read_waiting);
        if (r >= 0)
                r = add_family(daemon, METRIC_GAUGE, "ccodes_pool_running_tasks",
                               "Tasks that threads of a pool work on.", read_running);
        if (r >= 0)
                r = add_family(daemon, METRIC_COUNTER, "ccodes_pool_tasks", "Tasks that a thread pool was given.",
                               read_taken);
        if (r >= 0)
                r = add_family(daemon, METRIC_COUNTER, "ccodes_pool_refused_tasks",
                               "Tasks that found the queue of a thread pool full.", read_refused);
        return r;
}

void daemon_pools_free(struct daemon *daemon) {
        thread_pool_free(daemon->pool);
        thread_pool_free(daemon->writers);
        thread_pool_free(daemon->compute);
}
