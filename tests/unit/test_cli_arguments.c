/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's parser, and the table of commands that it works with. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static const struct cli_option options[] = {
        { .name = "follow", .letter = 'f', .help = "" },
        { .name = "lines", .letter = 'n', .value = "COUNT", .help = "" },
        { .name = "unit", .letter = 'u', .value = "UNIT", .help = "" },
        { 0 },
};
static const struct cli_option more[] = {
        { .name = "json", .help = "" },
        { 0 },
};

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static struct cli_arguments parse(const char *const *words) {
        struct cli_arguments arguments = CLI_ARGUMENTS_INIT;
        struct error error = ERROR_INIT;
        assert_int_equal(cli_arguments_parse(options, more, words, &error, &arguments), 0);
        assert_false(error_is_set(&error));
        return arguments;
}

static void expect_option(const char *const *words, const char *name, const char *value) {
        struct cli_arguments arguments = parse(words);
        assert_non_null(cli_argument(&arguments, name));
        assert_string_equal(cli_argument(&arguments, name), value);
        cli_arguments_done(&arguments);
}

static void expect_refusal(const char *const *words, const char *part) {
        struct cli_arguments arguments = CLI_ARGUMENTS_INIT;
        struct error error = ERROR_INIT;
        assert_int_equal(cli_arguments_parse(options, more, words, &error, &arguments), -EINVAL);
        assert_non_null(strstr(error.text, part));
        assert_null(arguments.given);
}

static void every_form_of_an_option(void **state) {
        (void) state;
        expect_option(WORDS("--lines", "20"), "lines", "20");
        expect_option(WORDS("--lines=20"), "lines", "20");
        expect_option(WORDS("--lines="), "lines", "");
        expect_option(WORDS("-n", "20"), "lines", "20");
        expect_option(WORDS("-n20"), "lines", "20");
        expect_option(WORDS("-fn20"), "lines", "20");
        expect_option(WORDS("-fn", "20"), "follow", "");
        expect_option(WORDS("--lines", "--follow"), "lines", "--follow");
        expect_option(WORDS("--lines", "1", "--lines", "2"), "lines", "2");
        expect_option(WORDS("operand", "--json"), "json", "");
}

static void operands_stand_anywhere(void **state) {
        (void) state;
        struct cli_arguments arguments = parse(WORDS("a", "-f", "b", "-", "--", "--lines", "-x"));
        static const char *const operands[] = { "a", "b", "-", "--lines", "-x" };
        assert_int_equal(arguments.operand_count, 5);
        for (size_t i = 0; i < 5; i++)
                assert_string_equal(arguments.operands[i], operands[i]);
        assert_null(cli_argument(&arguments, "lines"));
        cli_arguments_done(&arguments);
        cli_arguments_done(&arguments);
}

static void what_was_given_keeps_its_order(void **state) {
        (void) state;
        struct cli_arguments arguments = parse(WORDS("-u", "a", "-ffff", "--unit=b"));
        assert_int_equal(arguments.given_count, 6);
        assert_string_equal(arguments.given[0].value, "a");
        assert_string_equal(arguments.given[5].value, "b");
        cli_arguments_done(&arguments);
}

static void mistakes_are_named(void **state) {
        (void) state;
        expect_refusal(WORDS("--folow"), "did you mean '--follow'");
        expect_refusal(WORDS("--jsn"), "did you mean '--json'");
        expect_refusal(WORDS("--zzzzzz"), "no option '--zzzzzz'");
        expect_refusal(WORDS("--follow=yes"), "takes no value");
        expect_refusal(WORDS("--lines"), "needs a value: --lines COUNT");
        expect_refusal(WORDS("-n"), "needs a value");
        expect_refusal(WORDS("-x"), "no option '-x'");
        expect_refusal(WORDS("-fx"), "no option '-x'");
        expect_refusal(WORDS("--=x"), "no option '--'");
}

static void no_words(void **state) {
        (void) state;
        struct cli_arguments arguments = parse((const char *const[]) { NULL });
        assert_int_equal(arguments.operand_count, 0);
        assert_int_equal(arguments.given_count, 0);
        cli_arguments_done(&arguments);
}

static void commands_are_found_by_one_word_or_two(void **state) {
        (void) state;
        size_t length = 0;
        assert_string_equal(cli_verb_find(WORDS("status"), &length)->name, "status");
        assert_int_equal(length, 1);
        assert_string_equal(cli_verb_find(WORDS("config", "get", "x"), &length)->name, "config get");
        assert_int_equal(length, 2);
        assert_null(cli_verb_find(WORDS("config"), &length));
        assert_null(cli_verb_find(WORDS("config", "gets"), &length));
        assert_null(cli_verb_find(WORDS("statu"), &length));
        assert_null(cli_verb_find((const char *const[]) { NULL }, &length));
}

/* No letter and no name means two things within one command. */
static void expect_distinct(const struct cli_verb *verb) {
        const struct cli_option *tables[] = { verb->options, cli_global_options };
        const struct cli_option *seen[64];
        size_t count = 0;
        for (size_t t = 0; t < 2; t++)
                for (const struct cli_option *option = tables[t]; option && option->name; option++) {
                        assert_non_null(option->help);
                        for (size_t i = 0; i < count; i++) {
                                assert_string_not_equal(seen[i]->name, option->name);
                                assert_true(!option->letter || seen[i]->letter != option->letter);
                        }
                        seen[count++] = option;
                }
}

static void the_table_is_sound(void **state) {
        (void) state;
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                assert_non_null(verb->run);
                assert_non_null(verb->summary);
                assert_true(verb->group < CLI_GROUP_COUNT);
                assert_int_not_equal(verb->summary[strlen(verb->summary) - 1], '.');
                assert_true(verb->operands_min <= verb->operands_max);
                assert_int_equal(verb->operands != NULL, verb->operands_max > 0);
                expect_distinct(verb);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_form_of_an_option),
                cmocka_unit_test(operands_stand_anywhere),
                cmocka_unit_test(what_was_given_keeps_its_order),
                cmocka_unit_test(mistakes_are_named),
                cmocka_unit_test(no_words),
                cmocka_unit_test(commands_are_found_by_one_word_or_two),
                cmocka_unit_test(the_table_is_sound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
