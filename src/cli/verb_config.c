/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl config show|get|schema|diff: the configuration as written, as bound, and as the running server has it. */
#include <errno.h>
#include <string.h>

#include "cli/admin_client.h"
#include "cli/config_json.h"
#include "cli/services.h"
#include "cli/unit_manager.h"
#include "cli/verbs.h"

static const char *config_file(const struct cli_arguments *arguments) {
        const char *file = cli_argument(arguments, "config");
        return file ? file : CONFIG_DEFAULT_FILE;
}

/* Asks the socket that was named, or that of a service that systemd says is running: asking must not start it. */
static int load_running(const struct cli_arguments *arguments, struct error *error,
                        struct running_config **ret_config) {
        const char *socket = cli_argument(arguments, "socket");
        if (!socket) {
                int r = unit_manager_require_running(&cli_services[0], error);
                if (r < 0)
                        return r;
                socket = cli_services[0].socket;
        }
        return running_config_load(socket, error, ret_config);
}

static void print_config(struct cli *cli, const struct config_root *root, const struct config_tree *tree) {
        _cleanup_text_ struct text text = TEXT_INIT;
        if (cli->json)
                config_write_json(&config_root_table, root, &text);
        else
                config_write_toml(&config_root_table, root, tree, &text);
        fprintf(cli->out.stream, "%s%s", text.data ? text.data : "", cli->json ? "\n" : "");
        cli->reported = true;
}

int verb_config_show(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        bool origins = cli_argument(arguments, "origin") != NULL;
        if (cli_argument(arguments, "running")) {
                _cleanup_(running_config_cleanup) struct running_config *running = NULL;
                if (origins)
                        return cli_refuse(cli, "--origin is about files, and --running is not");
                int r = load_running(arguments, error, &running);
                if (r < 0)
                        return r;
                print_config(cli, &running->root, NULL);
                return CLI_DONE;
        }
        _cleanup_config_ struct config *config = NULL;
        int r = config_load(config_file(arguments), error, &config);
        if (r < 0)
                return r;
        print_config(cli, &config->root, origins ? config->tree : NULL);
        return CLI_DONE;
}

static void print_origin(struct cli *cli, const struct config_tree *tree, const char *path) {
        struct config_origin origin = { 0 };
        if (config_origin_of(tree, path, &origin) < 0 || !origin.file)
                output_print(&cli->out, OUTPUT_FAINT, " # default");
        else
                output_print(&cli->out, OUTPUT_FAINT, " # from %s:%u", origin.file, origin.line);
}

int verb_config_get(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(running_config_cleanup) struct running_config *running = NULL;
        _cleanup_config_ struct config *config = NULL;
        _cleanup_text_ struct text text = TEXT_INIT;
        const char *path = arguments->operands[0];
        bool origins = cli_argument(arguments, "origin") != NULL;
        int r;
        if (cli_argument(arguments, "running")) {
                if (origins)
                        return cli_refuse(cli, "--origin is about files, and --running is not");
                r = load_running(arguments, error, &running);
        } else
                r = config_load(config_file(arguments), error, &config);
        if (r >= 0)
                r = config_write_value(&config_root_table, config ? &config->root : &running->root, path, cli->json,
                                       error, &text);
        if (r < 0)
                return r;
        output_print(&cli->out, OUTPUT_PLAIN, "%s", text.data ? text.data : "");
        if (config && origins && !cli->json)
                print_origin(cli, config->tree, path);
        output_print(&cli->out, OUTPUT_PLAIN, "\n");
        cli->reported = true;
        return CLI_DONE;
}

int verb_config_schema(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_text_ struct text text = TEXT_INIT;
        (void) arguments;
        config_write_schema(&config_root_table, "Container Codes", &text);
        if (text.failed)
                return error_set_errno(error, -ENOMEM, "writing the schema");
        fprintf(cli->out.stream, "%s\n", text.data);
        cli->reported = true;
        return CLI_DONE;
}

struct differences {
        struct output_table table;
        struct json_object *array;
        enum config_effect most;
};

static const char *const effect_words[] = {
        [CONFIG_LIVE] = "reload",
        [CONFIG_PLACE] = "place",
        [CONFIG_RESTART] = "restart",
        [CONFIG_SOCKET] = "socket",
};

static void on_difference(const char *path, const char *before, const char *after, enum config_effect effect,
                          void *userdata) {
        struct differences *differences = userdata;
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "key", output_json_string(path));
        json_object_object_add(object, "before", output_json_string(before));
        json_object_object_add(object, "after", output_json_string(after));
        json_object_object_add(object, "effect", output_json_string(effect_words[effect]));
        json_object_array_add(differences->array, object);
        if (effect > differences->most)
                differences->most = effect;

        output_table_add(&differences->table, effect == CONFIG_LIVE ? OUTPUT_GOOD : OUTPUT_WARNING, "%s",
                         effect == CONFIG_LIVE ? "reload" : "apply");
        output_table_add(&differences->table, OUTPUT_STRONG, "%s", path);
        if (!before)
                output_table_add(&differences->table, OUTPUT_PLAIN, "new: %s", after);
        else if (!after)
                output_table_add(&differences->table, OUTPUT_PLAIN, "no longer: %s", before);
        else
                output_table_add(&differences->table, OUTPUT_PLAIN, "%s → %s", before, after);
}

int verb_config_diff(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(running_config_cleanup) struct running_config *running = NULL;
        _cleanup_config_ struct config *config = NULL;
        int r = config_load(config_file(arguments), error, &config);
        if (r >= 0)
                r = load_running(arguments, error, &running);
        if (r < 0)
                return r;

        struct differences differences = { .table = { .columns = 3, .wraps = true }, .array = json_object_new_array() };
        config_compare(&config_root_table, &running->root, &config->root, on_difference, &differences);
        if (!cli->json && json_object_array_length(differences.array) == 0)
                output_print(&cli->out, OUTPUT_PLAIN, "What runs is what is configured.\n");
        else if (!cli->json)
                output_table_print(&cli->out, &differences.table);
        if (differences.most > CONFIG_LIVE && !cli->json)
                output_print(&cli->out, OUTPUT_PLAIN, "\n`ccodesctl apply` puts all of it in force.\n");
        output_table_done(&differences.table);
        cli_report_object(cli, differences.array);
        return CLI_DONE;
}
