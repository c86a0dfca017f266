/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"

/* The journal's entries of our units, for people or as JSON. */
struct journal_query {
        const char *directory;     /* NULL: this machine's journal */
        const char *const *units;  /* names of units */
        size_t unit_count;         /* 0: all of ours */
        const char *const *fields; /* FIELD=VALUE */
        size_t field_count;
        int priority;         /* least importance, as in syslog(3): 0 to 7 */
        int64_t since, until; /* realtime us; 0: open */
        uint64_t lines;       /* at most so many, the newest; UINT64_MAX: all */
        bool follow;
};

#define JOURNAL_QUERY_INIT ((struct journal_query) { .priority = 7, .lines = UINT64_MAX })

/* Prints to cli->out, or to `output` where it is not NULL. -EACCES when there is no right to read it, -EINVAL for a
 * field that is none. A follower returns when a signal comes or nobody reads any more. */
int journal_show(struct cli *cli, const struct journal_query *query, struct output *output, struct error *error);
