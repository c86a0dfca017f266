/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void append_option(struct text *text, const struct cli_option *option) {
        if (option->letter)
                text_printf(text, "-%c, ", option->letter);
        else
                text_append_string(text, "    ");
        text_printf(text, "--%s", option->name);
        if (option->value)
                text_printf(text, " %s", option->value);
}

static void print_options(struct output *output, const char *title, const struct cli_option *options) {
        _cleanup_output_table_ struct output_table table = { .columns = 2, .wraps = true };
        if (!options)
                return;
        for (const struct cli_option *option = options; option->name; option++) {
                _cleanup_text_ struct text words = TEXT_INIT;
                append_option(&words, option);
                output_table_add(&table, OUTPUT_PLAIN, "  %s", words.data ? words.data : "");
                output_table_add(&table, OUTPUT_PLAIN, "%s", option->help);
        }
        output_print(output, OUTPUT_STRONG, "\n%s\n", title);
        output_table_print(output, &table);
}

static void add_verb(struct output_table *table, const struct cli_verb *verb) {
        output_table_add(table, OUTPUT_PLAIN, "  %s%s%s", verb->name, verb->operands ? " " : "",
                         verb->operands ? verb->operands : "");
        output_table_add(table, OUTPUT_PLAIN, "%s", verb->summary);
}

void cli_help(struct output *output) {
        output_print(output, OUTPUT_STRONG, "Usage: ");
        output_print(output, OUTPUT_PLAIN, "ccodesctl COMMAND [OPTION…]\n\nSteers Container Codes.\n");
        for (unsigned group = 0; group < CLI_GROUP_COUNT; group++) {
                _cleanup_output_table_ struct output_table table = { .columns = 2, .wraps = true };
                for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                        if (verb->group == group)
                                add_verb(&table, verb);
                output_print(output, OUTPUT_STRONG, "\n%s\n", cli_group_titles[group]);
                output_table_print(output, &table);
        }
        print_options(output, "Options of every command", cli_global_options);
        output_print(output, OUTPUT_PLAIN, "\nSee ccodesctl(1), and 'ccodesctl COMMAND --help'.\n");
}

void cli_help_verb(struct output *output, const struct cli_verb *verb) {
        output_print(output, OUTPUT_STRONG, "Usage: ");
        output_print(output, OUTPUT_PLAIN, "ccodesctl %s [OPTION…]%s%s\n\n%s.\n", verb->name, verb->operands ? " " : "",
                     verb->operands ? verb->operands : "", verb->summary);
        if (verb->description) {
                output_print(output, OUTPUT_PLAIN, "\n");
                output_wrap(output, 0, verb->description);
        }
        print_options(output, "Options", verb->options);
        print_options(output, "Options of every command", cli_global_options);
}

void cli_help_verbs_of(struct output *output, const char *first_word) {
        _cleanup_output_table_ struct output_table table = { .columns = 2, .wraps = true };
        size_t length = strlen(first_word);
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                if (strncmp(verb->name, first_word, length) == 0 && verb->name[length] == ' ')
                        add_verb(&table, verb);
        output_print(output, OUTPUT_STRONG, "Usage: ");
        output_print(output, OUTPUT_PLAIN, "ccodesctl %s COMMAND [OPTION…]\n\n", first_word);
        output_table_print(output, &table);
        output_print(output, OUTPUT_PLAIN, "\nSee 'ccodesctl %s COMMAND --help'.\n", first_word);
}
