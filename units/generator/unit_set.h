/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "shared/error.h"
#include "shared/text.h"

/*
 * Unit files and drop-ins that are made in memory first, all of them, and written then: a fault found late leaves
 * nothing half done behind.
 */
struct unit_file {
        char *path; /* beneath the output folder: "a.socket", "a.service.d/50-config.conf" */
        char *content;
};

struct unit_set {
        struct unit_file *files;
        size_t count;
};

#define UNIT_SET_INIT ((struct unit_set) { 0 })

void unit_set_done(struct unit_set *set);

/* Takes `content` over, also on failure. -ENOMEM. */
int unit_set_add(struct unit_set *set, const char *path, struct text *content);

/* Writes each file into `folder`, with one folder beneath it where the path has one. */
int unit_set_write(const struct unit_set *set, const char *folder, struct error *error);

/* A value as it is, but for specifiers ("%" becomes "%%"). It must not have control characters. */
void unit_append_value(struct text *text, const char *value);

/* One word of a list, in double quotes (systemd.syntax(7)). */
void unit_append_word(struct text *text, const char *word);
