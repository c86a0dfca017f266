/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>

#include "server/site.h"
#include "shared/text.h"

/*
 * What a folder holds, for people (HTML) and for programs (JSON), page by page: what one answer costs is bounded,
 * however many files there are.
 */
#define LISTING_NAMES_MAX 100000 /* names of a folder that are looked at */
#define LISTING_PAGE_ITEMS 1000  /* on one page for people */
#define LISTING_JSON_ITEMS 10000 /* in one answer for programs */

enum listing_order {
        LISTING_BY_NAME,
        LISTING_BY_SIZE,
        LISTING_BY_TIME,
};
#define LISTING_ORDERS 6 /* each ascending and descending */

/* One way to look at a folder. */
struct listing_view {
        enum listing_order order;
        bool is_descending;
        bool is_json;
        unsigned page; /* from 0 */
};

/* Views as small numbers, for keys of caches: the lower bits are 1 to LISTING_VIEWS, those above them the page. */
#define LISTING_VIEWS 12
#define LISTING_VIEW_BITS 4
unsigned listing_view_number(struct listing_view view);
struct listing_view listing_view_from_number(unsigned number);
static inline bool listing_view_is(unsigned number) {
        unsigned view = number & ((1U << LISTING_VIEW_BITS) - 1);
        return view >= 1 && view <= LISTING_VIEWS;
}

/* By the query ("sort=size&order=descending&page=2"; unknown words are ignored) and the Accept field (data == NULL:
 * none). */
struct listing_view listing_view_choose(struct slice query, struct slice accept);

struct listing_item {
        struct slice name;
        bool is_folder;
        uint64_t size;    /* bytes; 0 for folders */
        int64_t modified; /* seconds since the epoch */
};

struct listing {
        struct arena arena;
        struct listing_item *items; /* folders first, then by name */
        size_t count, capacity;
        bool is_cut;                                /* there are more than LISTING_NAMES_MAX names */
        _Atomic(uint32_t *) orders[LISTING_ORDERS]; /* made when they are asked for; see listing_sorted */
};

#define LISTING_INIT ((struct listing) { 0 })

/*
 * Reads the folder at the canonical path (which ends with '/'): what the site would serve, links resolved by its
 * policy, hidden names left out unless it shows them. Blocks on the disk. `listing` was LISTING_INIT, and is to be
 * given to listing_done in any case.
 */
int listing_read(const struct site *site, const char *path, struct listing *listing);
void listing_done(struct listing *listing);

/* Whether both say the same. */
bool listing_equal(const struct listing *a, const struct listing *b);

/* What it takes at most, in bytes, its orders included. */
size_t listing_bytes(const struct listing *listing);

/* Positions of the items in the view's order: folders first, equal ones by name, ascending. Any thread may ask; it is
 * made once. NULL when memory is out. */
const uint32_t *listing_sorted(struct listing *listing, struct listing_view view);

/* How many pages the view has, one at least; a page beyond them counts as the last. */
unsigned listing_page_count(const struct listing *listing, struct listing_view view);
struct listing_view listing_view_within(struct listing_view view, const struct listing *listing);

/* The positions on the view's page: from what is returned up to but without *ret_end. */
size_t listing_page_range(const struct listing *listing, struct listing_view view, size_t *ret_end);

/* One page of the listing, which is within its pages. When memory is out, the text has failed. */
void listing_append_page(struct listing *listing, struct slice path, struct listing_view view, struct text *text);
void listing_append_json(struct listing *listing, struct slice path, struct listing_view view, struct text *text);

/* Content-Security-Policy of the page: nothing but its own style. */
#define LISTING_PAGE_POLICY "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
