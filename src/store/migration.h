/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * The steps that make a database what a program expects: numbered SQL files, embedded at build time by
 * embed_migrations.py. Their number counts from 1 without a gap; one that was released never changes.
 */
struct store_migration {
        const char *name; /* of the file, for messages */
        const char *sql;
};

struct store_migrations {
        const struct store_migration *items;
        size_t count; /* the version that the program expects */
};
