/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a verb, and from its result to the exit status. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/nearest.h"
#include "shared/syscall.h"

static int exit_status_of(int code) {
        switch (code) {
        case -ESRCH:
                return CLI_NOT_RUNNING;
        case -EACCES:
        case -EPERM:
                return CLI_NOT_PERMITTED;
        default:
                return CLI_FAILED;
        }
}

static int set_up_output(struct cli *cli, const struct cli_arguments *arguments) {
        static const char *const words[] = { "auto", "always", "never", NULL };
        const char *colour = cli_argument(arguments, "color");
        int choice = OUTPUT_COLOURS_AUTO;
        while (colour && words[choice] && strcmp(words[choice], colour) != 0)
                choice++;
        bool known = words[choice] != NULL;
        output_init(&cli->out, stdout, known ? (enum output_colours) choice : OUTPUT_COLOURS_AUTO);
        output_init(&cli->err, stderr, known ? (enum output_colours) choice : OUTPUT_COLOURS_AUTO);
        cli->json = cli_argument(arguments, "json") != NULL;
        return known ? 0 : cli_refuse(cli, "--color takes auto, always or never, not '%s'", colour);
}

static int run_verb(struct cli *cli, const struct cli_verb *verb, const struct cli_arguments *arguments) {
        if (cli_argument(arguments, "help")) {
                cli_help_verb(&cli->out, verb);
                return CLI_DONE;
        }
        if (arguments->operand_count < verb->operands_min)
                return cli_refuse(cli, "%s: %s is missing; try '" CLI_PROGRAM " %s --help'", verb->name, verb->operands,
                                  verb->name);
        if (arguments->operand_count > verb->operands_max)
                return cli_refuse(cli, "%s: there is one argument too many, '%s'; try '" CLI_PROGRAM " %s --help'",
                                  verb->name, arguments->operands[verb->operands_max], verb->name);
        struct error error = ERROR_INIT;
        int r = verb->run(cli, arguments, &error);
        if (r >= 0)
                return r;
        cli_report_failure(cli, error_is_set(&error) ? error.text : strerror(-r));
        return exit_status_of(r);
}

/* The nearest verb of those that begin with `first` and have a second word. */
static const char *nearest_second_word(const char *first, const char *typed) {
        const char *nearest = NULL;
        unsigned best = NEAREST_NONE;
        size_t length = strlen(first);
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                if (strncmp(verb->name, first, length) != 0 || verb->name[length] != ' ')
                        continue;
                unsigned distance = nearest_distance(typed, verb->name + length + 1);
                if (distance < best) {
                        best = distance;
                        nearest = verb->name;
                }
        }
        return nearest;
}

/* The nearest first word of a verb. */
static const char *nearest_verb(const char *typed) {
        const char *nearest = NULL;
        unsigned best = NEAREST_NONE;
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                char first[32];
                (void) snprintf(first, sizeof(first), "%.*s", (int) strcspn(verb->name, " "), verb->name);
                unsigned distance = nearest_distance(typed, first);
                if (distance < best) {
                        best = distance;
                        nearest = verb->name;
                }
        }
        return nearest;
}

static bool begins_verb(const char *word) {
        size_t length = strlen(word);
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
                if (strncmp(verb->name, word, length) == 0 && verb->name[length] == ' ')
                        return true;
        return false;
}

/* No verb: --help, --version, or a mistake. */
static int run_without_verb(struct cli *cli, const struct cli_arguments *arguments) {
        bool asks_help = arguments->operand_count > 0 && strcmp(arguments->operands[0], "help") == 0;
        bool help = asks_help || cli_argument(arguments, "help") != NULL;
        const char *const *words = arguments->operands + asks_help;
        size_t count = arguments->operand_count - asks_help;
        const char *word = count > 0 ? words[0] : NULL, *second = count > 1 ? words[1] : NULL;
        if (!word) {
                cli_help(help ? &cli->out : &cli->err);
                return help ? CLI_DONE : CLI_USAGE;
        }
        if (begins_verb(word) && !second) {
                cli_help_verbs_of(help ? &cli->out : &cli->err, word);
                return help ? CLI_DONE : CLI_USAGE;
        }
        const char *nearest = begins_verb(word) ? nearest_second_word(word, second) : NULL;
        if (nearest)
                return cli_refuse(cli, "there is no command '%s %s'; did you mean '%s'?", word, second, nearest);
        if (begins_verb(word))
                return cli_refuse(cli, "there is no command '%s %s'; try '" CLI_PROGRAM " %s --help'", word, second,
                                  word);
        nearest = nearest_verb(word);
        if (nearest)
                return cli_refuse(cli, "there is no command '%s'; did you mean '%.*s'?", word,
                                  (int) strcspn(nearest, " "), nearest);
        return cli_refuse(cli, "there is no command '%s'; try '" CLI_PROGRAM " --help'", word);
}

/* How many words at the front are options of the program as such. */
static size_t leading_options(const char *const *words) {
        size_t count = 0;
        for (; words[count] && words[count][0] == '-' && words[count][1]; count++)
                if (strcmp(words[count], "--color") == 0 && words[count + 1])
                        count++;
        return count;
}

/* The words without the `length` ones at `start`, which are the verb's name. The caller frees the array. */
static const char **words_without(const char *const *words, size_t start, size_t length) {
        size_t count = 0, kept = 0;
        while (words[count])
                count++;
        const char **rest = calloc(count + 1, sizeof(*rest));
        for (size_t i = 0; rest && i < count; i++)
                if (i < start || i >= start + length)
                        rest[kept++] = words[i];
        return rest;
}

int cli_run(const char *const *words) {
        struct cli cli = { 0 };
        struct error error = ERROR_INIT;
        _cleanup_(cli_arguments_done) struct cli_arguments arguments = CLI_ARGUMENTS_INIT;
        size_t skipped = leading_options(words), length = 0;
        bool asks_help = words[skipped] && strcmp(words[skipped], "help") == 0; /* "help config check" */
        const struct cli_verb *verb = cli_verb_find(words + skipped + asks_help, &length);

        _cleanup_free_ const char **rest = words_without(words, skipped, verb ? length + asks_help : 0);
        int r = rest ? cli_arguments_parse(cli_global_options, verb ? verb->options : NULL, rest, &error, &arguments)
                     : -ENOMEM;
        int status = set_up_output(&cli, &arguments);
        if (status == 0 && r < 0)
                status = cli_refuse(&cli, "%s", error_is_set(&error) ? error.text : strerror(-r));
        if (status != 0)
                return status;
        if (cli_argument(&arguments, "version"))
                verb = cli_verb_find((const char *const[]) { "version", NULL }, &length);
        else if (verb && asks_help) {
                cli_help_verb(&cli.out, verb);
                return CLI_DONE;
        }
        status = verb ? run_verb(&cli, verb, &arguments) : run_without_verb(&cli, &arguments);
        /* A full disk, now or when a buffer was full; a closed pipe ends the process before. */
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        if (status != CLI_DONE)
                return status;
        output_print(&cli.err, OUTPUT_STRONG, CLI_PROGRAM ": ");
        output_print(&cli.err, OUTPUT_PLAIN, "not all of it could be written\n");
        return CLI_FAILED;
}
