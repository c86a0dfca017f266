/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build, not installed: writes to standard output what the table of commands says, as "bash", "zsh" or
 * "fish" (completion) or "mdoc". A template's line @COMMANDS@ is replaced by the last; the rest of it is kept. */
#include <stdio.h>

#include "cli/reference/completion.h"
#include "shared/mdoc.h"

#define TEMPLATE_MAX ((size_t) 1024 * 1024)
#define MARK "@COMMANDS@\n"

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

static int fill_template(const char *path, struct text *text) {
        _cleanup_free_ char *template = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, path, TEMPLATE_MAX, &template, &length);
        if (r < 0)
                return r;
        const char *mark = strstr(template, MARK);
        if (!mark)
                return -ENODATA;
        text_append(text, (struct slice) { template, (size_t) (mark - template) });
        write_commands(text);
        text_append_string(text, mark + strlen(MARK));
        return 0;
}

static int write_form(const char *form, const char *template, struct text *text) {
        static const struct {
                const char *name;
                void (*write)(struct text *text);
        } forms[] = {
                { "bash", completion_write_bash },
                { "zsh", completion_write_zsh },
                { "fish", completion_write_fish },
        };
        if (strcmp(form, "mdoc") == 0 && template)
                return fill_template(template, text);
        for (size_t i = 0; i < ELEMENTS_OF(forms); i++)
                if (strcmp(form, forms[i].name) == 0) {
                        forms[i].write(text);
                        return 0;
                }
        return -EINVAL;
}

int main(int argc, char **argv) {
        _cleanup_text_ struct text text = TEXT_INIT;
        int r = argc == 2 || argc == 3 ? write_form(argv[1], argv[2], &text) : -EINVAL;
        if (r >= 0 && text.failed)
                r = -ENOMEM;
        if (r >= 0 && (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
                r = -EIO;
        if (r < 0)
                (void) fprintf(stderr, "usage: %s bash|zsh|fish|mdoc TEMPLATE: %s\n", argv[0], strerror(-r));
        return r < 0;
}
