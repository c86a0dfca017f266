/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at one instance from both sides: systemd's and its own. */
#include "cli/instance.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/output.h"

#define SAMPLE_USEC 300000 /* between the two looks that give requests a second */

static double monotonic_seconds(void) {
        struct timespec time;
        (void) clock_gettime(CLOCK_MONOTONIC, &time);
        return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* The difference of the counters of two answers is the present rate; the first question counts in the second answer. */
static int ask(struct instance *instance, struct error *error) {
        _cleanup_json_ struct json_object *later = NULL;
        double began = monotonic_seconds();
        int r = admin_get_json(instance->socket, "/status", error, &instance->status);
        if (r < 0)
                return r;
        (void) usleep(SAMPLE_USEC);
        if (admin_get_json(instance->socket, "/status", NULL, &later) < 0)
                return 0;
        int64_t more = json_member_integer(later, "requests") - json_member_integer(instance->status, "requests") - 1;
        instance->rate = more > 0 ? (double) more / (monotonic_seconds() - began) : 0;
        return 0;
}

void instance_look(struct instance *instance, struct unit_manager *manager) {
        struct error error = ERROR_INIT;
        instance->rate = -1;
        instance->state = (struct unit_state) { .memory = UINT64_MAX, .tasks = UINT64_MAX };
        if (manager && unit_manager_get(manager, instance->unit, NULL, &instance->state) >= 0)
                instance->has_state = strcmp(instance->state.load, "not-found") != 0;
        if (instance->has_state && instance->state.pid == 0)
                return;
        int r = ask(instance, &error);
        if (r < 0 && (instance->has_state || r != -ESRCH))
                instance->problem = strdup(error.text);
}

void instance_done(struct instance *instance) {
        json_object_put(instance->status);
        instance->status = NULL;
        free(instance->problem);
        instance->problem = NULL;
}

double instance_average_rate(const struct instance *instance) {
        double age = (double) time(NULL) - json_member_number(instance->status, "started");
        return (double) json_member_integer(instance->status, "requests") / (age > 1 ? age : 1);
}

static void add_state(struct json_object *object, const struct unit_state *state) {
        json_object_object_add(object, "load", output_json_string(state->load));
        json_object_object_add(object, "active", output_json_string(state->active));
        json_object_object_add(object, "sub", output_json_string(state->sub));
        json_object_object_add(object, "enabled", output_json_string(state->file));
        json_object_object_add(object, "result", output_json_string(state->result));
        json_object_object_add(object, "since",
                               state->since ? json_object_new_double((double) state->since / 1e6) : NULL);
        json_object_object_add(object, "pid", state->pid ? json_object_new_int((int) state->pid) : NULL);
        json_object_object_add(object, "restarts", json_object_new_int64(state->restarts));
        json_object_object_add(object, "memory_bytes",
                               state->memory == UINT64_MAX ? NULL : json_object_new_int64((int64_t) state->memory));
        json_object_object_add(object, "tasks",
                               state->tasks == UINT64_MAX ? NULL : json_object_new_int64((int64_t) state->tasks));
}

struct json_object *instance_object(const struct instance *instance) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "service", output_json_string(instance->service->name));
        json_object_object_add(object, "unit", output_json_string(instance->unit));
        if (instance->has_state)
                add_state(object, &instance->state);
        json_object_object_add(object, "requests_per_second",
                               instance->rate < 0 ? NULL : json_object_new_double(instance->rate));
        json_object_object_add(object, "requests_per_second_average",
                               instance->status ? json_object_new_double(instance_average_rate(instance)) : NULL);
        json_object_object_add(object, "problem", output_json_string(instance->problem));
        json_object_object_add(object, "status", json_object_get(instance->status));
        return object;
}
