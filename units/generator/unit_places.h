/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/error.h"
#include "shared/text.h"

/*
 * Folders that a service's sandbox has to show or open beyond what the unit file itself gives: those that ProtectHome=
 * and PrivateTmp= hide, and those that are written.
 */
struct unit_place {
        char *path; /* absolute, normal */
        bool writable;
};

struct unit_places {
        struct unit_place *items;
        size_t count;
};

#define UNIT_PLACES_INIT ((struct unit_places) { 0 })

void unit_places_done(struct unit_places *places);

/* A folder. A place that is there already stays once, writable if it was or is to be. -EINVAL for a path that is not absolute
 * or has control characters, -ENOMEM. */
int unit_places_add(struct unit_places *places, const char *path, bool writable, struct error *error);

/* The folder that holds the file, since a renewed file is another one. */
int unit_places_add_file(struct unit_places *places, const char *path, bool writable, struct error *error);

/* The settings for a [Service] section. A place that does not exist is passed over: the daemon says it better. */
void unit_places_append(const struct unit_places *places, struct text *text);
