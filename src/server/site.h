/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/site_section.h"
#include "http/negotiate.h"
#include "server/mime_types.h"
#include "server/rules.h"
#include "server/site_root.h"

struct content_format;
struct key_ring;
struct upload_folders;
struct upload_mount;

/* The page of an error. */
struct site_page {
        int status;
        struct slice path; /* beneath the root, beginning with '/' */
};

/* A site as requests need it: its root opened, its rules compiled. Immutable once built; any number of threads may
 * use it. */
struct site {
        const struct config_site *config;
        const struct mime_types *types; /* borrowed */
        struct site_root *shared_root;  /* a reference */
        int root;                       /* its descriptor */
        bool is_remote, is_memory;      /* see site_root.h */
        unsigned open_flags;            /* of file_open_beneath, by the policy for links */
        struct rules rules;
        enum http_coding codings[HTTP_CODING_COUNT]; /* of compression, preferred ones first */
        size_t coding_count;
        int levels[1 + HTTP_CODING_COUNT]; /* by http_coding_index */
        struct site_page *pages;           /* of errors */
        size_t page_count;
        struct upload_mount *mounts; /* [[site.upload]] */
        size_t mount_count;
        size_t prefix_length;                /* bytes of a path that stand for the root */
        const struct content_format *format; /* of the files; NULL: they are sent as they lie there */
        bool is_changing;                    /* files are put here while it is served: each request looks anew */
        struct slice policy;                 /* Content-Security-Policy of files; data == NULL: none */
        struct key_ring *signing_keys;       /* of signed addresses; NULL: none */
        struct slice hsts;                   /* value of Strict-Transport-Security; data == NULL: not sent */
};

/* What sites are made of; borrowed. */
struct site_means {
        struct site_roots *roots;
        struct upload_folders *folders;
        bool without_keys; /* credentials are not to be had, and nothing will be served: a mere check */
        const struct mime_types *types;
        struct arena *arena; /* for what is compiled */
};

/* Borrows `config`, and of `means` all but the struct itself. The error says which site, what failed and what to do. */
int site_init(struct site *site, const struct config_site *config, const struct site_means *means, struct error *error);

/* Takes a site that is all zero. */
void site_done(struct site *site);

/* Whether a part of the canonical path begins with a dot, that the site does not show. */
bool site_hides(const struct site *site, struct slice path);

/* The media type by name alone (its rules aside); NULL when the extension is not known. */
const char *site_media_type(const struct site *site, struct slice path);

/* Whether files of this type and size are compressed on the fly. */
bool site_compresses(const struct site *site, struct slice type, uint64_t size);

/* The path of the page for an error's status; data == NULL when there is none. */
struct slice site_error_page(const struct site *site, int status);
