/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build, not installed: what the table of commands says, for shells (completion) and for people. */
#include "cli/reference/completion.h"
#include "shared/mdoc.h"
#include "shared/reference_program.h"

/* Operands as the help shows them: "[FIELD=VALUE…]". */
static void append_operands(struct text *text, const char *operands) {
        bool optional = *operands == '[';
        size_t length = strcspn(operands + optional, "]\xE2");
        bool repeats = strstr(operands, "\xE2") != NULL;
        text_printf(text, optional ? " Op Ar %.*s%s" : " Ar %.*s%s", (int) length, operands + optional,
                    repeats ? " ..." : "");
}

static void write_options(struct text *text, const struct cli_option *options) {
        if (!options)
                return;
        text_append_string(text, ".Bl -tag -width Ds\n");
        for (const struct cli_option *option = options; option->name; option++) {
                text_append_string(text, ".It ");
                if (option->letter)
                        text_printf(text, "Fl %c , ", option->letter);
                text_printf(text, "Fl -%s", option->name);
                if (option->value)
                        text_printf(text, " Ar %s", option->value);
                text_append_char(text, '\n');
                mdoc_append(text, option->help);
                text_append_string(text, ".\n");
        }
        text_append_string(text, ".El\n");
}

/* Paragraphs are separated by an empty line, which mdoc does not take. */
static void write_description(struct text *text, const char *description) {
        const char *gap;
        for (; (gap = strstr(description, "\n\n")); description = gap + 2) {
                _cleanup_text_ struct text paragraph = TEXT_INIT;
                text_append(&paragraph, (struct slice) { description, (size_t) (gap - description) });
                text_append_string(text, ".Pp\n");
                mdoc_append(text, paragraph.data ? paragraph.data : "");
                text_append_char(text, '\n');
        }
        text_append_string(text, ".Pp\n");
        mdoc_append(text, description);
        text_append_char(text, '\n');
}

static void write_verb(struct text *text, const struct cli_verb *verb) {
        text_printf(text, ".It Cm %s", verb->name);
        if (verb->operands)
                append_operands(text, verb->operands);
        text_append_char(text, '\n');
        mdoc_append(text, verb->summary);
        text_append_string(text, ".\n");
        if (verb->description)
                write_description(text, verb->description);
        write_options(text, verb->options);
}

static void write_commands(struct text *text) {
        for (unsigned group = 0; group < CLI_GROUP_COUNT; group++) {
                text_printf(text, ".Ss %s\n.Bl -tag -width Ds\n", cli_group_titles[group]);
                for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                        if (verb->group == group)
                                write_verb(text, verb);
                text_append_string(text, ".El\n");
        }
        text_append_string(text, ".Ss Options of every command\n");
        write_options(text, cli_global_options);
}

int main(int argc, char **argv) {
        static const struct reference_form forms[] = {
                { "bash", completion_write_bash },
                { "zsh", completion_write_zsh },
                { "fish", completion_write_fish },
                { "mdoc", write_commands },
                { NULL, NULL },
        };
        return reference_program_main(argc, argv, forms);
}
