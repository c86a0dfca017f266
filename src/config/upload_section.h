/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* [[site.upload]]: a folder that clients may put files into. */

enum config_upload_access {
        CONFIG_UPLOAD_TOKEN,  /* whoever has a token for it */
        CONFIG_UPLOAD_ANYONE, /* whoever can reach the site */
};

enum config_upload_format {
        CONFIG_UPLOAD_PLAIN,  /* files as they are */
        CONFIG_UPLOAD_SEALED, /* encrypted */
};

enum config_upload_method {
        CONFIG_UPLOAD_GET,    /* GET and HEAD of what is there */
        CONFIG_UPLOAD_PUT,    /* a file */
        CONFIG_UPLOAD_POST,   /* the files of a form (multipart/form-data) */
        CONFIG_UPLOAD_DELETE, /* a file, or an empty folder */
        CONFIG_UPLOAD_TUS,    /* resumable uploads */
};

struct config_upload {
        struct config_origin origin;
        const char *name;
        const char *path;               /* prefix of the paths that lead here: begins and ends with '/' */
        const char *folder;             /* where the files are */
        int access;                     /* enum config_upload_access; of whatever changes something */
        struct config_integers methods; /* enum config_upload_method */
        int format;                     /* enum config_upload_format */
        const char *key;                /* the credential with the keys of a sealed folder; NULL: none */
        bool is_signed;                 /* key "signed": only what has a signed address is read */
        uint64_t rate;                  /* bytes a second that one download may go at */
        uint64_t total_rate;            /* and all of them together, in this process */
        bool listing;
        bool overwrite;
        struct config_strings types; /* media types by content; empty: any */
        uint64_t max_file;           /* bytes of one file */
        uint64_t max_total;          /* bytes of all files, and of those that are under way */
        int64_t max_files;           /* 0: no limit */
        int64_t max_active;          /* uploads under way at a time */
        int64_t max_parts;           /* resumable uploads that are not finished */
        uint64_t keep_parts;         /* us: how long they are kept */
        uint64_t min_free;           /* bytes that an upload must leave free on the disk */
};

static inline bool config_upload_allows(const struct config_upload *upload, enum config_upload_method method) {
        for (size_t i = 0; i < upload->methods.count; i++)
                if (upload->methods.items[i] == (int) method)
                        return true;
        return false;
}

extern const struct config_table config_upload_table;
