/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables, their chains, names, lists and values. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/conditional.h"
#include "http/date.h"
#include "http/field.h"
#include "http/range.h"

static struct http_field items[8];

static void add(struct http_fields *fields, const char *name, const char *value) {
        struct slice text = slice_of(name);
        assert_int_equal(http_fields_add(fields, http_field_id_from_name(text), text, slice_of(value)), 0);
}

static void every_known_name_is_found(void **state) {
        (void) state;
        for (int id = 1; id < HTTP_FIELD_COUNT; id++) {
                struct slice name = http_field_name((enum http_field_id) id);
                char other_case[64];
                assert_true(name.length < sizeof(other_case));
                assert_int_equal(http_field_id_from_name(name), id);
                for (size_t i = 0; i < name.length; i++)
                        other_case[i] = name.data[i] == '-' ? '-' : (char) (name.data[i] ^ 0x20);
                assert_int_equal(http_field_id_from_name((struct slice) { other_case, name.length }), id);
        }
}

static void a_name_with_any_byte_changed_is_another(void **state) {
        (void) state;
        for (int id = 1; id < HTTP_FIELD_COUNT; id++) {
                struct slice name = http_field_name((enum http_field_id) id);
                for (size_t i = 0; i < name.length; i++)
                        for (int byte = 0; byte < 256; byte++) {
                                char changed[64];
                                memcpy(changed, name.data, name.length);
                                changed[i] = (char) byte;
                                struct slice text = { changed, name.length };
                                bool is_same = slice_equal_nocase(text, name);
                                assert_int_equal(http_field_id_from_name(text) == (enum http_field_id) id, is_same);
                        }
        }
}

static void unknown_names_are_other(void **state) {
        (void) state;
        static const char *const names[] = { "",
                                             "X",
                                             "Hos",
                                             "Hosts",
                                             "X-Forwarded-For",
                                             "If-Unmodified-Sincf",
                                             "A-name-that-is-longer-than-any-known" };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_int_equal(http_field_id_from_name(slice_of(names[i])), HTTP_FIELD_OTHER);
}

static void repeated_fields_are_chained(void **state) {
        (void) state;
        struct http_fields fields;
        http_fields_init(&fields, items, 8);
        add(&fields, "Host", "a");
        add(&fields, "Connection", "close");
        add(&fields, "X-One", "1");
        add(&fields, "connection", "Upgrade, \"x, keep-alive\"");
        add(&fields, "X-One", "2");
        add(&fields, "CONNECTION", " ,te");

        assert_true(slice_equal_text(http_fields_get(&fields, HTTP_FIELD_CONNECTION), "close"));
        assert_true(http_fields_has(&fields, HTTP_FIELD_HOST));
        assert_false(http_fields_has(&fields, HTTP_FIELD_RANGE));
        assert_null(http_fields_get(&fields, HTTP_FIELD_RANGE).data);
        assert_true(http_fields_is_repeated(&fields, HTTP_FIELD_CONNECTION));
        assert_false(http_fields_is_repeated(&fields, HTTP_FIELD_HOST));
        assert_false(http_fields_is_repeated(&fields, HTTP_FIELD_RANGE));

        assert_true(http_fields_list_has(&fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("CLOSE")));
        assert_true(http_fields_list_has(&fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("upgrade")));
        assert_true(http_fields_list_has(&fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("TE")));
        assert_false(http_fields_list_has(&fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("keep-alive")));
        assert_false(http_fields_list_has(&fields, HTTP_FIELD_RANGE, SLICE_LITERAL("keep-alive")));

        assert_true(slice_equal_text(http_fields_find(&fields, SLICE_LITERAL("x-one")), "1"));
        assert_true(slice_equal_text(http_fields_find(&fields, SLICE_LITERAL("host")), "a"));
        assert_null(http_fields_find(&fields, SLICE_LITERAL("x-two")).data);
}

static void a_full_table_says_so(void **state) {
        (void) state;
        struct http_fields fields;
        http_fields_init(&fields, items, 1);
        add(&fields, "Host", "a");
        assert_int_equal(http_fields_add(&fields, HTTP_FIELD_HOST, SLICE_LITERAL("Host"), SLICE_LITERAL("b")),
                         -ENOBUFS);
        assert_int_equal(fields.count, 1);
        assert_false(http_fields_is_repeated(&fields, HTTP_FIELD_HOST));
        http_fields_init(&fields, items, 1);
        assert_false(http_fields_has(&fields, HTTP_FIELD_HOST));
}

static void lists_are_split(void **state) {
        (void) state;
        static const struct {
                const char *list;
                const char *elements[5];
        } rows[] = {
                { "", { NULL } },
                { " , ,\t,", { NULL } },
                { "a", { "a" } },
                { "a,b", { "a", "b" } },
                { " a b\t, ,c ,", { "a b", "c" } },
                { "\"x, y\", z", { "\"x, y\"", "z" } },
                { "a=\"\\\",\", b", { "a=\"\\\",\"", "b" } },
                { "\"open, b", { "\"open, b" } },
                { "\"open\\", { "\"open\\" } },
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct slice list = slice_of(rows[i].list), element;
                size_t count = 0;
                while (http_list_next(&list, &element)) {
                        assert_non_null(rows[i].elements[count]);
                        assert_true(slice_equal_text(element, rows[i].elements[count]));
                        count++;
                }
                assert_null(rows[i].elements[count]);
        }
        struct slice none = SLICE_NULL, element;
        assert_false(http_list_next(&none, &element));
}

static void tokens_and_values(void **state) {
        (void) state;
        static const char delimiters[] = "\"(),/:;<=>?@[\\]{} ";
        for (int byte = 0; byte < 256; byte++) {
                char text[3] = { 'a', (char) byte, 'b' };
                bool is_token = byte > 0x20 && byte < 0x7f && !strchr(delimiters, byte);
                bool is_value = (byte >= 0x20 && byte != 0x7f) || byte == '\t';
                assert_int_equal(http_is_token((struct slice) { text, 3 }), is_token);
                assert_int_equal(http_is_field_value((struct slice) { text, 3 }), is_value);
        }
        assert_false(http_is_token(SLICE_LITERAL("")));
        assert_true(http_is_field_value(SLICE_LITERAL("")));
}

static void lines_become_one(void **state) {
        (void) state;
        struct http_field table[16];
        struct http_fields fields;
        struct arena arena;
        arena_init(&arena, 0);
        http_fields_init(&fields, table, 16);
        add(&fields, "X-A", "1");
        add(&fields, "accept-encoding", "gzip;q=0.5");
        add(&fields, "Cookie", "a=1");
        add(&fields, "X-A", "2");
        add(&fields, "Accept-Encoding", "");
        add(&fields, "Connection", "\"");
        add(&fields, "Connection", "close");
        add(&fields, "Accept-Encoding", "br");
        add(&fields, "Cookie", "b=2");
        add(&fields, "Range", "bytes=0-1");
        add(&fields, "Accept-Encoding", "zstd");
        add(&fields, "Host", "a");
        add(&fields, "Host", "b");
        assert_int_equal(http_fields_combine(&fields, &arena), 0);

        assert_true(slice_equal_text(http_fields_get(&fields, HTTP_FIELD_ACCEPT_ENCODING), "gzip;q=0.5, br, zstd"));
        assert_true(slice_equal_text(http_fields_get(&fields, HTTP_FIELD_COOKIE), "a=1; b=2"));
        assert_true(slice_equal_text(http_fields_get(&fields, HTTP_FIELD_RANGE), "bytes=0-1"));
        assert_false(http_fields_is_repeated(&fields, HTTP_FIELD_ACCEPT_ENCODING));
        assert_true(http_fields_is_repeated(&fields, HTTP_FIELD_HOST));
        assert_true(http_fields_list_has(&fields, HTTP_FIELD_CONNECTION, SLICE_LITERAL("close")));
        /* The others stay, in their order, and chains hold. */
        assert_int_equal(fields.count, 9);
        assert_true(slice_equal_text(table[0].value, "1"));
        assert_true(slice_equal_text(table[3].value, "2"));
        unsigned second = fields.items[fields.first[HTTP_FIELD_HOST] - 1].next;
        assert_true(slice_equal_text(fields.items[second - 1].value, "b"));
        assert_int_equal(http_fields_combine(&fields, &arena), 0);
        assert_int_equal(fields.count, 9);
        arena_done(&arena);
}

static void no_memory_for_one_line_is_said(void **state) {
        (void) state;
        struct http_fields fields;
        struct arena arena;
        arena_init(&arena, 1);
        http_fields_init(&fields, items, 2);
        add(&fields, "Accept", "a");
        assert_int_equal(http_fields_combine(&fields, &arena), 0);
        add(&fields, "Accept", "b");
        assert_int_equal(http_fields_combine(&fields, &arena), -ENOMEM);
        arena_done(&arena);
}

/* What must not be repeated has no valid value any more. */
static void repeated_single_values_are_refused_by_their_grammar(void **state) {
        (void) state;
        struct http_range ranges[HTTP_RANGE_MAX];
        time_t date;
        assert_int_equal(http_range_parse(SLICE_LITERAL("bytes=0-1, bytes=2-3"), 100, ranges), 0);
        assert_true(http_date_parse(SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"),
                                    1000000000, &date) < 0);
        assert_false(http_etag_matches(SLICE_LITERAL("\"a\""), SLICE_LITERAL("\"a\", \"a\""), false));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_known_name_is_found),
                cmocka_unit_test(a_name_with_any_byte_changed_is_another),
                cmocka_unit_test(unknown_names_are_other),
                cmocka_unit_test(repeated_fields_are_chained),
                cmocka_unit_test(a_full_table_says_so),
                cmocka_unit_test(lists_are_split),
                cmocka_unit_test(tokens_and_values),
                cmocka_unit_test(lines_become_one),
                cmocka_unit_test(no_memory_for_one_line_is_said),
                cmocka_unit_test(repeated_single_values_are_refused_by_their_grammar),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
