/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/pace.h"
#include "server/content/content_format.h"
#include "server/site.h"
#include "server/upload/upload_folder.h"

/*
 * One [[site.upload]] as requests need it: the folder beneath a path of the site. What is there is served as if it were
 * a site of its own, whose root the path stands for. Immutable once built.
 */
struct upload_mount {
        const struct config_upload *config;
        struct slice prefix;          /* of paths: "/files/" */
        struct upload_folder *folder; /* a reference */
        const struct content_format *format;
        struct content_format *sealed; /* the same where it is one of the mount's own; NULL otherwise */
        struct http_pace *pace;        /* of all downloads together; NULL: none */
        struct config_site reading;    /* of `files` */
        struct site files;
        struct slice allow; /* the methods that are answered here */
};

/* Opens the folders of a site that has its root and rules. Names the upload in errors. */
int upload_mounts_open(struct site *site, const struct site_means *means, struct error *error);
void upload_mounts_close(struct site *site);

/* The one that a canonical path lies in; NULL when there is none. */
const struct upload_mount *upload_mount_find(const struct site *site, struct slice path);

/* Whether the path is that of a mount without its last slash. */
bool upload_mount_is_bare(const struct site *site, struct slice path);

/* The path beneath the mount's folder: without its prefix. */
static inline struct slice upload_mount_beneath(const struct upload_mount *mount, struct slice path) {
        return slice_from(path, mount->prefix.length);
}
