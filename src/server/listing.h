/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/site.h"
#include "shared/text.h"

/* What a folder holds, for people (HTML) and for programs (JSON). */
#define LISTING_ITEMS_MAX 10000

enum listing_order {
        LISTING_BY_NAME,
        LISTING_BY_SIZE,
        LISTING_BY_TIME,
};

/* One way to look at a folder. */
struct listing_view {
        enum listing_order order;
        bool is_descending;
        bool is_json;
};

/* Views as small numbers above 0, for keys of caches. */
#define LISTING_VIEWS 12
unsigned listing_view_number(struct listing_view view);
struct listing_view listing_view_from_number(unsigned number);

/* By the query ("sort=size&order=descending"; unknown words are ignored) and the Accept field (data == NULL: none). */
struct listing_view listing_view_choose(struct slice query, struct slice accept);

struct listing_item {
        struct slice name;
        bool is_folder;
        uint64_t size;    /* bytes; 0 for folders */
        int64_t modified; /* seconds since the epoch */
};

struct listing {
        struct arena arena;
        struct listing_item *items;
        size_t count, capacity;
        bool is_cut; /* there are more than LISTING_ITEMS_MAX */
};

#define LISTING_INIT ((struct listing) { 0 })

/*
 * Reads the folder at the canonical path (which ends with '/'): what the site would serve, links resolved by its
 * policy, hidden names left out unless it shows them. Blocks on the disk. `listing` was LISTING_INIT, and is to be
 * given to listing_done in any case.
 */
int listing_read(const struct site *site, const char *path, struct listing *listing);
void listing_done(struct listing *listing);

/* Folders first, then by the view's order; equal ones by name, ascending. */
void listing_sort(struct listing *listing, struct listing_view view);

void listing_append_page(const struct listing *listing, struct slice path, struct listing_view view, struct text *text);
void listing_append_json(const struct listing *listing, struct slice path, struct text *text);

/* Content-Security-Policy of the page: nothing but its own style. */
#define LISTING_PAGE_POLICY "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
