/* SPDX-License-Identifier: Apache-2.0 */
/* What ccodesctl prints: nothing from elsewhere steers the terminal, tables stand straight, colours only where asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/config_fault_list.h"
#include "cli/output.h"

struct page {
        struct output output;
        char *bytes;
        size_t length;
};

static struct page *page_open(struct page *page, enum output_colours colours) {
        FILE *stream = open_memstream(&page->bytes, &page->length);
        assert_non_null(stream);
        page->output = (struct output) { .stream = stream, .colours = colours == OUTPUT_COLOURS_ALWAYS };
        return page;
}

static void page_expect(struct page *page, const char *expected) {
        (void) fclose(page->output.stream);
        assert_string_equal(page->bytes, expected);
        free(page->bytes);
}

static void expect_safe(struct slice bytes, const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        output_append_safe(&text, bytes, "|");
        assert_string_equal(text.data ? text.data : "", expected);
}

static void control_characters_do_not_pass(void **state) {
        (void) state;
        expect_safe(SLICE_LITERAL("plain \xC3\xA4\tx"), "plain \xC3\xA4\tx");
        expect_safe(SLICE_LITERAL("a\nb"), "a|b");
        expect_safe(SLICE_LITERAL("\033[31mred\033]0;title\a"), "\\x1b[31mred\\x1b]0;title\\x07");
        expect_safe(SLICE_LITERAL("a\rb\x7f"), "a\\x0db\\x7f");
        expect_safe(SLICE_LITERAL("nul\0nul"), "nul\\x00nul");
        expect_safe(SLICE_LITERAL("\xC2\x9B"
                                  "2J"),
                    "\xEF\xBF\xBD"
                    "2J"); /* CSI in one character */
        expect_safe(SLICE_LITERAL("\xff\xC3"), "\xEF\xBF\xBD\xEF\xBF\xBD");
        expect_safe(SLICE_LITERAL(""), "");
}

static void colours_are_given_where_asked(void **state) {
        (void) state;
        struct page page;
        output_print(&page_open(&page, OUTPUT_COLOURS_ALWAYS)->output, OUTPUT_BAD, "%s", "x\033[0m");
        page_expect(&page, "\033[31mx\\x1b[0m\033[0m");
        output_print(&page_open(&page, OUTPUT_COLOURS_ALWAYS)->output, OUTPUT_BAD, "x\n\n");
        page_expect(&page, "\033[31mx\033[0m\n\n");
        output_print(&page_open(&page, OUTPUT_COLOURS_NEVER)->output, OUTPUT_BAD, "x");
        page_expect(&page, "x");
        output_print(&page_open(&page, OUTPUT_COLOURS_ALWAYS)->output, OUTPUT_BAD, "%s", "");
        page_expect(&page, "");
}

static void files_have_no_colours(void **state) {
        (void) state;
        struct output output;
        FILE *file = tmpfile();
        assert_non_null(file);
        output_init(&output, file, OUTPUT_COLOURS_AUTO);
        assert_false(output.colours);
        assert_false(output.terminal);
        assert_int_equal(output.columns, 0);
        output_init(&output, file, OUTPUT_COLOURS_ALWAYS);
        assert_true(output.colours);
        (void) fclose(file);
}

static void tables_stand_straight(void **state) {
        (void) state;
        struct page page;
        struct output_table table = { .columns = 3 };
        static const char *const cells[] = { "a", "\xC3\xA4\xC3\xB6", "one", "long", "b", "two" };
        for (size_t i = 0; i < 6; i++)
                output_table_add(&table, OUTPUT_PLAIN, "%s", cells[i]);
        output_table_print(&page_open(&page, OUTPUT_COLOURS_NEVER)->output, &table);
        page_expect(&page, "a     \xC3\xA4\xC3\xB6  one\nlong  b   two\n");

        page_open(&page, OUTPUT_COLOURS_NEVER)->output.columns = 12;
        output_table_print(&page.output, &table);
        page_expect(&page, "a     \xC3\xA4\xC3\xB6  on\nlong  b   tw\n");
        output_table_done(&table);
}

static void tables_wrap_where_asked(void **state) {
        (void) state;
        struct page page;
        struct output_table table = { .columns = 2, .wraps = true };
        output_table_add(&table, OUTPUT_PLAIN, "--name");
        output_table_add(&table, OUTPUT_GOOD,
                         "exactly twenty wide, then incomprehensibilities  of \xC3\xA4ngstr\xC3\xB6m");
        output_table_add(&table, OUTPUT_PLAIN, "-x");
        output_table_add(&table, OUTPUT_PLAIN, "short");
        page_open(&page, OUTPUT_COLOURS_NEVER)->output.columns = 28;
        output_table_print(&page.output, &table);
        page_expect(&page, "--name  exactly twenty wide,\n"
                           "        then\n"
                           "        incomprehensibilities\n"
                           "        of \xC3\xA4ngstr\xC3\xB6m\n"
                           "-x      short\n");

        /* No room to wrap in, or no terminal: nothing is lost all the same. */
        static const unsigned widths[] = { 12, 0 };
        for (size_t i = 0; i < 2; i++) {
                page_open(&page, OUTPUT_COLOURS_NEVER)->output.columns = widths[i];
                output_table_print(&page.output, &table);
                page_expect(&page,
                            "--name  exactly twenty wide, then incomprehensibilities  of \xC3\xA4ngstr\xC3\xB6m\n"
                            "-x      short\n");
        }
        output_table_done(&table);
}

static void words_are_wrapped(void **state) {
        (void) state;
        struct page page;
        page_open(&page, OUTPUT_COLOURS_NEVER)->output.columns = 12;
        output_wrap(&page.output, 2, "one two three\n\nfour incomprehensible five");
        page_expect(&page, "  one two\n  three\n\n  four\n  incomprehensible\n  five\n");
}

static void json_is_always_utf8(void **state) {
        (void) state;
        struct page page;
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "a", output_json_slice(SLICE_LITERAL("\xff/\n\0x")));
        json_object_object_add(object, "b", output_json_string(NULL));
        output_json_line(&page_open(&page, OUTPUT_COLOURS_ALWAYS)->output, object);
        page_expect(&page, "{\"a\":\"\xEF\xBF\xBD/\\n\\u0000x\",\"b\":null}\n");
}

static void expect_faults(const char *text, const char *expected) {
        struct json_object *object = json_object_new_object();
        config_fault_list_add(object, text);
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(object, "faults"),
                                                           JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                            expected);
        assert_int_equal(json_object_get_int(json_object_object_get(object, "more_faults")), 0);
        json_object_put(object);
}

static void faults_that_are_only_counted(void **state) {
        (void) state;
        struct json_object *object = json_object_new_object();
        config_fault_list_add(object, "a.toml:1:2: and 3 more\nand 2 more\nand 12 more");
        assert_int_equal(json_object_array_length(json_object_object_get(object, "faults")), 2);
        assert_int_equal(json_object_get_int(json_object_object_get(object, "more_faults")), 12);
        json_object_put(object);
}

static void faults_are_taken_apart(void **state) {
        (void) state;
        expect_faults("", "[]");
        expect_faults("/e/c.toml:3:14: unknown key 'x'",
                      "[{\"file\":\"/e/c.toml\",\"line\":3,\"column\":14,\"message\":\"unknown key 'x'\"}]");
        expect_faults("a:1:2: x\nno place: 3:4: y\n",
                      "[{\"file\":\"a\",\"line\":1,\"column\":2,\"message\":\"x\"},"
                      "{\"file\":null,\"line\":null,\"column\":null,\"message\":\"no place: 3:4: y\"}]");
        expect_faults("[::1]:80 a:7:8: x", "[{\"file\":\"[::1]:80 a\",\"line\":7,\"column\":8,\"message\":\"x\"}]");
        expect_faults("/e/c.toml: cannot be read: Is a directory",
                      "[{\"file\":\"/e/c.toml\",\"line\":null,\"column\":null,\"message\":\"cannot be read: Is a "
                      "directory\"}]");
        expect_faults("reading b.toml: x",
                      "[{\"file\":null,\"line\":null,\"column\":null,\"message\":\"reading b.toml: x\"}]");
        expect_faults("a:1:2:", "[{\"file\":null,\"line\":null,\"column\":null,\"message\":\"a:1:2:\"}]");
        expect_faults("a:1:", "[{\"file\":null,\"line\":null,\"column\":null,\"message\":\"a:1:\"}]");
        expect_faults("a:99999999999999999999:1: x",
                      "[{\"file\":null,\"line\":null,\"column\":null,\"message\":\"a:99999999999999999999:1: x\"}]");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(control_characters_do_not_pass),
                cmocka_unit_test(colours_are_given_where_asked),
                cmocka_unit_test(files_have_no_colours),
                cmocka_unit_test(tables_stand_straight),
                cmocka_unit_test(tables_wrap_where_asked),
                cmocka_unit_test(words_are_wrapped),
                cmocka_unit_test(json_is_always_utf8),
                cmocka_unit_test(faults_are_taken_apart),
                cmocka_unit_test(faults_that_are_only_counted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
