/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a SQLite database, brings it up to date, and runs its owner's statements. The version is user_version, which
 * changes in the transaction of the step that it counts: a step is taken whole or not at all. */
#include "store/sqlite_database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/syscall.h"

#define BUSY_MSEC 5000 /* another process may be taking a backup */

static int to_errno(int code) {
        switch (code) {
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_UNIQUE:
                return -EEXIST;
        case SQLITE_CONSTRAINT_FOREIGNKEY:
                return -ENOENT;
        default:
                break;
        }
        switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_READONLY:
        case SQLITE_PERM:
                return -EROFS;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_CONSTRAINT:
                return -EINVAL;
        default:
                return -EIO;
        }
}

static int fail(struct sqlite_database *database, struct error *error, const char *what) {
        int code = database->handle ? sqlite3_extended_errcode(database->handle) : SQLITE_NOMEM;
        return error_set(error, to_errno(code), "%s: %s", what,
                         database->handle ? sqlite3_errmsg(database->handle) : sqlite3_errstr(code));
}

static int execute(struct sqlite_database *database, const char *sql, const char *what, struct error *error) {
        return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(database, error, what);
}

static int read_version(struct sqlite_database *database, struct error *error, int64_t *ret_version) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(database->handle, "PRAGMA user_version", -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                *ret_version = sqlite3_column_int64(statement, 0);
        int r = code == SQLITE_ROW ? 0 : fail(database, error, "reading the version");
        (void) sqlite3_finalize(statement);
        return r;
}

static int take_step(struct sqlite_database *database, const struct store_migrations *migrations, size_t index,
                     struct error *error) {
        char version[64];
        (void) snprintf(version, sizeof(version), "PRAGMA user_version = %zu; COMMIT", index + 1);
        int r = execute(database, migrations->items[index].sql, migrations->items[index].name, error);
        if (r >= 0)
                r = execute(database, version, migrations->items[index].name, error);
        return r;
}

/* The lock is taken before the version is read: two that start at once do not take a step twice. */
static int migrate(struct sqlite_database *database, const struct store_migrations *migrations, struct error *error) {
        for (;;) {
                int64_t version = 0;
                int r = execute(database, "BEGIN IMMEDIATE", "locking the database", error);
                if (r < 0)
                        return r;
                r = read_version(database, error, &version);
                if (r >= 0 && version > (int64_t) migrations->count)
                        r = error_set(error, -EPROTONOSUPPORT,
                                      "the database has version %lld, this program knows %zu; install a newer one",
                                      (long long) version, migrations->count);
                if (r >= 0 && version < (int64_t) migrations->count) {
                        r = take_step(database, migrations, (size_t) version, error);
                        if (r >= 0)
                                continue;
                }
                (void) sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
                return r;
        }
}

int sqlite_database_open(struct sqlite_database *database, const char *path, const struct store_migrations *migrations,
                         struct error *error) {
        *database = (struct sqlite_database) { 0 };
        /* Before SQLite makes it, with the mode that the umask leaves. */
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return error_set_errno(error, -errno, "opening %s", path);
        int r = sqlite3_open_v2(path, &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK
                                ? 0
                                : fail(database, error, "opening");
        if (r >= 0) {
                (void) sqlite3_extended_result_codes(database->handle, 1);
                (void) sqlite3_busy_timeout(database->handle, BUSY_MSEC);
                r = execute(database,
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                            "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY",
                            "setting up", error);
        }
        if (r >= 0)
                r = migrate(database, migrations, error);
        if (r < 0) {
                sqlite_database_close(database);
                error_prefix(error, "%s", path);
        }
        return r;
}

int sqlite_database_prepare(struct sqlite_database *database, const char *const *texts, size_t count,
                            struct error *error) {
        database->statements = calloc(count, sizeof(sqlite3_stmt *));
        if (!database->statements)
                return error_set_errno(error, -ENOMEM, "preparing statements");
        for (; database->statement_count < count; database->statement_count++)
                if (sqlite3_prepare_v3(database->handle, texts[database->statement_count], -1,
                                       SQLITE_PREPARE_PERSISTENT, &database->statements[database->statement_count],
                                       NULL) != SQLITE_OK)
                        return fail(database, error, "preparing a statement");
        return 0;
}

void sqlite_database_close(struct sqlite_database *database) {
        for (size_t i = 0; i < database->statement_count; i++)
                (void) sqlite3_finalize(database->statements[i]);
        free(database->statements);
        (void) sqlite3_close(database->handle);
        *database = (struct sqlite_database) { 0 };
}

sqlite3_stmt *sqlite_database_begin(struct sqlite_database *database, size_t number) {
        sqlite3_stmt *statement = database->statements[number];
        (void) sqlite3_reset(statement);
        (void) sqlite3_clear_bindings(statement);
        return statement;
}

int sqlite_database_step(struct sqlite_database *database, sqlite3_stmt *statement) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                return 1;
        int r = code == SQLITE_DONE ? 0 : to_errno(sqlite3_extended_errcode(database->handle));
        (void) sqlite3_reset(statement);
        return r;
}

int sqlite_database_run(struct sqlite_database *database, sqlite3_stmt *statement) {
        int r = sqlite_database_step(database, statement);
        return r < 0 ? r : sqlite3_changes(database->handle);
}

void sqlite_column_string(sqlite3_stmt *statement, int index, char *ret_string, size_t size) {
        const char *value = (const char *) sqlite3_column_text(statement, index);
        (void) snprintf(ret_string, size, "%s", value ? value : "");
}
