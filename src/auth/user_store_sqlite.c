/* SPDX-License-Identifier: Apache-2.0 */
/* Users and tokens in a SQLite file. Each change is one statement, and so one transaction. */
#include <errno.h>
#include <stdlib.h>

#include "auth/user_store.h"
#include "shared/syscall.h"
#include "store/sqlite_database.h"

extern const struct store_migrations auth_sqlite_migrations;

struct sqlite_users {
        struct user_store store;
        struct sqlite_database database;
};

enum statement {
        ADD_USER,
        FIND_USER,
        SET_PASSWORD,
        SET_ROLE,
        SET_DISABLED,
        REMOVE_USER,
        LIST_USERS,
        ADD_TOKEN,
        FIND_TOKEN,
        NOTE_TOKEN_USE,
        REVOKE_TOKEN,
        LIST_TOKENS,
        STATEMENT_COUNT,
};

#define USER_COLUMNS "users.name, users.role, users.password_hash, users.created, users.disabled"
#define TOKEN_COLUMNS \
        "tokens.id, tokens.user_name, tokens.scopes, tokens.label, tokens.created, tokens.expires, tokens.last_used"
#define USER_COLUMN_COUNT 5

static const char *const statements[STATEMENT_COUNT] = {
        [ADD_USER] = "INSERT INTO users (name, role, password_hash, created, disabled) VALUES (?1, ?2, ?3, ?4, ?5)",
        [FIND_USER] = "SELECT " USER_COLUMNS " FROM users WHERE name = ?1",
        [SET_PASSWORD] = "UPDATE users SET password_hash = ?2 WHERE name = ?1",
        [SET_ROLE] = "UPDATE users SET role = ?2 WHERE name = ?1",
        [SET_DISABLED] = "UPDATE users SET disabled = ?2 WHERE name = ?1",
        [REMOVE_USER] = "DELETE FROM users WHERE name = ?1",
        [LIST_USERS] = "SELECT " USER_COLUMNS " FROM users ORDER BY name",
        [ADD_TOKEN] = "INSERT INTO tokens (id, user_name, scopes, label, created, expires, digest) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        [FIND_TOKEN] = "SELECT " USER_COLUMNS ", " TOKEN_COLUMNS " FROM tokens JOIN users "
                       "ON users.name = tokens.user_name WHERE digest = ?1",
        [NOTE_TOKEN_USE] = "UPDATE tokens SET last_used = ?2 WHERE id = ?1",
        [REVOKE_TOKEN] = "DELETE FROM tokens WHERE id = ?1",
        [LIST_TOKENS] = "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY user_name, created, id",
};

static struct sqlite_database *database_of(struct user_store *store) {
        return &container_of(store, struct sqlite_users, store)->database;
}

/* For a change of what must be there. */
static int run_on_one(struct sqlite_database *database, sqlite3_stmt *statement) {
        int r = sqlite_database_run(database, statement);
        return r == 0 ? -ENOENT : MIN_OF(r, 0);
}

static int read_user(sqlite3_stmt *statement, struct user *ret_user) {
        char role[16];
        sqlite_column_string(statement, 0, ret_user->name, sizeof(ret_user->name));
        sqlite_column_string(statement, 1, role, sizeof(role));
        sqlite_column_string(statement, 2, ret_user->password_hash, sizeof(ret_user->password_hash));
        ret_user->created = sqlite3_column_int64(statement, 3);
        ret_user->is_disabled = sqlite3_column_int(statement, 4) != 0;
        return role_from_name(slice_of(role), &ret_user->role) ? 0 : -EBADMSG;
}

static void read_token(sqlite3_stmt *statement, int first, struct token *ret_token) {
        sqlite_column_string(statement, first, ret_token->id, sizeof(ret_token->id));
        sqlite_column_string(statement, first + 1, ret_token->user, sizeof(ret_token->user));
        sqlite_column_string(statement, first + 2, ret_token->scopes, sizeof(ret_token->scopes));
        sqlite_column_string(statement, first + 3, ret_token->label, sizeof(ret_token->label));
        ret_token->created = sqlite3_column_int64(statement, first + 4);
        ret_token->expires = sqlite3_column_int64(statement, first + 5);
        ret_token->last_used = sqlite3_column_int64(statement, first + 6);
}

static int add_user(struct user_store *store, const struct user *user) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, ADD_USER);
        sqlite_bind_string(statement, 1, user->name);
        sqlite_bind_string(statement, 2, role_name(user->role));
        sqlite_bind_string(statement, 3, user->password_hash);
        (void) sqlite3_bind_int64(statement, 4, user->created);
        (void) sqlite3_bind_int(statement, 5, user->is_disabled);
        return run_on_one(database, statement);
}

static int find_user(struct user_store *store, const char *name, struct user *ret_user) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, FIND_USER);
        struct user user = { 0 };
        sqlite_bind_string(statement, 1, name);
        int r = sqlite_database_step(database, statement);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = read_user(statement, &user);
        (void) sqlite3_reset(statement);
        if (r >= 0)
                *ret_user = user;
        return r;
}

/* Statements of a key and a text. */
static int change(struct user_store *store, enum statement number, const char *key, const char *value) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, number);
        sqlite_bind_string(statement, 1, key);
        if (value)
                sqlite_bind_string(statement, 2, value);
        return run_on_one(database, statement);
}

/* Statements of a key and a number. */
static int change_number(struct user_store *store, enum statement number, const char *key, int64_t value) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, number);
        sqlite_bind_string(statement, 1, key);
        (void) sqlite3_bind_int64(statement, 2, value);
        return run_on_one(database, statement);
}

static int set_password(struct user_store *store, const char *name, const char *password_hash) {
        return change(store, SET_PASSWORD, name, password_hash);
}

static int set_role(struct user_store *store, const char *name, enum role role) {
        return change(store, SET_ROLE, name, role_name(role));
}

static int set_disabled(struct user_store *store, const char *name, bool is_disabled) {
        return change_number(store, SET_DISABLED, name, is_disabled);
}

static int remove_user(struct user_store *store, const char *name) {
        return change(store, REMOVE_USER, name, NULL);
}

static int revoke_token(struct user_store *store, const char *id) {
        return change(store, REVOKE_TOKEN, id, NULL);
}

static int list_users(struct user_store *store, int (*each)(const struct user *user, void *userdata), void *userdata) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, LIST_USERS);
        int r;
        while ((r = sqlite_database_step(database, statement)) > 0) {
                struct user user = { 0 };
                r = read_user(statement, &user);
                if (r >= 0)
                        r = each(&user, userdata);
                if (r < 0)
                        break;
        }
        (void) sqlite3_reset(statement);
        return r;
}

static int add_token(struct user_store *store, const struct token *token,
                     const unsigned char digest[TOKEN_DIGEST_SIZE]) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, ADD_TOKEN);
        sqlite_bind_string(statement, 1, token->id);
        sqlite_bind_string(statement, 2, token->user);
        sqlite_bind_string(statement, 3, token->scopes);
        sqlite_bind_string(statement, 4, token->label);
        (void) sqlite3_bind_int64(statement, 5, token->created);
        (void) sqlite3_bind_int64(statement, 6, token->expires);
        (void) sqlite3_bind_blob(statement, 7, digest, TOKEN_DIGEST_SIZE, SQLITE_STATIC);
        return run_on_one(database, statement);
}

static int find_token(struct user_store *store, const unsigned char digest[TOKEN_DIGEST_SIZE], struct token *ret_token,
                      struct user *ret_user) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, FIND_TOKEN);
        struct token token = { 0 };
        struct user user = { 0 };
        (void) sqlite3_bind_blob(statement, 1, digest, TOKEN_DIGEST_SIZE, SQLITE_STATIC);
        int r = sqlite_database_step(database, statement);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = read_user(statement, &user);
        read_token(statement, USER_COLUMN_COUNT, &token);
        (void) sqlite3_reset(statement);
        if (r < 0)
                return r;
        *ret_token = token;
        *ret_user = user;
        return 0;
}

static int note_token_use(struct user_store *store, const char *id, int64_t now) {
        return change_number(store, NOTE_TOKEN_USE, id, now);
}

static int list_tokens(struct user_store *store, int (*each)(const struct token *token, void *userdata),
                       void *userdata) {
        struct sqlite_database *database = database_of(store);
        sqlite3_stmt *statement = sqlite_database_begin(database, LIST_TOKENS);
        int r;
        while ((r = sqlite_database_step(database, statement)) > 0) {
                struct token token = { 0 };
                read_token(statement, 0, &token);
                r = each(&token, userdata);
                if (r < 0)
                        break;
        }
        (void) sqlite3_reset(statement);
        return r;
}

static void free_store(struct user_store *store) {
        sqlite_database_close(database_of(store));
        free(container_of(store, struct sqlite_users, store));
}

static const struct user_store_operations operations = {
        .add_user = add_user,
        .find_user = find_user,
        .set_password = set_password,
        .set_role = set_role,
        .set_disabled = set_disabled,
        .remove_user = remove_user,
        .list_users = list_users,
        .add_token = add_token,
        .find_token = find_token,
        .note_token_use = note_token_use,
        .revoke_token = revoke_token,
        .list_tokens = list_tokens,
        .free = free_store,
};

int user_store_sqlite_new(const char *path, struct error *error, struct user_store **ret_store) {
        struct sqlite_users *users = calloc(1, sizeof(*users));
        if (!users)
                return error_set_errno(error, -ENOMEM, "opening the users");
        users->store.operations = &operations;
        int r = sqlite_database_open(&users->database, path, &auth_sqlite_migrations, error);
        if (r >= 0)
                r = sqlite_database_prepare(&users->database, statements, STATEMENT_COUNT, error);
        if (r < 0) {
                free_store(&users->store);
                error_prefix(error, "opening the users");
                return r;
        }
        *ret_store = &users->store;
        return 0;
}
