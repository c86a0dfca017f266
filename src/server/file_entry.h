/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/head_block.h"
#include "server/file_lookup.h"
#include "shared/hash.h"

/*
 * What one worker remembers of one path of a site: what was found there, and for each coding in which it was asked
 * for the body and the response fields, ready to be sent. Belongs to one thread: its references are counted without
 * atomics.
 */
enum file_head {
        FILE_HEAD_FULL,       /* 200, 206 with one range, and HEAD */
        FILE_HEAD_MULTIPART,  /* 206 with several: without Content-Type */
        FILE_HEAD_UNCHANGED,  /* 304 */
        FILE_HEAD_ERROR_PAGE, /* the file as the page of an error: without validators */
        FILE_HEADS,
};

/* Views of entries that are no listing (listing_view_number). */
#define FILE_VIEW_PLAIN 0
#define FILE_VIEW_ERROR_PAGE (LISTING_VIEWS + 1)

/* One representation: the file in one coding. */
struct file_variant {
        bool is_ready;           /* the bytes are known: `length`, and `body` or `fd` */
        uint64_t length;         /* bytes */
        struct slice body;       /* data == NULL: read from fd */
        int fd;                  /* the entry's */
        struct content *content; /* the entry's; the body comes from it when it is there */
        struct slice etag;       /* with quotes; data == NULL: none */
        struct http_head_block *heads[FILE_HEADS];
        char etag_text[48];
};

struct compression_wait;

struct file_entry {
        struct hash_link link;
        struct list recent; /* in the cache's list; points to itself once it was dropped from the cache */
        unsigned references;
        uint64_t fresh_until, touched; /* loop clock, ms */
        const struct site *site;
        const char *path; /* canonical, NUL-terminated; the entry's */
        size_t path_length;
        unsigned view;
        struct file_result result;
        unsigned codings;   /* set of enum http_coding that may be sent instead of the file itself */
        bool is_negotiated; /* there were some from the beginning: Vary is sent */
        time_t modified;    /* for Last-Modified; 0: none */
        struct file_variant *variants[FILE_CODINGS];
        struct compression_wait *waits[FILE_CODINGS]; /* see compression.h */
        struct http_head_block *rule_head;            /* fields that the rules set, alone */
};

/* Takes `path` (from malloc) and `result`, also when it fails. One reference. */
int file_entry_new(const struct site *site, char *path, size_t path_length, unsigned view, struct file_result *result,
                   struct file_entry **ret_entry);

static inline struct file_entry *file_entry_ref(struct file_entry *entry) {
        entry->references++;
        return entry;
}

void file_entry_free(struct file_entry *entry);

/* Takes NULL. */
static inline struct file_entry *file_entry_unref(struct file_entry *entry) {
        if (entry && --entry->references == 0)
                file_entry_free(entry);
        return NULL;
}

/* The variant in a coding, with what is known of its bytes by now; NULL when memory is out. Only of FILE_KIND_FILE. */
struct file_variant *file_entry_variant(struct file_entry *entry, enum http_coding coding);

/* Response fields of a variant, made when they are asked for first; NULL when memory is out or a value cannot be
 * sent. */
const struct http_head_block *file_entry_head(struct file_entry *entry, enum http_coding coding, enum file_head head);

/* What the rules set, alone: for answers that are no file. */
const struct http_head_block *file_entry_rule_head(struct file_entry *entry);

/* Whether a body that the entry counts on has given way in the store. */
bool file_entry_is_evicted(const struct file_entry *entry);

/* Tells the store that the entry's bodies are in use at `now` (loop clock, ms). */
void file_entry_touch(struct file_entry *entry, uint64_t now);

/* Whether the entry holds a file open. */
bool file_entry_is_open(const struct file_entry *entry);

/* Whether a file that it holds open was written to, so that its length or its tag is no longer the file's. */
bool file_entry_has_changed(const struct file_entry *entry);
