/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl status: what systemd says of the units, and what the daemons say of themselves. Nothing is started by
 * looking: a socket is asked only when its service runs, or when systemd has no say in it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/instance.h"
#include "cli/services.h"
#include "cli/unit_manager.h"
#include "cli/verbs.h"
#include "shared/quantity.h"

#define USEC_PER_SECOND 1000000

struct looking {
        struct cli *cli;
        struct unit_manager *manager; /* NULL: no systemd */
        struct json_object *services, *sockets;
        struct output_table socket_table;
        bool all_run;
};

/* To the second below a minute, to the minute below a day. */
static void append_age(struct text *text, int64_t seconds) {
        int64_t age = time(NULL) - seconds;
        if (age >= 86400)
                age -= age % 3600;
        else if (age >= 3600)
                age -= age % 60;
        quantity_append_span(text, (uint64_t) (age > 0 ? age : 0) * USEC_PER_SECOND);
}

static void print_row(struct output *output, const char *title, const struct text *words, enum output_style style) {
        output_print(output, OUTPUT_FAINT, "    %-12s", title);
        output_print(output, style, "%s\n", words->data ? words->data : "");
}

static void print_process(struct output *output, const struct instance *instance) {
        _cleanup_text_ struct text words = TEXT_INIT;
        struct json_object *status = instance->status;
        int64_t workers = json_member_integer(status, "workers");
        text_printf(&words, "%s, pid %" PRId64, json_member_string(status, "version", "unknown version"),
                    json_member_integer(status, "pid"));
        if (workers > 0) /* a daemon that is reached by unix sockets alone has none */
                text_printf(&words, ", %" PRId64 " workers", workers);
        if (instance->state.memory != UINT64_MAX) {
                text_append_string(&words, ", memory ");
                quantity_append_size(&words, instance->state.memory & ~(uint64_t) 0xfffff);
        }
        if (instance->state.restarts > 0)
                text_printf(&words, ", restarted %" PRIu32 " times by itself", instance->state.restarts);
        print_row(output, "version", &words, OUTPUT_PLAIN);
}

static void print_load(struct output *output, const struct instance *instance) {
        _cleanup_text_ struct text words = TEXT_INIT;
        if (instance->rate >= 0)
                text_printf(&words, "%.1f/s now, ", instance->rate);
        text_printf(&words, "%.1f/s on average, %" PRId64 " in all, %" PRId64 " connections open",
                    instance_average_rate(instance), json_member_integer(instance->status, "requests"),
                    json_member_integer(instance->status, "connections"));
        print_row(output, "requests", &words, OUTPUT_PLAIN);
}

/* The keys that are configured otherwise than they are in force, and wait for a new process. */
static void append_pending(struct text *words, struct json_object *status) {
        struct json_object *pending = json_member_array(status, "pending");
        size_t count = pending ? json_object_array_length(pending) : 0;
        for (size_t i = 0; i < count; i++)
                text_printf(words, "%s%s", i > 0 ? ", " : "",
                            json_member_string(json_object_array_get_idx(pending, i), "key", "-"));
        if (count > 0)
                text_append_string(words, "; `ccodesctl apply` puts it in force");
}

static void print_config(struct output *output, const struct instance *instance) {
        _cleanup_text_ struct text words = TEXT_INIT, pending = TEXT_INIT, failure = TEXT_INIT;
        struct json_object *status = instance->status;
        char buffer[OUTPUT_TIME_SIZE];
        int64_t reloads = json_member_integer(status, "reloads");
        text_printf(&words, "%s, loaded %s", json_member_string(status, "config", "-"),
                    output_format_time(json_member_integer(status, "loaded"), buffer));
        if (reloads > 0)
                text_printf(&words, ", reloaded %" PRId64 " time%s", reloads, reloads == 1 ? "" : "s");
        print_row(output, "config", &words, OUTPUT_PLAIN);

        append_pending(&pending, status);
        if (pending.length > 0)
                print_row(output, "pending", &pending, OUTPUT_WARNING);

        const char *problem = json_member_string(status, "reload_error", NULL);
        text_append_string(&failure, problem ? problem : "");
        if (problem)
                print_row(output, "last reload", &failure, OUTPUT_BAD);
}

static void print_daemon(struct output *output, const struct instance *instance) {
        _cleanup_text_ struct text sandbox = TEXT_INIT, dropped = TEXT_INIT;
        int64_t lost = json_member_integer(instance->status, "log_dropped");
        print_process(output, instance);
        print_load(output, instance);
        print_config(output, instance);
        text_append_string(&sandbox, json_member_string(instance->status, "sandbox", "-"));
        print_row(output, "sandbox", &sandbox, OUTPUT_PLAIN);
        text_printf(&dropped, "%" PRId64 " records were dropped for want of room", lost);
        if (lost > 0)
                print_row(output, "log", &dropped, OUTPUT_WARNING);
}

static enum output_style style_of(const char *active) {
        if (strcmp(active, "active") == 0)
                return OUTPUT_GOOD;
        if (strcmp(active, "failed") == 0)
                return OUTPUT_BAD;
        return strcmp(active, "inactive") == 0 ? OUTPUT_PLAIN : OUTPUT_WARNING;
}

static void print_instance(struct output *output, const struct instance *instance) {
        _cleanup_text_ struct text since = TEXT_INIT, problem = TEXT_INIT;
        const struct unit_state *state = &instance->state;
        const char *active = instance->has_state ? state->active : instance->status ? "active" : "inactive";
        int64_t began = instance->has_state ? (int64_t) (state->since / USEC_PER_SECOND)
                                            : json_member_integer(instance->status, "started");
        char buffer[OUTPUT_TIME_SIZE];
        output_print(output, style_of(active), "● ");
        output_print(output, OUTPUT_STRONG, "%s", instance->unit);
        output_print(output, OUTPUT_PLAIN, "  ");
        output_print(output, style_of(active), "%s", active);
        if (instance->has_state)
                output_print(output, OUTPUT_PLAIN, " (%s)", state->sub);
        if (began > 0) {
                append_age(&since, began);
                output_print(output, OUTPUT_PLAIN, " since %s, %s", output_format_time(began, buffer),
                             since.data ? since.data : "");
        }
        if (instance->has_state && state->file[0])
                output_print(output, OUTPUT_FAINT, "  %s", state->file);
        output_print(output, OUTPUT_PLAIN, "\n");
        if (instance->status) {
                print_daemon(output, instance);
                return;
        }
        if (instance->problem)
                text_append_string(&problem, instance->problem);
        else if (strcmp(active, "failed") == 0)
                text_printf(&problem, "%s; 'ccodesctl logs --lines 20' shows more", state->result);
        else if (!instance->has_state)
                text_printf(&problem, "nothing listens on %s", instance->socket);
        if (problem.length > 0)
                print_row(output, "problem", &problem, OUTPUT_BAD);
}

static void on_socket(const char *name, const char *load, const char *active, const char *sub, void *userdata) {
        struct looking *looking = userdata;
        _cleanup_text_ struct text addresses = TEXT_INIT;
        (void) unit_manager_append_addresses(looking->manager, name, NULL, &addresses);
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "unit", output_json_string(name));
        json_object_object_add(object, "load", output_json_string(load));
        json_object_object_add(object, "active", output_json_string(active));
        json_object_object_add(object, "sub", output_json_string(sub));
        json_object_object_add(object, "addresses", output_json_string(addresses.data ? addresses.data : ""));
        json_object_array_add(looking->sockets, object);
        output_table_add(&looking->socket_table, style_of(active), "  ●");
        output_table_add(&looking->socket_table, OUTPUT_PLAIN, "%s", name);
        output_table_add(&looking->socket_table, style_of(active), "%s (%s)", active, sub);
        output_table_add(&looking->socket_table, OUTPUT_PLAIN, "%s", addresses.data ? addresses.data : "");
}

/* The sockets that the daemon itself has opened. */
static void look_at_own_listeners(struct looking *looking, const struct instance *instance) {
        struct json_object *listeners = json_member_array(instance->status, "listeners");
        for (size_t i = 0; listeners && i < json_object_array_length(listeners); i++) {
                struct json_object *listener = json_object_array_get_idx(listeners, i);
                const char *address = json_member_string(listener, "address", "-");
                struct json_object *object = json_object_new_object();
                json_object_object_add(object, "unit", NULL);
                json_object_object_add(object, "name", output_json_string(json_member_string(listener, "name", NULL)));
                json_object_object_add(object, "addresses", output_json_string(address));
                json_object_array_add(looking->sockets, object);
                output_table_add(&looking->socket_table, OUTPUT_GOOD, "  ●");
                output_table_add(&looking->socket_table, OUTPUT_PLAIN, "%s", json_member_string(listener, "name", "-"));
                output_table_add(&looking->socket_table, OUTPUT_PLAIN, "opened by the service");
                output_table_add(&looking->socket_table, OUTPUT_PLAIN, "%s", address);
        }
}

/* Whether the service is as it should be: it runs, or it waits for somebody to ask. */
static bool is_well(const struct instance *instance) {
        const struct unit_state *state = &instance->state;
        if (instance->status || (instance->has_state && unit_state_is_up(state)))
                return true;
        return instance->service->on_demand && !instance->problem &&
               !(instance->has_state && strcmp(state->active, "failed") == 0);
}

static bool is_worth_showing(const struct instance *instance, bool is_standby) {
        if (instance->status || instance->problem)
                return true;
        if (instance->has_state)
                return !is_standby || strcmp(instance->state.active, "inactive") != 0;
        return !is_standby && !instance->service->on_demand;
}

static void look_at(struct looking *looking, const struct cli_service *service, const char *unit, const char *socket,
                    bool is_standby) {
        struct instance instance = { .service = service, .unit = unit, .socket = socket };
        instance_look(&instance, looking->manager);
        if (!is_standby)
                looking->all_run = looking->all_run && is_well(&instance);
        if (is_worth_showing(&instance, is_standby)) {
                json_object_array_add(looking->services, instance_object(&instance));
                if (!looking->cli->json)
                        print_instance(&looking->cli->out, &instance);
        }
        if (!is_standby && !instance.has_state && instance.status)
                look_at_own_listeners(looking, &instance);
        instance_done(&instance);
}

/* The one that says its name there; the first one where nobody answers. */
static const struct cli_service *service_behind(const char *socket) {
        _cleanup_json_ struct json_object *status = NULL;
        const struct cli_service *service = &cli_services[0];
        if (admin_get_json(socket, "/status", NULL, &status) >= 0)
                (void) cli_service_find(json_member_string(status, "name", NULL), NULL, &service);
        return service;
}

static void look_at_all(struct looking *looking, const char *socket) {
        if (socket) {
                const struct cli_service *service = service_behind(socket);
                look_at(looking, service, service->unit, socket, false);
                return;
        }
        for (const struct cli_service *service = cli_services; service->name; service++) {
                look_at(looking, service, service->unit, service->socket, false);
                if (!looking->manager)
                        continue;
                if (service->standby)
                        look_at(looking, service, service->standby, service->standby_socket, true);
                (void) unit_manager_list(looking->manager, service->listener_units, on_socket, looking, NULL);
        }
}

int verb_status(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        const char *socket = cli_argument(arguments, "socket");
        (void) error;
        if (!socket)
                (void) unit_manager_open(NULL, &manager);
        struct looking looking = {
                .cli = cli,
                .manager = manager,
                .services = json_object_new_array(),
                .sockets = json_object_new_array(),
                .socket_table = { .columns = 4 },
                .all_run = true,
        };
        look_at_all(&looking, socket);

        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "version", output_json_string(CCODES_VERSION));
        json_object_object_add(object, "services", looking.services);
        json_object_object_add(object, "sockets", looking.sockets);
        cli_report_object(cli, object);
        if (!cli->json && looking.socket_table.count > 0) {
                output_print(&cli->out, OUTPUT_STRONG, "\nSockets\n");
                output_table_print(&cli->out, &looking.socket_table);
        }
        output_table_done(&looking.socket_table);
        return looking.all_run ? CLI_DONE : CLI_NOT_RUNNING;
}
