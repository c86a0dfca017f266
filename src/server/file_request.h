/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/exchange.h"
#include "http/generation.h"
#include "server/access.h"
#include "server/compression.h"
#include "server/file_cache.h"
#include "server/site_router.h"
#include "server/upload/upload_mount.h"
#include "server/upload/upload_upkeep.h"

/* The methods that a file answers, for Allow. */
#define FILE_SERVER_METHODS "GET, HEAD, OPTIONS"

/* What the file server built from one configuration; see file_server.h. */
struct file_server_snapshot {
        const struct config *config; /* borrowed */
        struct arena arena;
        struct mime_types *types;
        struct site *sites;
        size_t site_count;
        struct site_router *router;
        struct file_store *store; /* borrowed */
        struct listing_table *listings;
        struct file_cache_settings settings;
};

/* What one worker has for one generation. */
struct file_worker {
        const struct file_server_snapshot *snapshot;
        struct file_cache *cache;
        struct upload_upkeep *upkeep; /* of the first worker; NULL: none */
        struct access *access;
        /* Few browsers send many requests: the last Accept-Encoding is mostly the next one too. */
        char accept_text[96];
        size_t accept_length;
        struct http_accept_encoding accept;
};

/* What is wanted of an entry. */
enum file_purpose {
        FILE_PURPOSE_READ,     /* GET, HEAD */
        FILE_PURPOSE_OPTIONS,  /* OPTIONS: what the rules set, and Allow */
        FILE_PURPOSE_REDIRECT, /* another method: nothing but a redirect by rule can answer it */
};

/* A request on its way to an answer. In the exchange's arena; what it holds goes back when the exchange ends. */
struct file_request {
        struct http_exchange *exchange;
        struct file_worker *worker;
        const struct site *site;   /* NULL until one is found */
        const struct site *source; /* where the path is looked up: the site, or what is in one of its upload folders */
        const struct upload_mount *mount; /* that the path lies in; NULL: none */
        struct file_entry *entry;         /* a reference, or NULL */
        struct file_waiter waiter;
        struct compression_waiter compression;
        struct http_exchange_end end;
        enum cause failure; /* the entry is the page of this error; CAUSE_NONE: it is what was asked for */
        enum file_purpose purpose;
        struct access_waiter access;
        void (*admitted)(struct file_request *request); /* see upload_access_ask */
        void (*found)(struct file_request *request);    /* see file_request_find */
        void *found_userdata;
        uint64_t signed_rate;   /* bytes a second, that a signed address agreed to */
        bool is_admitted;       /* by a signed address */
        bool has_waited;        /* for a compressed body, once: not again */
        bool is_tus;            /* the answer is one of the tus protocol */
        uint64_t unsatisfiable; /* length of what a range was asked of, for CAUSE_RANGE_UNSATISFIABLE */
        union {
                struct http_body_memory memory;
                struct http_body_file file;
                struct http_body_list list;
                struct http_body_chain chain;
        } body;
        struct content_body *
                        content; /* what the body of the answer begins with, where its first bytes are to be waited for */
};

/* NULL when the arena is full. */
struct file_request *file_request_new(struct http_exchange *exchange);

/* Looks up what the site has for the request's path, now or later, and answers with it. */
void file_request_look_up(struct file_request *request);

/* Looks up what there is for the path and hands it on: request->entry, NULL when that was not possible. `userdata` is
 * kept in request->found_userdata. */
void file_request_find(struct file_request *request, void (*found)(struct file_request *request), void *userdata);

/* Answers with a redirect to the path as it is, with the slash that it lacked. */
void file_request_redirect_to_folder(struct file_request *request, const struct http_head_block *block);

/* Adds the response fields that go with a failure: Allow, Content-Range. */
void file_request_add_failure_fields(struct file_request *request, enum cause cause);

/* Answers with a failure: the site's page for it, else the engine's. `detail` is for the log, static or in the arena.
 * */
void file_request_fail(struct file_request *request, enum cause cause, const char *detail);

/* Answers with the entry, which is a file; see file_answer.c. */
void file_answer(struct file_request *request);

/* Answers with the entry as the page of request->failure. False when it cannot be had. */
bool file_answer_error_page(struct file_request *request);

/* Answers a range request with 206 or 416; false when the Range field is to be ignored. See file_ranges.c. */
bool file_answer_ranges(struct file_request *request, const struct file_variant *variant, enum http_coding coding);

/* The body of a response from `offset` on, `length` bytes of it. False when memory is out. */
bool file_request_set_body(struct file_request *request, const struct file_variant *variant, uint64_t offset,
                           uint64_t length);

/* Adds what belongs to every response of a site, and sends it. */
void file_request_respond(struct file_request *request);

/* Answers OPTIONS: 204 and Allow, beside what is in the response already. */
void file_request_answer_options(struct file_request *request);

/* Answers with a redirect. `location` is on the heap and freed here; NULL when memory was out. */
void file_request_redirect(struct file_request *request, int status, char *location,
                           const struct http_head_block *block);
