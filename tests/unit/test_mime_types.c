/* SPDX-License-Identifier: Apache-2.0 */
/* Media types by extension, from the system's table and our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/mime_types.h"
#include "shared/syscall.h"

static struct mime_types *load(const char *text) {
        char path[] = "/tmp/ccodes-mime-XXXXXX";
        _cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        struct mime_types *types;
        assert_int_equal(mime_types_load(path, NULL, &types), 0);
        assert_int_equal(unlink(path), 0);
        return types;
}

static void assert_type(const struct mime_types *types, const char *name, const char *type) {
        const char *found = mime_types_find(types, slice_of(name));
        if (!type)
                assert_null(found);
        else if (!found || strcmp(found, type) != 0)
                fail_msg("%s: '%s', not '%s'", name, found ? found : "none", type);
}

static void test_file(void **state) {
        struct mime_types *types = load("# comment gz\n"
                                        "text/x-own\town\tOWN2   \n"
                                        "\n"
                                        "application/lonely\n"
                                        "application/special+json  own.json\n"
                                        "text/x-changed html\n"
                                        "no-slash nope\n"
                                        "text/x\x01y ctrl\n"
                                        "text/last last");
        assert_type(types, "a.own", "text/x-own");
        assert_type(types, "/x/y.z/a.OWN", "text/x-own");
        assert_type(types, "a.own2", "text/x-own");
        assert_type(types, "index.html", "text/x-changed");
        assert_type(types, "a.own.json", "application/special+json");
        assert_type(types, "a.other.json", "application/json");
        assert_type(types, "a.last", "text/last");
        assert_type(types, "a.nope", NULL);
        assert_type(types, "a.ctrl", NULL);
        assert_type(types, "app.min.js", "text/javascript");
        assert_type(types, "a.svgz", NULL);
        mime_types_free(types);
}

static void test_names(void **state) {
        struct mime_types *types;
        assert_int_equal(mime_types_load("/nonexistent/mime.types", NULL, &types), 0);
        assert_type(types, "style.css", "text/css");
        assert_type(types, ".css", NULL);
        assert_type(types, "/a/.css", NULL);
        assert_type(types, "css", NULL);
        assert_type(types, "a.", NULL);
        assert_type(types, "a..css", "text/css");
        assert_type(types, "", NULL);
        assert_type(types, "/", NULL);
        assert_type(types, "/a.css/b", NULL);
        assert_type(types, "a.this-extension-is-longer-than-any-that-is-known", NULL);
        assert_type(types, "picture.SVG", "image/svg+xml");
        mime_types_free(types);
        mime_types_free(NULL);
}

static void test_unreadable(void **state) {
        struct mime_types *types;
        struct error error = ERROR_INIT;
        assert_int_equal(mime_types_load("/tmp", &error, &types), -EISDIR);
        assert_non_null(strstr(error.text, "/tmp"));
}

static void test_charset(void **state) {
        static const char *const yes[] = { "text/html", "text/plain", "TEXT/css", "text/javascript",
                                           "application/javascript" };
        static const char *const no[] = { "text/xml",         "text/", "text/html; charset=utf-8", "image/png", "",
                                          "application/json", "text",  "text/vnd.own+xml" };
        for (size_t i = 0; i < ELEMENTS_OF(yes); i++)
                assert_true(mime_type_takes_charset(slice_of(yes[i])));
        for (size_t i = 0; i < ELEMENTS_OF(no); i++)
                assert_false(mime_type_takes_charset(slice_of(no[i])));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_unreadable),
                cmocka_unit_test(test_charset),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
