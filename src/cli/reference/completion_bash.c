/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash: one function that needs nothing but bash itself. */
#include <string.h>

#include "cli/reference/completion.h"

static const char head[] = "# bash completion for ccodesctl, made from its table of commands\n"
                           "_ccodesctl() {\n"
                           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                           "    local verb='' word i options='' words='' kind=''\n"
                           "    COMPREPLY=()\n"
                           "    # bash takes \"--option=value\" apart at the equals sign.\n"
                           "    if [[ $current == '=' ]]; then\n"
                           "        current=''\n"
                           "    elif [[ $previous == '=' ]]; then\n"
                           "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
                           "    fi\n"
                           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "        word=${COMP_WORDS[i]}\n"
                           "        [[ $word == -* || $word == '=' || ${COMP_WORDS[i-1]} == --color ]] && continue\n"
                           "        case $verb in\n"
                           "            '') verb=$word ;;\n";

static const char tail[] = "    case $kind in\n"
                           "        file) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
                           "        folder) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\")) ;;\n"
                           "        none) ;;\n"
                           "        *)\n"
                           "            [[ $current == -* ]] && words=$options\n"
                           "            COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
                           "    esac\n"
                           "}\n"
                           "complete -F _ccodesctl ccodesctl\n";

/* The first words of all verbs, or the second ones of those that begin with `first`. */
static void append_verb_words(struct text *text, const char *first) {
        const char *last = "";
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                size_t length = strcspn(verb->name, " ");
                bool belongs = !first || (strlen(first) == length && strncmp(verb->name, first, length) == 0 &&
                                          verb->name[length] == ' ');
                if (!belongs || (!first && strncmp(last, verb->name, length + 1) == 0 && verb->name[length] == ' '))
                        continue;
                if (first)
                        text_printf(text, " %s", verb->name + length + 1);
                else
                        text_printf(text, " %.*s", (int) length, verb->name);
                last = verb->name;
        }
}

static void write_second_word(struct text *text, const char *first) {
        text_printf(text, "            %s) verb+=\" $word\" ;;\n", first);
}

static void write_group(struct text *text, const char *first) {
        text_printf(text, "        %s) words='", first);
        append_verb_words(text, first);
        text_append_string(text, "' ;;\n");
}

static void append_option_names(struct text *text, const struct cli_option *options) {
        for (const struct cli_option *option = options; option && option->name; option++)
                text_printf(text, " --%s", option->name);
}

static void write_verb(struct text *text, const struct cli_verb *verb) {
        text_printf(text, "        '%s') options+='", verb->name);
        append_option_names(text, verb->options);
        text_append_string(text, "' words='");
        completion_append_words(text, verb->words);
        text_append_string(text, "' ;;\n");
}

static void write_value(struct text *text, const char *verb, const struct cli_option *option) {
        if (!option->value)
                return;
        text_printf(text, "        '%s:--%s'", verb, option->name);
        if (option->letter)
                text_printf(text, " | '%s:-%c'", verb, option->letter);
        text_append_string(text, ") kind=");
        switch (option->words) {
        case CLI_WORDS_FILE:
                text_append_string(text, "file");
                break;
        case CLI_WORDS_FOLDER:
                text_append_string(text, "folder");
                break;
        case CLI_WORDS_NONE:
                text_append_string(text, "none");
                break;
        default:
                text_append_string(text, "words words='");
                completion_append_words(text, option->words);
                text_append_char(text, '\'');
                break;
        }
        text_append_string(text, " ;;\n");
}

void completion_write_bash(struct text *text) {
        text_append_string(text, head);
        completion_each_group(text, write_second_word);
        text_append_string(text, "        esac\n"
                                 "    done\n"
                                 "    options='");
        append_option_names(text, cli_global_options);
        text_append_string(text, "'\n"
                                 "    case $verb in\n"
                                 "        '') words='");
        append_verb_words(text, NULL);
        text_append_string(text, "' ;;\n");
        completion_each_group(text, write_group);
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                write_verb(text, verb);
        text_append_string(text, "    esac\n"
                                 "    case $verb:$previous in\n");
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                for (const struct cli_option *option = verb->options; option && option->name; option++)
                        write_value(text, verb->name, option);
        text_append_string(text, "        *:--color) kind=words words='");
        completion_append_words(text, CLI_WORDS_COLOUR);
        text_append_string(text, "' ;;\n"
                                 "    esac\n");
        text_append_string(text, tail);
}
