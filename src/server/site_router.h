/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "config/site_section.h"
#include "shared/slice.h"

/*
 * Which site answers for a host: the one that names it exactly, else the one with the longest wildcard
 * ("*.example.org", for every name below, at any depth), else the default. The cost does not depend on the number of
 * sites. Immutable.
 */
struct site_router;

/* `sites` are only looked at now. Where two name the same host the first one has it. */
int site_router_new(const struct config_site *sites, size_t count, struct site_router **ret_router);
void site_router_free(struct site_router *router); /* NULL */

/* `host` is in lower case; data == NULL where the client named none. The index of the site, or -1: no site answers. */
ssize_t site_router_find(const struct site_router *router, struct slice host);
