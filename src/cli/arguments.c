/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a command line by tables of options. Knows nothing of what the options mean, and prints nothing. */
#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/nearest.h"
#include "shared/slice.h"
#include "shared/syscall.h"

struct parser {
        const struct cli_option *tables[2];
        const char *const *next; /* the words that are left */
        struct error *error;
        struct cli_arguments arguments;
};

void cli_arguments_done(struct cli_arguments *arguments) {
        if (!arguments)
                return;
        free(arguments->given);
        free(arguments->operands);
        *arguments = CLI_ARGUMENTS_INIT;
}

const char *cli_argument(const struct cli_arguments *arguments, const char *name) {
        for (size_t i = arguments->given_count; i > 0; i--)
                if (strcmp(arguments->given[i - 1].option->name, name) == 0)
                        return arguments->given[i - 1].value;
        return NULL;
}

static const struct cli_option *find_long(const struct parser *parser, struct slice name) {
        for (size_t i = 0; i < ELEMENTS_OF(parser->tables); i++)
                for (const struct cli_option *option = parser->tables[i]; option && option->name; option++)
                        if (slice_equal_text(name, option->name))
                                return option;
        return NULL;
}

static const struct cli_option *find_letter(const struct parser *parser, char letter) {
        for (size_t i = 0; i < ELEMENTS_OF(parser->tables); i++)
                for (const struct cli_option *option = parser->tables[i]; option && option->name; option++)
                        if (option->letter == letter)
                                return option;
        return NULL;
}

static int refuse_unknown(const struct parser *parser, struct slice name) {
        _cleanup_free_ char *typed = strndup(name.data, name.length);
        const char *nearest = NULL;
        unsigned best = NEAREST_NONE;
        for (size_t i = 0; typed && i < ELEMENTS_OF(parser->tables); i++)
                for (const struct cli_option *option = parser->tables[i]; option && option->name; option++) {
                        unsigned distance = nearest_distance(typed, option->name);
                        if (distance < best) {
                                best = distance;
                                nearest = option->name;
                        }
                }
        if (nearest)
                return error_set(parser->error, -EINVAL, "there is no option '--%.*s'; did you mean '--%s'?",
                                 SLICE_PRINTF(name), nearest);
        return error_set(parser->error, -EINVAL, "there is no option '--%.*s'", SLICE_PRINTF(name));
}

static void add(struct parser *parser, const struct cli_option *option, const char *value) {
        parser->arguments.given[parser->arguments.given_count++] = (struct cli_given) { option, value };
}

/* The value is the next word, whatever that looks like. */
static int take_value(struct parser *parser, const struct cli_option *option) {
        if (!*parser->next)
                return error_set(parser->error, -EINVAL, "the option '--%s' needs a value: --%s %s", option->name,
                                 option->name, option->value);
        add(parser, option, *parser->next++);
        return 0;
}

static int parse_long(struct parser *parser, const char *word) {
        const char *equals = strchr(word, '=');
        struct slice name = { word, equals ? (size_t) (equals - word) : strlen(word) };
        const struct cli_option *option = find_long(parser, name);
        if (!option)
                return refuse_unknown(parser, name);
        if (equals && !option->value)
                return error_set(parser->error, -EINVAL, "the option '--%s' takes no value", option->name);
        if (option->value && !equals)
                return take_value(parser, option);
        add(parser, option, equals ? equals + 1 : "");
        return 0;
}

/* "-f", "-fu NAME", "-n20" */
static int parse_letters(struct parser *parser, const char *letters) {
        for (; *letters; letters++) {
                const struct cli_option *option = find_letter(parser, *letters);
                if (!option)
                        return error_set(parser->error, -EINVAL, "there is no option '-%c'", *letters);
                if (option->value && !letters[1])
                        return take_value(parser, option);
                if (option->value) {
                        add(parser, option, letters + 1);
                        return 0;
                }
                add(parser, option, "");
        }
        return 0;
}

static int parse_words(struct parser *parser) {
        struct cli_arguments *arguments = &parser->arguments;
        bool only_operands = false;
        while (*parser->next) {
                const char *word = *parser->next++;
                int r = 0;
                if (only_operands || word[0] != '-' || !word[1])
                        arguments->operands[arguments->operand_count++] = word;
                else if (strcmp(word, "--") == 0)
                        only_operands = true;
                else
                        r = word[1] == '-' ? parse_long(parser, word + 2) : parse_letters(parser, word + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int cli_arguments_parse(const struct cli_option *options, const struct cli_option *more, const char *const *words,
                        struct error *error, struct cli_arguments *ret_arguments) {
        struct parser parser = { .tables = { options, more }, .next = words, .error = error };
        size_t most = 0; /* letters that are given in one word count one by one */
        for (const char *const *word = words; *word; word++)
                most += strlen(*word) + 1;
        parser.arguments.given = calloc(most + 1, sizeof(*parser.arguments.given));
        parser.arguments.operands = calloc(most + 1, sizeof(*parser.arguments.operands));
        int r = parser.arguments.given && parser.arguments.operands ? parse_words(&parser) : -ENOMEM;
        if (r < 0) {
                cli_arguments_done(&parser.arguments);
                return error_set_errno(error, r, "reading the command line");
        }
        *ret_arguments = parser.arguments;
        return 0;
}
