/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "cli/arguments.h"
#include "cli/report.h"
#include "shared/error.h"

/* ccodesctl: what its verbs have in common. */

enum cli_group {
        CLI_GROUP_LOOK,
        CLI_GROUP_CONFIGURE,
        CLI_GROUP_MANAGE,
        CLI_GROUP_ACCOUNTS,
        CLI_GROUP_SET_UP,
        CLI_GROUP_COUNT,
};

struct cli_verb {
        const char *name; /* "status", "config check" */
        enum cli_group group;
        const char *operands; /* as the help shows them; NULL: none */
        size_t operands_min, operands_max;
        enum cli_words words;             /* what operands are completed with */
        const char *summary;              /* one line, without full stop */
        const char *description;          /* paragraphs with an empty line between them */
        const struct cli_option *options; /* NULL: none of its own */

        /* Returns the exit status after it has said what there was to say, or a negative errno with the error set. */
        int (*run)(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
};

/* verb_table.c */
extern const struct cli_verb cli_verbs[]; /* ends with a NULL name */
extern const struct cli_option cli_global_options[];
extern const char *const cli_group_titles[CLI_GROUP_COUNT];

/* The verb whose one or two words stand at the front of `words`, and how many they are; NULL when there is none. */
const struct cli_verb *cli_verb_find(const char *const *words, size_t *ret_length);

/* help.c */
void cli_help(struct output *output);
void cli_help_verb(struct output *output, const struct cli_verb *verb);
void cli_help_verbs_of(struct output *output, const char *first_word); /* those of two words, such as "config …" */

/* cli.c */

/* Runs a whole command line; `words` are those behind the program's name. Returns the exit status. */
int cli_run(const char *const *words);
