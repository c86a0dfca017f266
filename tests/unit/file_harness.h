/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "h1_harness.h"
#include "server/file_server.h"

/*
 * The file server behind the harness of HTTP/1: a folder of the test's own as the root of a site, a thread pool, a
 * store, and a client that asks one thing after the other.
 */
struct site_harness {
        char folder[64]; /* holds "root" and what lies outside of it */
        int root;        /* a directory */
        struct config *config;
        struct file_store *store;
        struct site_roots *roots;
        struct upload_folders *folders;
        struct file_server_snapshot *snapshot; /* the harness's */
        struct harness *harness;
        struct text last;    /* the last answer */
        char value[1024];    /* of the field asked for last */
        bool is_secure;      /* requests are taken as if they came over TLS */
        bool redirect_https; /* of the listener */
        struct http_application application;
        bool is_guest; /* folder and store are another's */
};

/* A folder without anything in its root. */
struct site_harness *site_harness_new(void);

/* Another worker, for a thread of its own, with the folder and the store of the first. */
struct site_harness *site_harness_new_guest(const struct site_harness *host);
void site_harness_free(struct site_harness *site);

/* Waits until a file has not changed for long enough that the server can tell the next change (see file_open.h). */
void site_harness_age(struct site_harness *site, const char *path);

/* Writes a file beneath the root, making its folder, and lets it age. */
void site_harness_write(struct site_harness *site, const char *path, const char *bytes, size_t length);
void site_harness_write_text(struct site_harness *site, const char *path, const char *text);

/* Starts serving by a configuration in which every "@ROOT@" stands for the root. Fails the test when it is refused. */
void site_harness_start(struct site_harness *site, const char *configuration);

/* Sends a request on a connection of its own and gives the whole answer, which stays until the next one. `head` is
 * the request line without version and, each after "\r\n", fields; Host is example.org when it is not among them. */
const char *site_harness_ask(struct site_harness *site, const char *head);

/* The body of the last answer, and the value of a field, "" when there is none; it stays until the next request. */
struct slice site_harness_body(const struct site_harness *site);
const char *site_harness_field(struct site_harness *site, const char *name);
int site_harness_status(const struct site_harness *site);
