/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests: the precedence of RFC 9110 section 13.2.2, row by row, and If-Range. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/conditional.h"
#include "shared/syscall.h"

#define MODIFIED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW 1767225600
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validators strong = { SLICE_LITERAL("\"a\""), MODIFIED, true };
static const struct http_validators weak = { SLICE_LITERAL("W/\"a\""), MODIFIED, true };
static const struct http_validators bare = { { NULL, 0 }, 0, true };
static const struct http_validators nothing = { { NULL, 0 }, 0, false };

struct request {
        struct http_field items[8];
        struct http_fields fields;
};

static void add(struct request *request, enum http_field_id id, const char *value) {
        if (value)
                assert_int_equal(http_fields_add(&request->fields, id, http_field_name(id), slice_of(value)), 0);
}

static void request_init(struct request *request, const char *const values[4]) {
        http_fields_init(&request->fields, request->items, 8);
        add(request, HTTP_FIELD_IF_MATCH, values[0]);
        add(request, HTTP_FIELD_IF_UNMODIFIED_SINCE, values[1]);
        add(request, HTTP_FIELD_IF_NONE_MATCH, values[2]);
        add(request, HTTP_FIELD_IF_MODIFIED_SINCE, values[3]);
}

#define OK HTTP_CONDITION_PROCEED
#define N HTTP_CONDITION_NOT_MODIFIED
#define F HTTP_CONDITION_FAILED

static void the_precedence_holds(void **state) {
        (void) state;
        static const struct {
                const struct http_validators *validators;
                const char *values[4]; /* If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since */
                enum http_condition on_get, on_put;
        } rows[] = {
                { &strong, { NULL, NULL, NULL, NULL }, OK, OK },
                /* step 1: If-Match, compared strongly */
                { &strong, { "\"a\"", NULL, NULL, NULL }, OK, OK },
                { &strong, { "\"b\"", NULL, NULL, NULL }, F, F },
                { &strong, { "W/\"a\"", NULL, NULL, NULL }, F, F },
                { &strong, { "\"b\", \"a\"", NULL, NULL, NULL }, OK, OK },
                { &weak, { "W/\"a\"", NULL, NULL, NULL }, F, F },
                { &weak, { "\"a\"", NULL, NULL, NULL }, F, F },
                { &strong, { "*", NULL, NULL, NULL }, OK, OK },
                { &bare, { "*", NULL, NULL, NULL }, OK, OK },
                { &nothing, { "*", NULL, NULL, NULL }, F, F },
                { &bare, { "\"a\"", NULL, NULL, NULL }, F, F },
                { &nothing, { "\"a\"", NULL, NULL, NULL }, F, F },
                { &strong, { "", NULL, NULL, NULL }, F, F },
                { &strong, { "a", NULL, NULL, NULL }, F, F },
                { &strong, { "*, \"a\"", NULL, NULL, NULL }, F, F },
                /* step 2: If-Unmodified-Since, only without If-Match */
                { &strong, { NULL, BEFORE, NULL, NULL }, F, F },
                { &strong, { NULL, SAME, NULL, NULL }, OK, OK },
                { &strong, { NULL, AFTER, NULL, NULL }, OK, OK },
                { &strong, { NULL, "yesterday", NULL, NULL }, OK, OK },
                { &bare, { NULL, BEFORE, NULL, NULL }, OK, OK },
                { &strong, { "\"a\"", BEFORE, NULL, NULL }, OK, OK },
                { &strong, { "\"b\"", AFTER, NULL, NULL }, F, F },
                /* step 3: If-None-Match, compared weakly */
                { &strong, { NULL, NULL, "\"a\"", NULL }, N, F },
                { &strong, { NULL, NULL, "W/\"a\"", NULL }, N, F },
                { &weak, { NULL, NULL, "\"a\"", NULL }, N, F },
                { &weak, { NULL, NULL, "\"b\" , W/\"a\"", NULL }, N, F },
                { &strong, { NULL, NULL, "\"b\"", NULL }, OK, OK },
                { &strong, { NULL, NULL, "*", NULL }, N, F },
                { &nothing, { NULL, NULL, "*", NULL }, OK, OK },
                { &nothing, { NULL, NULL, "\"a\"", NULL }, OK, OK },
                { &strong, { NULL, NULL, "a", NULL }, OK, OK },
                /* step 4: If-Modified-Since, only for GET and HEAD and without If-None-Match */
                { &strong, { NULL, NULL, NULL, BEFORE }, OK, OK },
                { &strong, { NULL, NULL, NULL, SAME }, N, OK },
                { &strong, { NULL, NULL, NULL, AFTER }, N, OK },
                { &strong, { NULL, NULL, NULL, "Sunday, 06-Nov-94 08:49:37 GMT" }, N, OK },
                { &strong, { NULL, NULL, NULL, "Sun Nov  6 08:49:37 1994" }, N, OK },
                { &strong, { NULL, NULL, NULL, "tomorrow" }, OK, OK },
                { &bare, { NULL, NULL, NULL, AFTER }, OK, OK },
                { &strong, { NULL, NULL, "\"b\"", AFTER }, OK, OK },
                { &strong, { NULL, NULL, "\"a\"", BEFORE }, N, F },
                /* steps 1 or 2, then 3 or 4 */
                { &strong, { "\"a\"", NULL, "\"a\"", NULL }, N, F },
                { &strong, { "\"b\"", NULL, "\"a\"", NULL }, F, F },
                { &strong, { "\"a\"", NULL, "\"b\"", NULL }, OK, OK },
                { &strong, { "\"a\"", NULL, NULL, SAME }, N, OK },
                { &strong, { NULL, SAME, NULL, SAME }, N, OK },
                { &strong, { NULL, BEFORE, NULL, SAME }, F, F },
                { &strong, { NULL, BEFORE, "\"a\"", NULL }, F, F },
                { &strong, { NULL, AFTER, "\"a\"", NULL }, N, F },
                { &strong, { "*", BEFORE, "*", BEFORE }, N, F },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct request request;
                request_init(&request, rows[i].values);
                enum http_condition got[3] = {
                        http_condition_evaluate(&request.fields, HTTP_METHOD_GET, rows[i].validators, NOW),
                        http_condition_evaluate(&request.fields, HTTP_METHOD_HEAD, rows[i].validators, NOW),
                        http_condition_evaluate(&request.fields, HTTP_METHOD_PUT, rows[i].validators, NOW),
                };
                if (got[0] != rows[i].on_get || got[1] != rows[i].on_get || got[2] != rows[i].on_put)
                        fail_msg("row %zu: %d %d %d", i, got[0], got[1], got[2]);
        }
}

static void lines_of_tags_count_together_and_dates_do_not(void **state) {
        (void) state;
        struct request request;
        request_init(&request, (const char *const[4]) { NULL, NULL, "\"b\"", NULL });
        add(&request, HTTP_FIELD_IF_NONE_MATCH, "\"a\"");
        assert_int_equal(http_condition_evaluate(&request.fields, HTTP_METHOD_GET, &strong, NOW),
                         HTTP_CONDITION_NOT_MODIFIED);

        request_init(&request, (const char *const[4]) { NULL, NULL, "*", NULL });
        add(&request, HTTP_FIELD_IF_NONE_MATCH, "*");
        assert_int_equal(http_condition_evaluate(&request.fields, HTTP_METHOD_GET, &strong, NOW),
                         HTTP_CONDITION_PROCEED);

        request_init(&request, (const char *const[4]) { NULL, BEFORE, NULL, AFTER });
        add(&request, HTTP_FIELD_IF_UNMODIFIED_SINCE, BEFORE);
        add(&request, HTTP_FIELD_IF_MODIFIED_SINCE, AFTER);
        assert_int_equal(http_condition_evaluate(&request.fields, HTTP_METHOD_GET, &strong, NOW),
                         HTTP_CONDITION_PROCEED);
}

static void tags_are_compared_whole(void **state) {
        (void) state;
        static const struct {
                const char *list, *tag;
                bool strongly, weakly;
        } rows[] = {
                { "\"a\"", "\"a\"", true, true },
                { "\"a\"", "W/\"a\"", false, true },
                { "W/\"a\"", "W/\"a\"", false, true },
                { "\"A\"", "\"a\"", false, false },
                { "w/\"a\"", "\"a\"", false, false },
                { "\"\"", "\"\"", true, true },
                { "\"x,y\"", "\"x,y\"", true, true },
                { "\"x\\\", \"a\"", "\"a\"", true, true }, /* a backslash escapes nothing */
                { ",, \"b\",\t,\"a\" ,", "\"a\"", true, true },
                { "\"\xc3\xa4\"", "\"\xc3\xa4\"", true, true },
                { "\"a", "\"a\"", false, false },
                { "a\"", "\"a\"", false, false },
                { "\"b\" \"a\"", "\"a\"", false, false },
                { "\"b\"x, \"a\"", "\"a\"", false, false },
                { "\"a b\"", "\"a b\"", false, false },
                { "\"a\"", "a", false, false },
                { "", "\"a\"", false, false },
                { "W/", "W/", false, false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct slice list = slice_of(rows[i].list), tag = slice_of(rows[i].tag);
                if (http_etag_matches(list, tag, false) != rows[i].strongly ||
                    http_etag_matches(list, tag, true) != rows[i].weakly)
                        fail_msg("row %zu", i);
        }
        assert_false(http_etag_matches(SLICE_NULL, SLICE_NULL, true));
}

static void if_range_matches_strongly(void **state) {
        (void) state;
        static const struct {
                const struct http_validators *validators;
                const char *value;
                time_t now;
                bool applies;
        } rows[] = {
                { &strong, NULL, NOW, true },
                { &strong, "\"a\"", NOW, true },
                { &strong, "\"b\"", NOW, false },
                { &strong, "W/\"a\"", NOW, false },
                { &weak, "W/\"a\"", NOW, false },
                { &weak, "\"a\"", NOW, false },
                { &strong, "\"a\", \"b\"", NOW, false },
                { &strong, "*", NOW, false },
                { &strong, "", NOW, false },
                { &strong, SAME, NOW, true },
                { &strong, SAME, MODIFIED + 1, true },
                { &strong, SAME, MODIFIED, false },
                { &strong, BEFORE, NOW, false },
                { &strong, AFTER, NOW, false },
                { &bare, SAME, NOW, false },
                { &bare, "\"a\"", NOW, false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                struct request request;
                http_fields_init(&request.fields, request.items, 8);
                add(&request, HTTP_FIELD_IF_RANGE, rows[i].value);
                if (http_condition_range_applies(&request.fields, rows[i].validators, rows[i].now) != rows[i].applies)
                        fail_msg("row %zu", i);
        }
        struct request request;
        http_fields_init(&request.fields, request.items, 8);
        add(&request, HTTP_FIELD_IF_RANGE, "\"a\"");
        add(&request, HTTP_FIELD_IF_RANGE, "\"a\"");
        assert_false(http_condition_range_applies(&request.fields, &strong, NOW));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_precedence_holds),
                cmocka_unit_test(lines_of_tags_count_together_and_dates_do_not),
                cmocka_unit_test(tags_are_compared_whole),
                cmocka_unit_test(if_range_matches_strongly),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
