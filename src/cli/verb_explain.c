/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl explain: the table of causes for people. */
#include <errno.h>

#include "cli/verbs.h"
#include "shared/cause.h"
#include "shared/nearest.h"

static struct json_object *cause_object(const struct cause_entry *entry) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "code", output_json_string(entry->code));
        json_object_object_add(object, "status", entry->status ? json_object_new_int(entry->status) : NULL);
        json_object_object_add(object, "sentence", output_json_string(entry->sentence));
        json_object_object_add(object, "advice", output_json_string(entry->advice));
        return object;
}

static void list_causes(struct cli *cli) {
        _cleanup_output_table_ struct output_table table = { .columns = 3, .wraps = true };
        struct json_object *array = json_object_new_array();
        for (int cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
                const struct cause_entry *entry = cause_entry((enum cause) cause);
                json_object_array_add(array, cause_object(entry));
                output_table_add(&table, OUTPUT_STRONG, "%s", entry->code);
                if (entry->status)
                        output_table_add(&table, OUTPUT_PLAIN, "%d", entry->status);
                else
                        output_table_add(&table, OUTPUT_FAINT, "-");
                output_table_add(&table, OUTPUT_PLAIN, "%s", entry->sentence);
        }
        cli_report_object(cli, array);
        if (!cli->json)
                output_table_print(&cli->out, &table);
}

static int refuse(const char *code, struct error *error) {
        const char *codes[CAUSE_COUNT];
        for (int cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++)
                codes[cause - 1] = cause_entry((enum cause) cause)->code;
        codes[CAUSE_COUNT - 1] = NULL;
        const char *nearest = nearest_of(code, codes);
        if (nearest)
                return error_set(error, -ENOENT, "there is no cause '%s'; did you mean '%s'?", code, nearest);
        return error_set(error, -ENOENT, "there is no cause '%s'; 'ccodesctl explain' lists them", code);
}

int verb_explain(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        if (arguments->operand_count == 0) {
                list_causes(cli);
                return CLI_DONE;
        }
        enum cause cause = cause_from_code(slice_of(arguments->operands[0]));
        if (cause == CAUSE_NONE)
                return refuse(arguments->operands[0], error);

        const struct cause_entry *entry = cause_entry(cause);
        cli_report_object(cli, cause_object(entry));
        if (cli->json)
                return CLI_DONE;
        output_print(&cli->out, OUTPUT_STRONG, "%s", entry->code);
        if (entry->status)
                output_print(&cli->out, OUTPUT_FAINT, "  (status %d)", entry->status);
        else
                output_print(&cli->out, OUTPUT_FAINT, "  (no answer: the connection is closed)");
        output_print(&cli->out, OUTPUT_PLAIN, "\n");
        output_wrap(&cli->out, 2, entry->sentence);
        output_print(&cli->out, OUTPUT_PLAIN, "\n");
        output_wrap(&cli->out, 2, entry->advice);
        return CLI_DONE;
}
