/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/scope.h"
#include "shared/syscall.h"

static bool allows(const char *list, enum role role, const char *scope) {
        return scope_list_allows(slice_of(list), role, slice_of(scope));
}

static void lists_follow_the_grammar(void **state) {
        static const char *const good[] = { "*", "upload:photos", "upload:*", "download:a.b_c-D9 upload:*", "admin:*" };
        static const char *const bad[] = { "",          " ",           "upload",     "upload:",    "upload:a/b",
                                           "uploads:a", "Upload:a",    ":a",         " upload:a",  "upload:a ",
                                           "*:*",       "upload:a  *", "upload:a,*", "upload:a\n", "upload:\xc3\xa4" };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(good); i++)
                if (!scope_list_is_valid(slice_of(good[i])))
                        fail_msg("'%s' is refused", good[i]);
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
                if (scope_list_is_valid(slice_of(bad[i])))
                        fail_msg("'%s' is accepted", bad[i]);
        char longest[SCOPE_LIST_MAX + 2];
        memset(longest, 'a', sizeof(longest));
        memcpy(longest, "upload:", 7);
        assert_false(scope_list_is_valid((struct slice) { longest, 7 + 65 }));
        assert_true(scope_list_is_valid((struct slice) { longest, 7 + 64 }));
}

static void a_scope_covers_itself_and_a_star_its_name(void **state) {
        (void) state;
        assert_true(allows("upload:photos", ROLE_OPERATOR, "upload:photos"));
        assert_true(allows("download:x upload:*", ROLE_OPERATOR, "upload:photos"));
        assert_true(allows("*", ROLE_OPERATOR, "upload:photos"));
        assert_false(allows("upload:photos", ROLE_OPERATOR, "upload:photo"));
        assert_false(allows("upload:photo", ROLE_OPERATOR, "upload:photos"));
        assert_false(allows("download:*", ROLE_OPERATOR, "upload:photos"));
        assert_false(allows("upload:Photos", ROLE_OPERATOR, "upload:photos"));
}

static void scopes_only_narrow_the_role(void **state) {
        (void) state;
        assert_false(allows("*", ROLE_VIEWER, "upload:photos"));
        assert_false(allows("upload:photos", ROLE_VIEWER, "upload:photos"));
        assert_true(allows("*", ROLE_VIEWER, "download:photos"));
        assert_false(allows("admin:users *", ROLE_OPERATOR, "admin:users"));
        assert_true(allows("admin:users", ROLE_ADMIN, "admin:users"));
        assert_true(allows("*", ROLE_ADMIN, "download:photos"));
        assert_false(allows("*", ROLE_COUNT, "download:photos"));
        assert_true(scope_list_fits(slice_of("download:* *"), ROLE_VIEWER));
        assert_false(scope_list_fits(slice_of("download:* upload:x"), ROLE_VIEWER));
}

static void what_is_no_request_is_never_allowed(void **state) {
        static const char *const scopes[] = { "*", "upload:*", "upload", "", "upload:a upload:b", "shell:root" };
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(scopes); i++)
                assert_false(allows("*", ROLE_ADMIN, scopes[i]));
}

static void one_malformed_scope_spoils_the_list(void **state) {
        (void) state;
        assert_false(allows("upload:photos shell:root", ROLE_ADMIN, "upload:photos"));
}

static void roles_have_names(void **state) {
        (void) state;
        for (enum role role = 0; role < ROLE_COUNT; role++) {
                enum role found = ROLE_COUNT;
                assert_true(role_from_name(slice_of(role_name(role)), &found));
                assert_int_equal(found, role);
        }
        enum role untouched = ROLE_VIEWER;
        assert_false(role_from_name(slice_of("root"), &untouched));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_follow_the_grammar),
                cmocka_unit_test(a_scope_covers_itself_and_a_star_its_name),
                cmocka_unit_test(scopes_only_narrow_the_role),
                cmocka_unit_test(what_is_no_request_is_never_allowed),
                cmocka_unit_test(one_malformed_scope_spoils_the_list),
                cmocka_unit_test(roles_have_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
