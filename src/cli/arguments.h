/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/error.h"

/*
 * The command line, by tables: an option's name, its value and its help stand in one row, from which parser, --help,
 * completion and manual page come.
 */

/* What a value or an operand can be completed with. */
enum cli_words {
        CLI_WORDS_NONE,
        CLI_WORDS_FILE,
        CLI_WORDS_FOLDER,
        CLI_WORDS_CAUSE,
        CLI_WORDS_COLOUR,
        CLI_WORDS_CONFIG_KEY,
        CLI_WORDS_PRIORITY,
        CLI_WORDS_ROLE,
        CLI_WORDS_SCOPE,
        CLI_WORDS_SERVICE,
        CLI_WORDS_SPAN, /* of time, back from now */
};

struct cli_option {
        const char *name;  /* without the dashes; NULL ends a table */
        char letter;       /* 0: none */
        const char *value; /* what stands for the value in the help; NULL: the option takes none */
        enum cli_words words;
        const char *help;
};

/* What was given, in its order. Strings are views of the words that were parsed. */
struct cli_arguments {
        struct cli_given {
                const struct cli_option *option;
                const char *value; /* "" for an option without one */
        } * given;
        size_t given_count;
        const char **operands;
        size_t operand_count;
};

#define CLI_ARGUMENTS_INIT ((struct cli_arguments) { 0 })

/*
 * Parses a NULL-terminated array of words by the options of two tables (the second may be NULL). Options and operands
 * may be mixed; what follows "--" is an operand. -EINVAL with an error that names the nearest option, -ENOMEM.
 */
int cli_arguments_parse(const struct cli_option *options, const struct cli_option *more, const char *const *words,
                        struct error *error, struct cli_arguments *ret_arguments);
void cli_arguments_done(struct cli_arguments *arguments);

/* The value that was given last for an option of this name, "" for one without value; NULL when it was not given. */
const char *cli_argument(const struct cli_arguments *arguments, const char *name);
