/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for fish: a line for each word, with the condition under which it is offered. */
#include <string.h>

#include "cli/reference/completion.h"

static const char head[] =
                "# fish completion for ccodesctl, made from its table of commands\n"
                "\n"
                "# The words of the command line that are no options and no values of --color.\n"
                "function __ccodesctl_words\n"
                "    set -l words\n"
                "    set -l skip 0\n"
                "    for word in (commandline -opc)[2..]\n"
                "        if test $skip = 1\n"
                "            set skip 0\n"
                "        else if test \"$word\" = --color\n"
                "            set skip 1\n"
                "        else if not string match -q -- '-*' $word\n"
                "            set -a words $word\n"
                "        end\n"
                "    end\n"
                "    string join \\n -- $words\n"
                "end\n"
                "\n"
                "# Whether the words begin with those of the arguments; __ccodesctl_at: they are those and no more.\n"
                "function __ccodesctl_in\n"
                "    set -l words (__ccodesctl_words)\n"
                "    set -l count (count $argv)\n"
                "    test $count = 0; and return 0\n"
                "    test (count $words) -ge $count; and test \"$words[1..$count]\" = \"$argv\"\n"
                "end\n"
                "\n"
                "function __ccodesctl_at\n"
                "    set -l words (__ccodesctl_words)\n"
                "    test \"$words\" = \"$argv\"\n"
                "end\n"
                "\n"
                "complete -c ccodesctl -f\n";

static void append_quoted(struct text *text, const char *words) {
        text_append_char(text, '\'');
        for (; *words; words++) {
                if (*words == '\'' || *words == '\\')
                        text_append_char(text, '\\');
                text_append_char(text, *words);
        }
        text_append_char(text, '\'');
}

static void begin_line(struct text *text, const char *condition, const char *words) {
        text_printf(text, "complete -c ccodesctl -n '%s%s%s'", condition, *words ? " " : "", words);
}

static void append_value(struct text *text, enum cli_words words) {
        switch (words) {
        case CLI_WORDS_NONE:
                text_append_string(text, " -x");
                break;
        case CLI_WORDS_FILE:
                text_append_string(text, " -r -F");
                break;
        case CLI_WORDS_FOLDER:
                text_append_string(text, " -x -a '(__fish_complete_directories)'");
                break;
        default:
                text_append_string(text, " -x -a '");
                completion_append_words(text, words);
                text_append_char(text, '\'');
                break;
        }
}

static void write_options(struct text *text, const char *verb, const struct cli_option *options) {
        for (const struct cli_option *option = options; option && option->name; option++) {
                begin_line(text, "__ccodesctl_in", verb);
                if (option->letter)
                        text_printf(text, " -s %c", option->letter);
                text_printf(text, " -l %s", option->name);
                if (option->value)
                        append_value(text, option->words);
                text_append_string(text, " -d ");
                append_quoted(text, option->help);
                text_append_char(text, '\n');
        }
}

/* The last word of the verb, offered where the ones before it stand. */
static void write_word(struct text *text, const char *before, const char *word, const char *summary) {
        begin_line(text, "__ccodesctl_at", before);
        text_printf(text, " -a %s -d ", word);
        append_quoted(text, summary);
        text_append_char(text, '\n');
}

static void write_verb(struct text *text, const struct cli_verb *verb) {
        _cleanup_text_ struct text first = TEXT_INIT;
        size_t length = strcspn(verb->name, " ");
        text_append(&first, (struct slice) { verb->name, length });
        if (verb->name[length] == ' ')
                write_word(text, first.data ? first.data : "", verb->name + length + 1, verb->summary);
        else
                write_word(text, "", verb->name, verb->summary);
        write_options(text, verb->name, verb->options);
        if (verb->words == CLI_WORDS_NONE)
                return;
        begin_line(text, "__ccodesctl_at", verb->name);
        append_value(text, verb->words);
        text_append_char(text, '\n');
}

static void write_group(struct text *text, const char *first) {
        write_word(text, "", first, "See its own commands");
}

void completion_write_fish(struct text *text) {
        text_append_string(text, head);
        completion_each_group(text, write_group);
        write_options(text, "", cli_global_options);
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                write_verb(text, verb);
}
