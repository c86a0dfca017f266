/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for zsh: a function for each command, with _arguments. */
#include <stdio.h>
#include <string.h>

#include "cli/reference/completion.h"

static void append_function(struct text *text, const char *verb) {
        text_append_string(text, "_ccodesctl_");
        for (; *verb; verb++)
                text_append_char(text, *verb == ' ' ? '_' : *verb);
}

/* Within single quotes, in an explanation of _arguments or _describe. */
static void append_explanation(struct text *text, const char *words) {
        for (; *words; words++) {
                if (*words == '\'')
                        text_append_string(text, "'\\'");
                else if (strchr("[]:\\", *words))
                        text_append_char(text, '\\');
                text_append_char(text, *words);
        }
}

/* ":UNIT:(server)" */
static void append_action(struct text *text, const char *name, enum cli_words words) {
        text_append_char(text, ':');
        append_explanation(text, name);
        text_append_char(text, ':');
        switch (words) {
        case CLI_WORDS_NONE:
                text_append_char(text, ' ');
                break;
        case CLI_WORDS_FILE:
                text_append_string(text, "_files");
                break;
        case CLI_WORDS_FOLDER:
                text_append_string(text, "_files -/");
                break;
        default:
                text_append_char(text, '(');
                completion_append_words(text, words);
                text_append_char(text, ')');
                break;
        }
}

static void append_option(struct text *text, const struct cli_option *option) {
        if (option->letter)
                text_printf(text, " '*'{-%c%s,--%s%s}'[", option->letter, option->value ? "+" : "", option->name,
                            option->value ? "=" : "");
        else
                text_printf(text, " '*--%s%s[", option->name, option->value ? "=" : "");
        append_explanation(text, option->help);
        text_append_char(text, ']');
        if (option->value)
                append_action(text, option->value, option->words);
        text_append_char(text, '\'');
}

static void append_options(struct text *text, const struct cli_option *options) {
        for (const struct cli_option *option = options; option && option->name; option++)
                append_option(text, option);
}

static void write_verb(struct text *text, const struct cli_verb *verb) {
        append_function(text, verb->name);
        text_append_string(text, "() {\n    _arguments -s -S");
        append_options(text, verb->options);
        append_options(text, cli_global_options);
        if (verb->operands) {
                text_append_string(text, verb->operands_max > 1 ? " '*" : " '1");
                append_action(text, verb->operands, verb->words);
                text_append_char(text, '\'');
        }
        text_append_string(text, "\n}\n\n");
}

static void append_described(struct text *text, const char *name, const char *summary) {
        text_append_string(text, " '");
        append_explanation(text, name);
        text_append_char(text, ':');
        append_explanation(text, summary);
        text_append_char(text, '\'');
}

/* A function that completes the first word of what is left and hands on to the function of that word. `prefix` is that
 * of the verbs, "" or "config ". */
static void write_chooser(struct text *text, const char *prefix) {
        size_t length = strlen(prefix);
        const char *last = "";
        text_append_string(text, "() {\n"
                                 "    local curcontext=$curcontext state line\n"
                                 "    local -a commands\n"
                                 "    commands=(");
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                if (strncmp(verb->name, prefix, length) != 0)
                        continue;
                const char *name = verb->name + length;
                size_t word = strcspn(name, " ");
                if (name[word] == '\0') {
                        append_described(text, name, verb->summary);
                } else if (strncmp(last, name, word + 1) != 0) {
                        _cleanup_text_ struct text first = TEXT_INIT;
                        text_append(&first, (struct slice) { name, word });
                        append_described(text, first.data ? first.data : "", "See its own commands");
                }
                last = name;
        }
        text_append_string(text, ")\n"
                                 "    _arguments -C -S");
        append_options(text, cli_global_options);
        text_append_string(text, " '1: :->command' '*:: :->rest'\n"
                                 "    case $state in\n"
                                 "        command) _describe command commands ;;\n"
                                 "        rest) (( $+functions[");
        append_function(text, prefix);
        text_append_string(text, "$line[1]] )) && ");
        append_function(text, prefix);
        text_append_string(text, "$line[1] ;;\n"
                                 "    esac\n"
                                 "}\n\n");
}

static void write_group(struct text *text, const char *first) {
        char prefix[32];
        (void) snprintf(prefix, sizeof(prefix), "%s ", first);
        text_printf(text, "_ccodesctl_%s", first);
        write_chooser(text, prefix);
}

void completion_write_zsh(struct text *text) {
        text_append_string(text, "#compdef ccodesctl\n# Made from the table of commands.\n\n");
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                write_verb(text, verb);
        completion_each_group(text, write_group);
        text_append_string(text, "_ccodesctl");
        write_chooser(text, "");
        text_append_string(text, "_ccodesctl \"$@\"\n");
}
