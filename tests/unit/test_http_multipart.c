/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with files: what they say, however they are cut, and what is no form. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/multipart.h"
#include "shared/text.h"

#define TYPE "multipart/form-data; boundary=XY"
#define HEAD(parameters) "Content-Disposition: form-data; " parameters "\r\n\r\n"

/* What the parser says of a form that comes in pieces of `size` bytes: "[name|filename]data." for each part, "END" or "!" at last. */
static void read_form(struct slice form, size_t size, struct text *text) {
        static struct multipart multipart;
        const char *detail = NULL;
        assert_int_equal(multipart_init(&multipart, SLICE_LITERAL(TYPE)), 0);
        while (form.length > 0) {
                size_t length = form.length < size ? form.length : size;
                /* A block of its own, so that a view that is kept too long shows. */
                char *piece = memcpy(malloc(length), form.data, length);
                struct slice input = { piece, length };
                struct multipart_event event;
                int r;
                while ((r = multipart_next(&multipart, &input, &event, &detail)) > 0) {
                        if (event.type == MULTIPART_PART)
                                text_printf(text, "[%.*s|%.*s]", SLICE_PRINTF(event.name),
                                            event.filename.data ? (int) event.filename.length : 4,
                                            event.filename.data ? event.filename.data : "none");
                        else if (event.type == MULTIPART_DATA)
                                text_append(text, event.data);
                        else
                                text_append_string(text, event.type == MULTIPART_END ? "END" : ".");
                        if (event.type == MULTIPART_END)
                                break;
                }
                free(piece);
                if (r != 0) {
                        if (r < 0)
                                text_append_char(text, '!');
                        return;
                }
                form = slice_from(form, length);
        }
}

static void check(const char *form, size_t length, const char *expected) {
        for (size_t size = 1; size <= length; size++) {
                _cleanup_text_ struct text text = TEXT_INIT;
                read_form((struct slice) { form, length }, size, &text);
                assert_string_equal(text.data ? text.data : "", expected);
        }
}

#define CHECK(form, expected) check(form, sizeof(form) - 1, expected)

static void parts_come_out_as_they_went_in(void **state) {
        (void) state;
        CHECK("--XY\r\n" HEAD("name=\"a\"") "1\r\n--XY\r\n" HEAD("name=f; filename=\"b.txt\"") "22\r\n3\r\n--XY--\r\n",
              "[a|none]1.[f|b.txt]22\r\n3.END");
        CHECK("--XY--", "END");
        CHECK("preamble\r\n--X\r\n--XY--epilogue", "END");
        CHECK("--XY \t\r\n" HEAD("name=a") "\r\n--XY--", "[a|none].END");
        CHECK("--XY\r\n" HEAD("name=a") "--XY--", "[a|none].END");
        CHECK("--XY\r\ncontent-disposition:form-data;name=a;filename=\"\"\r\nContent-Type: "
              "text/plain\r\n\r\nx\r\n--XY--",
              "[a|]x.END");
}

static void what_looks_like_a_delimiter_is_data(void **state) {
        (void) state;
        CHECK("--XY\r\n" HEAD("name=a") "--X\r\n\r\n-\r\n--\r\r\n--X\r\n--Xz\r\n--XY--",
              "[a|none]--X\r\n\r\n-\r\n--\r\r\n--X\r\n--Xz.END");
        CHECK("--XY\r\n" HEAD("name=a") "--XZ\n--XY\r\n--XY--", "[a|none]--XZ\n--XY.END");
        CHECK("--XY\r\n" HEAD("name=a") "\r\r\n--XY--", "[a|none]\r.END");
}

static void names_are_unescaped(void **state) {
        (void) state;
        CHECK("--XY\r\n" HEAD("name=\"a\\\"b\"; filename=\"C:\\dir\\x;y=.txt\"") "\r\n--XY--",
              "[a\"b|C:\\dir\\x;y=.txt].END");
        CHECK("--XY\r\n" HEAD("name=\"a\"; filename=\"\xc3\xa4\\\\\"; filename*=UTF-8''other") "\r\n--XY--",
              "[a|\xc3\xa4\\].END");
}

static void a_form_that_ends_early_has_no_end(void **state) {
        (void) state;
        CHECK("--XY\r\n" HEAD("name=a") "123\r\n--X", "[a|none]123");
        CHECK("--XY\r\n" HEAD("name=a") "123\r\n--XY", "[a|none]123.");
        CHECK("--XY\r\n" HEAD("name=a") "123\r\n--XY-", "[a|none]123.");
}

static void what_is_no_form_is_found(void **state) {
        (void) state;
        CHECK("--XYZ\r\n", "!");
        CHECK("--XY\n" HEAD("name=a"), "!");
        CHECK("--XY\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Type: text/plain\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: attachment; name=a\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: form-data\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: form-data; name\r\n\r\n", "!");
        CHECK("--XY\r\n folded\r\n\r\n", "!");
        CHECK("--XY\r\nno colon\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: form-data; name=\"a\x01\"\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n", "!");
        CHECK("--XY\r\nContent-Transfer-Encoding: base64\r\n" HEAD("name=a"), "!");
}

static void a_head_is_bounded(void **state) {
        (void) state;
        _cleanup_text_ struct text form = TEXT_INIT, result = TEXT_INIT;
        text_append_string(&form, "--XY\r\nX: ");
        for (size_t i = 0; i < MULTIPART_HEAD_MAX; i++)
                text_append_char(&form, 'x');
        read_form((struct slice) { form.data, form.length }, form.length, &result);
        assert_string_equal(result.data, "!");
}

static void boundaries_are_read_from_the_type(void **state) {
        static const struct {
                const char *type;
                int result;
        } cases[] = {
                { "multipart/form-data; boundary=abc", 0 },
                { "Multipart/Form-Data;charset=utf-8 ; BOUNDARY=\"a b:c\"", 0 },
                { "multipart/form-data; boundary=----WebKitFormBoundaryAbC123", 0 },
                { "multipart/form-data", -EINVAL },
                { "multipart/form-data; boundary=", -EINVAL },
                { "multipart/form-data; boundary=\"a", -EINVAL },
                { "multipart/form-data; boundary=\"a \"", -EINVAL },
                { "multipart/form-data; boundary=a<b", -EINVAL },
                { "multipart/form-data boundary=a", -EINVAL },
                { "multipart/form-datax; boundary=a", -EINVAL },
                { "multipart/mixed; boundary=a", -EINVAL },
                { "multipart/form-data; "
                  "boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
                  0 },
                { "multipart/form-data; "
                  "boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
                  -EINVAL },
                { "", -EINVAL },
        };
        static struct multipart multipart;
        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(multipart_init(&multipart, slice_of(cases[i].type)), cases[i].result);
        assert_int_equal(multipart_init(&multipart, SLICE_NULL), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parts_come_out_as_they_went_in),
                cmocka_unit_test(what_looks_like_a_delimiter_is_data),
                cmocka_unit_test(names_are_unescaped),
                cmocka_unit_test(a_form_that_ends_early_has_no_end),
                cmocka_unit_test(what_is_no_form_is_found),
                cmocka_unit_test(a_head_is_bounded),
                cmocka_unit_test(boundaries_are_read_from_the_type),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
