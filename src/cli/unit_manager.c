/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's manager by sd-bus. Root reaches it without a bus daemon too. A job is waited for by its signal, for which
 * the match is set before the job is asked for. */
#include "cli/unit_manager.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER DESTINATION ".Manager"
#define UNIT DESTINATION ".Unit"
#define SERVICE DESTINATION ".Service"
#define SOCKET DESTINATION ".Socket"
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"
#define WAIT_USEC 1000000
#define JOB_WAIT_USEC UINT64_C(100000)
#define RELOAD_USEC UINT64_C(90000000)

struct unit_manager {
        sd_bus *bus;
        sd_bus_slot *slot;
        char *job;                   /* path of the one that is waited for */
        char result[UNIT_WORD_SIZE]; /* of that job, once it has ended; "" before */
};

static void bus_error_cleanup(sd_bus_error *error) {
        sd_bus_error_free(error);
}
#define _cleanup_bus_error_ _cleanup_(bus_error_cleanup)

static void message_cleanup(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}
#define _cleanup_message_ _cleanup_(message_cleanup)

void unit_manager_close(struct unit_manager *manager) {
        if (!manager)
                return;
        sd_bus_slot_unref(manager->slot);
        sd_bus_flush_close_unref(manager->bus);
        free(manager->job);
        free(manager);
}

/* Turns what came back over the bus into words. */
static int explain(int code, const sd_bus_error *bus_error, struct error *error, const char *doing) {
        if (sd_bus_error_has_name(bus_error, SD_BUS_ERROR_ACCESS_DENIED) ||
            sd_bus_error_has_name(bus_error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                return error_set(error, -EACCES, "%s: no right to do that; use sudo", doing);
        if (sd_bus_error_has_name(bus_error, "org.freedesktop.systemd1.NoSuchUnit"))
                return error_set(error, -ENOENT, "%s: there is no such unit; is Container Codes installed here?",
                                 doing);
        if (sd_bus_error_is_set(bus_error) && bus_error->message)
                return error_set(error, code < 0 ? code : -EIO, "%s: %s", doing, bus_error->message);
        return error_set_errno(error, code, "%s", doing);
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *bus_error) {
        struct unit_manager *manager = userdata;
        const char *path, *unit, *result;
        uint32_t id;
        (void) bus_error;
        int r = sd_bus_message_read(message, "uoss", &id, &path, &unit, &result);
        if (r >= 0 && manager->job && strcmp(path, manager->job) == 0)
                (void) snprintf(manager->result, sizeof(manager->result), "%s", result);
        return 0;
}

static int open_private_bus(sd_bus **ret_bus) {
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }
        *ret_bus = bus;
        return 0;
}

static int subscribe(struct unit_manager *manager) {
        int r = sd_bus_add_match(manager->bus, &manager->slot,
                                 "type='signal',interface='" MANAGER "',member='JobRemoved',path='" MANAGER_PATH "'",
                                 on_job_removed, manager);
        if (r < 0)
                return r;
        return sd_bus_call_method(manager->bus, DESTINATION, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL, NULL);
}

int unit_manager_open(struct error *error, struct unit_manager **ret_manager) {
        if (sd_booted() <= 0 && !getenv("DBUS_SYSTEM_BUS_ADDRESS"))
                return error_set(error, -EHOSTDOWN,
                                 "systemd does not manage this machine; 'ccodesctl run' serves without it");
        _cleanup_unit_manager_ struct unit_manager *manager = calloc(1, sizeof(*manager));
        if (!manager)
                return error_set_errno(error, -ENOMEM, "connecting to systemd");
        int r = sd_bus_open_system(&manager->bus);
        if (r < 0 && geteuid() == 0)
                r = open_private_bus(&manager->bus);
        if (r < 0)
                return error_set_errno(error, r, "connecting to systemd over D-Bus");
        *ret_manager = take_pointer(manager);
        return 0;
}

static int unit_path(const char *unit, char **ret_path) {
        return sd_bus_path_encode(MANAGER_PATH "/unit", unit, ret_path);
}

static int get_word(struct unit_manager *manager, const char *path, const char *interface, const char *name,
                    sd_bus_error *bus_error, char *ret_word, size_t size) {
        _cleanup_free_ char *value = NULL;
        int r = sd_bus_get_property_string(manager->bus, DESTINATION, path, interface, name, bus_error, &value);
        if (r >= 0)
                (void) snprintf(ret_word, size, "%s", value);
        return r;
}

static void get_number(struct unit_manager *manager, const char *path, const char *interface, const char *name,
                       char type, void *ret_number) {
        _cleanup_bus_error_ sd_bus_error ignored = SD_BUS_ERROR_NULL;
        (void) sd_bus_get_property_trivial(manager->bus, DESTINATION, path, interface, name, &ignored, type,
                                           ret_number);
}

static void get_service_part(struct unit_manager *manager, const char *path, struct unit_state *state) {
        _cleanup_bus_error_ sd_bus_error ignored = SD_BUS_ERROR_NULL;
        uint32_t pid = 0;
        (void) get_word(manager, path, SERVICE, "Result", &ignored, state->result, sizeof(state->result));
        (void) get_word(manager, path, SERVICE, "StatusText", &ignored, state->text, sizeof(state->text));
        get_number(manager, path, SERVICE, "MainPID", 'u', &pid);
        get_number(manager, path, SERVICE, "NRestarts", 'u', &state->restarts);
        get_number(manager, path, SERVICE, "MemoryCurrent", 't', &state->memory);
        get_number(manager, path, SERVICE, "TasksCurrent", 't', &state->tasks);
        state->pid = (pid_t) pid;
}

int unit_manager_get(struct unit_manager *manager, const char *unit, struct error *error,
                     struct unit_state *ret_state) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct unit_state state = { .memory = UINT64_MAX, .tasks = UINT64_MAX };
        _cleanup_free_ char *path = NULL;
        int r = unit_path(unit, &path);
        if (r >= 0)
                r = get_word(manager, path, UNIT, "LoadState", &bus_error, state.load, sizeof(state.load));
        if (r >= 0)
                r = get_word(manager, path, UNIT, "ActiveState", &bus_error, state.active, sizeof(state.active));
        if (r >= 0)
                r = get_word(manager, path, UNIT, "SubState", &bus_error, state.sub, sizeof(state.sub));
        if (r >= 0)
                r = get_word(manager, path, UNIT, "UnitFileState", &bus_error, state.file, sizeof(state.file));
        if (r < 0) {
                char doing[CLI_UNIT_NAME_SIZE + 32];
                (void) snprintf(doing, sizeof(doing), "asking systemd of %s", unit);
                return explain(r, &bus_error, error, doing);
        }
        get_number(manager, path, UNIT, "StateChangeTimestamp", 't', &state.since);
        const char *suffix = strrchr(unit, '.');
        if (suffix && strcmp(suffix, ".service") == 0)
                get_service_part(manager, path, &state);
        *ret_state = state;
        return 0;
}

int unit_manager_require_running(const struct cli_service *service, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        struct unit_state state = { 0 };
        if (unit_manager_open(NULL, &manager) < 0)
                return 0;
        assert(manager);
        if (unit_manager_get(manager, service->unit, NULL, &state) < 0)
                return 0;
        if (strcmp(state.load, "not-found") == 0 || state.pid > 0)
                return 0; /* started otherwise than by systemd, or running: the socket shows */
        return error_set(error, -ESRCH, "%s does not run (%s); 'ccodesctl start %s' starts it", service->unit,
                         state.active, service->name);
}

static const struct {
        const char *method, *doing;
} jobs[] = {
        [UNIT_START] = { "StartUnit", "starting" },
        [UNIT_STOP] = { "StopUnit", "stopping" },
        [UNIT_RESTART] = { "RestartUnit", "restarting" },
};

/* What systemd's word for the end of a job (org.freedesktop.systemd1(5)) means for people. */
static const char *result_words(const char *result) {
        static const char *const words[][2] = {
                { "canceled", "somebody else's request took its place" },
                { "timeout", "it took too long" },
                { "failed", "it failed" },
                { "dependency", "a unit that it needs could not be started" },
                { "skipped", "a condition of the unit does not hold" },
                { "assert", "an assertion of the unit does not hold" },
                { "invalid", "the unit cannot do that" },
                { "unsupported", "this system cannot do that" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(words); i++)
                if (strcmp(words[i][0], result) == 0)
                        return words[i][1];
        return result;
}

static int wait_for_job(struct unit_manager *manager, void (*on_wait)(void *userdata), void *userdata) {
        uint64_t waited = 0;
        while (manager->result[0] == '\0') {
                int r = sd_bus_process(manager->bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = sd_bus_wait(manager->bus, JOB_WAIT_USEC);
                if (r < 0 && r != -EINTR)
                        return r;
                waited += r == 0 ? JOB_WAIT_USEC : 0;
                if (waited >= WAIT_USEC && on_wait) {
                        on_wait(userdata);
                        waited = 0;
                }
        }
        return 0;
}

int unit_manager_run_job(struct unit_manager *manager, enum unit_job job, const char *unit,
                         void (*on_wait)(void *userdata), void *userdata, struct error *error) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *request = NULL, *reply = NULL;
        char doing[CLI_UNIT_NAME_SIZE + 32];
        const char *path = NULL;
        (void) snprintf(doing, sizeof(doing), "%s %s", jobs[job].doing, unit);
        manager->result[0] = '\0';
        int r = manager->slot ? 0 : subscribe(manager);
        if (r >= 0)
                r = sd_bus_message_new_method_call(manager->bus, &request, DESTINATION, MANAGER_PATH, MANAGER,
                                                   jobs[job].method);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(request, 1);
        if (r >= 0)
                r = sd_bus_message_append(request, "ss", unit, "replace");
        if (r >= 0)
                r = sd_bus_call(manager->bus, request, 0, &bus_error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0) {
                free(manager->job);
                manager->job = strdup(path);
                r = manager->job ? wait_for_job(manager, on_wait, userdata) : -ENOMEM;
        }
        if (r < 0)
                return explain(r, &bus_error, error, doing);
        if (strcmp(manager->result, "done") != 0)
                return error_set(error, -EIO, "%s: %s", doing, result_words(manager->result));
        return 0;
}

int unit_manager_reload(struct unit_manager *manager, struct error *error) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *request = NULL;
        int r = sd_bus_message_new_method_call(manager->bus, &request, DESTINATION, MANAGER_PATH, MANAGER, "Reload");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(request, 1);
        if (r >= 0)
                r = sd_bus_call(manager->bus, request, RELOAD_USEC, &bus_error, NULL);
        return r < 0 ? explain(r, &bus_error, error, "making systemd read its units again") : 0;
}

static int append_unit_files(sd_bus_message *request, const char *unit, bool enable) {
        int r = sd_bus_message_append(request, "as", 1, unit);
        if (r < 0)
                return r;
        /* runtime: no; and for enabling, force: replace links that are in the way */
        return enable ? sd_bus_message_append(request, "bb", 0, 1) : sd_bus_message_append(request, "b", 0);
}

int unit_manager_enable(struct unit_manager *manager, const char *unit, bool enable, struct error *error) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *request = NULL;
        char doing[CLI_UNIT_NAME_SIZE + 32];
        (void) snprintf(doing, sizeof(doing), "%s %s", enable ? "enabling" : "disabling", unit);
        int r = sd_bus_message_new_method_call(manager->bus, &request, DESTINATION, MANAGER_PATH, MANAGER,
                                               enable ? "EnableUnitFiles" : "DisableUnitFiles");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(request, 1);
        if (r >= 0)
                r = append_unit_files(request, unit, enable);
        if (r >= 0)
                r = sd_bus_call(manager->bus, request, 0, &bus_error, NULL);
        if (r < 0)
                return explain(r, &bus_error, error, doing);
        return unit_manager_reload(manager, error);
}

static int read_units(sd_bus_message *reply, unit_manager_on_unit *on_unit, void *userdata) {
        const char *name, *load, *active, *sub;
        int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, &load, &active, &sub, NULL, NULL, NULL,
                                        NULL, NULL)) > 0)
                on_unit(name, load, active, sub, userdata);
        return r;
}

int unit_manager_list(struct unit_manager *manager, const char *pattern, unit_manager_on_unit *on_unit, void *userdata,
                      struct error *error) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = sd_bus_call_method(manager->bus, DESTINATION, MANAGER_PATH, MANAGER, "ListUnitsByPatterns", &bus_error,
                                   &reply, "asas", 0, 1, pattern);
        if (r >= 0)
                r = read_units(reply, on_unit, userdata);
        return r < 0 ? explain(r, &bus_error, error, "asking systemd for its units") : 0;
}

int unit_manager_append_addresses(struct unit_manager *manager, const char *unit, struct error *error,
                                  struct text *text) {
        _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_free_ char *path = NULL;
        _cleanup_text_ struct text last = TEXT_INIT;
        const char *type, *address;
        int r = unit_path(unit, &path);
        if (r >= 0)
                r = sd_bus_get_property(manager->bus, DESTINATION, path, SOCKET, "Listen", &bus_error, &reply, "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &type, &address)) > 0) {
                if (last.data && strcmp(last.data, address) == 0)
                        continue; /* a socket for each processor */
                text_append_string(text, last.data ? ", " : "");
                text_append_string(text, address);
                text_done(&last);
                text_append_string(&last, address);
        }
        return r < 0 ? explain(r, &bus_error, error, "asking systemd for a socket's addresses") : 0;
}
