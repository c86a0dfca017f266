/* SPDX-License-Identifier: Apache-2.0 */
/* What every store of users does, tried with each; and what a file does over restarts. */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "auth/user_store.h"
#include "shared/syscall.h"

struct fixture {
        char folder[40], path[64];
        struct user_store *store;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        struct error error = ERROR_INIT;
        strcpy(fixture->folder, "/tmp/test-user-store-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        (void) snprintf(fixture->path, sizeof(fixture->path), "%s/users.sqlite", fixture->folder);
        assert_int_equal(user_store_sqlite_new(fixture->path, &error, &fixture->store), 0);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        char journal[80];
        user_store_free(fixture->store);
        (void) unlink(fixture->path);
        (void) snprintf(journal, sizeof(journal), "%s-wal", fixture->path);
        (void) unlink(journal);
        (void) snprintf(journal, sizeof(journal), "%s-shm", fixture->path);
        (void) unlink(journal);
        assert_int_equal(rmdir(fixture->folder), 0);
        free(fixture);
        return 0;
}

static const struct user ann = { .name = "ann", .role = ROLE_OPERATOR, .password_hash = "$y$hash", .created = 100 };
static const struct user bob = { .name = "bob", .role = ROLE_VIEWER, .created = 200 };
static const unsigned char digest[TOKEN_DIGEST_SIZE] = { 1, 2, 3 };
static const unsigned char other_digest[TOKEN_DIGEST_SIZE] = { 1, 2, 4 };
static const struct token token = { .id = "010203000000",
                                    .user = "ann",
                                    .scopes = "upload:in",
                                    .label = "the 'build'; machine",
                                    .created = 300,
                                    .expires = 400 };

static int append_user(const struct user *user, void *userdata) {
        struct text *text = userdata;
        text_printf(text, "%s %s;", user->name, role_name(user->role));
        return 0;
}

static int append_token(const struct token *row, void *userdata) {
        struct text *text = userdata;
        text_printf(text, "%s %s %s %lld;", row->id, row->user, row->scopes, (long long) row->last_used);
        return 0;
}

static int refuse_user(const struct user *user, void *userdata) {
        (void) user;
        (void) userdata;
        return -ECANCELED;
}

static void users_are_kept(void **state) {
        struct fixture *fixture = *state;
        struct user_store *store = fixture->store;
        struct user user;
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(store->operations->find_user(store, "ann", &user), -ENOENT);
        assert_int_equal(store->operations->add_user(store, &bob), 0);
        assert_int_equal(store->operations->add_user(store, &ann), 0);
        assert_int_equal(store->operations->add_user(store, &ann), -EEXIST);
        assert_int_equal(store->operations->find_user(store, "ann", &user), 0);
        assert_memory_equal(&user, &ann, sizeof(ann));
        assert_int_equal(store->operations->list_users(store, append_user, &text), 0);
        assert_string_equal(text.data, "ann operator;bob viewer;");
        assert_int_equal(store->operations->list_users(store, refuse_user, NULL), -ECANCELED);
}

static void users_are_changed_and_removed(void **state) {
        struct fixture *fixture = *state;
        struct user_store *store = fixture->store;
        struct user user;
        assert_int_equal(store->operations->set_password(store, "ann", "$y$new"), -ENOENT);
        assert_int_equal(store->operations->set_role(store, "ann", ROLE_ADMIN), -ENOENT);
        assert_int_equal(store->operations->set_disabled(store, "ann", true), -ENOENT);
        assert_int_equal(store->operations->remove_user(store, "ann"), -ENOENT);
        assert_int_equal(store->operations->add_user(store, &ann), 0);
        assert_int_equal(store->operations->set_password(store, "ann", "$y$new"), 0);
        assert_int_equal(store->operations->set_role(store, "ann", ROLE_ADMIN), 0);
        assert_int_equal(store->operations->find_user(store, "ann", &user), 0);
        assert_string_equal(user.password_hash, "$y$new");
        assert_int_equal(user.role, ROLE_ADMIN);
        assert_false(user.is_disabled);
        for (int is_disabled = 1; is_disabled >= 0; is_disabled--) {
                assert_int_equal(store->operations->set_disabled(store, "ann", is_disabled), 0);
                assert_int_equal(store->operations->find_user(store, "ann", &user), 0);
                assert_int_equal(user.is_disabled, is_disabled);
        }
        assert_int_equal(store->operations->remove_user(store, "ann"), 0);
        assert_int_equal(store->operations->find_user(store, "ann", &user), -ENOENT);
}

static void tokens_are_kept(void **state) {
        struct fixture *fixture = *state;
        struct user_store *store = fixture->store;
        struct token found;
        struct user user;
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(store->operations->add_token(store, &token, digest), -ENOENT);
        assert_int_equal(store->operations->add_user(store, &ann), 0);
        assert_int_equal(store->operations->add_token(store, &token, digest), 0);
        assert_int_equal(store->operations->add_token(store, &token, digest), -EEXIST);
        assert_int_equal(store->operations->find_token(store, other_digest, &found, &user), -ENOENT);
        assert_int_equal(store->operations->find_token(store, digest, &found, &user), 0);
        assert_memory_equal(&found, &token, sizeof(token));
        assert_memory_equal(&user, &ann, sizeof(ann));
        assert_int_equal(store->operations->note_token_use(store, token.id, 350), 0);
        assert_int_equal(store->operations->list_tokens(store, append_token, &text), 0);
        assert_string_equal(text.data, "010203000000 ann upload:in 350;");
        assert_int_equal(store->operations->revoke_token(store, token.id), 0);
        assert_int_equal(store->operations->revoke_token(store, token.id), -ENOENT);
        assert_int_equal(store->operations->find_token(store, digest, &found, &user), -ENOENT);
}

static void tokens_go_with_their_user(void **state) {
        struct fixture *fixture = *state;
        struct user_store *store = fixture->store;
        struct token found;
        struct user user;
        assert_int_equal(store->operations->add_user(store, &ann), 0);
        assert_int_equal(store->operations->add_token(store, &token, digest), 0);
        assert_int_equal(store->operations->remove_user(store, "ann"), 0);
        assert_int_equal(store->operations->find_token(store, digest, &found, &user), -ENOENT);
}

static void a_file_is_private_and_opens_again(void **state) {
        struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        struct stat status;
        struct user user;
        assert_int_equal(stat(fixture->path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(fixture->store->operations->add_user(fixture->store, &ann), 0);
        user_store_free(fixture->store);
        fixture->store = NULL;
        assert_int_equal(user_store_sqlite_new(fixture->path, &error, &fixture->store), 0);
        assert_int_equal(fixture->store->operations->find_user(fixture->store, "ann", &user), 0);
}

static void a_file_of_a_newer_program_is_refused(void **state) {
        struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        sqlite3 *handle = NULL;
        user_store_free(fixture->store);
        fixture->store = NULL;
        assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        assert_int_equal(user_store_sqlite_new(fixture->path, &error, &fixture->store), -EPROTONOSUPPORT);
        assert_non_null(strstr(error.text, "version 99"));
}

static void what_is_no_database_is_left_alone(void **state) {
        struct fixture *fixture = *state;
        struct error error = ERROR_INIT;
        char head[16] = "";
        user_store_free(fixture->store);
        fixture->store = NULL;
        FILE *file = fopen(fixture->path, "w");
        assert_non_null(file);
        for (unsigned i = 0; i < 1000; i++)
                fputs("no database ", file);
        fclose(file);
        assert_int_equal(user_store_sqlite_new(fixture->path, &error, &fixture->store), -EBADMSG);
        file = fopen(fixture->path, "r");
        assert_non_null(file);
        assert_int_equal(fread(head, 1, 11, file), 11);
        fclose(file);
        assert_string_equal(head, "no database");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(users_are_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(users_are_changed_and_removed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(tokens_are_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(tokens_go_with_their_user, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_is_private_and_opens_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_of_a_newer_program_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_no_database_is_left_alone, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
