/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "shared/error.h"
#include "shared/slice.h"
#include "store/migration.h"

/*
 * A SQLite database of one thread: WAL and synchronous=FULL, so that what was acknowledged is on the disk. All calls
 * may block; they are made on one thread of the owner's, never on a loop.
 */
struct sqlite_database {
        sqlite3 *handle;
        sqlite3_stmt **statements; /* prepared once, by the owner's numbers */
        size_t statement_count;
};

/*
 * Opens or makes the file (0600), and takes the steps that are missing, each in a transaction of its own. -EPROTONOSUPPORT when the
 * database is newer than the program; -EBADMSG when the file is none, or damaged.
 */
int sqlite_database_open(struct sqlite_database *database, const char *path, const struct store_migrations *migrations,
                         struct error *error);

/* Prepares the owner's statements, in the order of their numbers. The texts must be right: an error is our own. */
int sqlite_database_prepare(struct sqlite_database *database, const char *const *texts, size_t count,
                            struct error *error);

void sqlite_database_close(struct sqlite_database *database);

/* One use of a statement: what was bound and read before is forgotten. */
sqlite3_stmt *sqlite_database_begin(struct sqlite_database *database, size_t number);

/* 1: a row is there; 0: done; or the negative errno of a failure, for which the statement is reset. -EEXIST for a key that is there
 * already, -ENOENT for a reference to what is not. */
int sqlite_database_step(struct sqlite_database *database, sqlite3_stmt *statement);

/* Runs a statement that gives no row, to its end. How many rows it changed, or a negative errno. */
int sqlite_database_run(struct sqlite_database *database, sqlite3_stmt *statement);

/* Binds a text that outlives the use. */
static inline void sqlite_bind_string(sqlite3_stmt *statement, int index, const char *string) {
        (void) sqlite3_bind_text(statement, index, string, -1, SQLITE_STATIC);
}

/* Copies a column of text into an array of `size`, cut off where it has no room; NULL becomes the empty string. */
void sqlite_column_string(sqlite3_stmt *statement, int index, char *ret_string, size_t size);
