/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/upload_section.h"
#include "shared/config_table.h"

/* [[site]]: a folder that is served under some host names. */

enum config_symlinks {
        CONFIG_SYMLINKS_NEVER,   /* no link is followed */
        CONFIG_SYMLINKS_BENEATH, /* links that stay beneath the root are followed */
};

enum config_coding {
        CONFIG_CODING_BROTLI,
        CONFIG_CODING_ZSTD,
        CONFIG_CODING_GZIP,
};

/* [[site.rule]]: for paths that match a pattern. All matching rules apply in order; the first redirect ends it.
 * A pattern is absolute; "*" stands for any bytes within a segment, "**" for any, "?" for one. */
struct config_rule {
        struct config_origin origin;
        const char *path;
        const char *redirect; /* target; "$1".."$9" stand for what the wildcards matched, "$uri" and "$query" too */
        int64_t status;       /* of the redirect: 301, 302, 303, 307, 308 */
        const char *cache_control;  /* value of Cache-Control */
        struct config_map headers;  /* set on the response; an empty value removes */
        const char *content_type;   /* instead of the one by extension */
        struct config_strings link; /* Link field values, sent with the response */
        bool early_hints;           /* and before it, as 103 */
        bool is_signed;             /* key "signed": only a signed address opens it */
        uint64_t rate;              /* bytes a second for one response */
};

struct config_compression {
        bool enabled;                        /* compress on the fly */
        bool precompressed;                  /* serve NAME.br, NAME.zst, NAME.gz in place of NAME */
        struct config_integers codings;      /* enum config_coding; the server's preference among equal q-values */
        struct config_strings types;         /* media types; "text/" for all of a type, "+json" for a suffix */
        uint64_t minimum_size, maximum_size; /* bytes */
        int64_t brotli_level, zstd_level, gzip_level;
};

struct config_site {
        struct config_origin origin;
        const char *name;
        struct config_strings hosts; /* "example.org", "*.example.org", "192.0.2.1", "[2001:db8::1]"; in any case */
        bool is_default; /* key "default": answers for hosts that no site names; set where `hosts` is empty */
        const char *root;
        struct config_strings index;
        const char *fallback;     /* file that is served, with 200, for what does not exist; single-page apps */
        struct config_map errors; /* "404" to the path of a file beneath the root */
        bool listing;
        const char *signing_key;   /* the credential with the keys of signed addresses; NULL: none */
        const char *echo;          /* a path that echoes WebSockets; NULL: none */
        bool hidden;               /* serve names that begin with a dot; ".well-known" always is */
        int symlinks;              /* enum config_symlinks */
        const char *charset;       /* of text types; "" for none */
        bool sniff;                /* look into files without a known extension */
        const char *cache_control; /* where no rule sets it */
        bool redirect_https;
        uint64_t hsts; /* us; max-age of Strict-Transport-Security over TLS; 0: not sent */
        bool hsts_subdomains, hsts_preload;
        struct config_compression compression;
        struct config_list rules;   /* key "rule": struct config_rule */
        struct config_list uploads; /* key "upload": struct config_upload */
};

extern const struct config_table config_site_table;
extern const struct config_table config_rule_table;
