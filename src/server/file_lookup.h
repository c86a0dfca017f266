/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/content/content_format.h"
#include "server/listing_table.h"
#include "server/site.h"
#include "shared/cause.h"

/*
 * What a site has for a path: opened, identified, read and typed in one go.
 *
 * The same function runs on a worker, where it must not wait for a disk, and on the thread pool, where it may: it
 * touches nothing but the immutable site, the store, and what it returns.
 */
enum file_kind {
        FILE_KIND_FILE,
        FILE_KIND_FAILURE,         /* `cause` says why */
        FILE_KIND_LISTING,         /* a folder without index that may be listed: ask again with a view of it */
        FILE_KIND_FOLDER_REDIRECT, /* a folder, but the path has no slash at its end */
        FILE_KIND_RULE_REDIRECT,   /* outcome.redirect */
};

struct file_query {
        const struct site *site;
        struct file_store *store;
        uint64_t max_file; /* bytes: up to this size a file is kept in memory */
        const char *path;  /* canonical */
        size_t path_length;
        unsigned view;                   /* listing_view_number, 0 for the file itself */
        struct listing_version *listing; /* of which the view is; a reference; NULL without a view */
        struct listing_table *listings;
        struct listing_parker *parker; /* told when the look-up may be tried again after -EINPROGRESS */
        bool without_rules;            /* redirects by rule do not count: error pages */
};

/* The bytes of one representation. */
struct file_source {
        bool is_present;
        int fd;                  /* open; -1 when the version has the body; the content's where there is one */
        struct content *content; /* a reference; NULL for a file that is sent as it lies there */
        struct file_identity identity;
        uint64_t salt; /* of the entity tag, where the identity does not make sure of an open file's content; else 0 */
        struct file_version *version; /* a reference; NULL for a large file that is not compressed */
};

struct file_result {
        enum file_kind kind;
        enum cause cause; /* of a failure */
        int code;         /* of a failure: what the system said, a negative errno, or 0 */
        char *detail;     /* of a failure, for the log; NULL: what `code` says */
        bool is_stand_in; /* for something that does not exist: a failure or the fallback */
        bool is_lasting;  /* may be remembered: not so for want of memory or descriptors, or for errors of a disk */
        const char *type; /* media type, static or of the site's */
        struct rule_outcome outcome;
        struct listing_version *listing; /* a reference: what was found, or is shown; NULL unless it is a listing */
        struct file_source sources[FILE_CODINGS]; /* the file, and precompressed ones beside it, by http_coding_index */
};

#define FILE_RESULT_INIT \
        ((struct file_result) { .sources = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 }, { .fd = -1 } } })

/* 0, with a failure that has a cause among the results; -EAGAIN when `may_wait` is false and it would have to wait;
 * -EINPROGRESS when another thread is at the same folder: the parker will be told. */
int file_lookup(const struct file_query *query, bool may_wait, struct file_result *ret_result);
void file_result_done(struct file_result *result);

/* Whether both found the same content, so that what was made of the one serves for the other. */
bool file_result_equal(const struct file_result *a, const struct file_result *b);
