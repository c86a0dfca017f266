/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of [[site]] and of its compression. A site's root takes a new instance, as every path does: the sandbox
 * of a running one is fixed to the folders that it began with. */
#include "config/site_section.h"

#include <errno.h>
#include <string.h>

#include "config/value_check.h"

#define YEAR_USEC (365LL * 24 * 3600 * 1000000)
#define UPLOADS_MAX 64

static const char *const symlink_choices[] = {
        [CONFIG_SYMLINKS_NEVER] = "never",
        [CONFIG_SYMLINKS_BENEATH] = "beneath",
        NULL,
};
static const char *const codings[] = {
        [CONFIG_CODING_BROTLI] = "br",
        [CONFIG_CODING_ZSTD] = "zstd",
        [CONFIG_CODING_GZIP] = "gzip",
        NULL,
};

static int check_compression(void *object, struct error *error, const char **ret_key) {
        const struct config_compression *compression = object;
        if (compression->minimum_size <= compression->maximum_size)
                return 0;
        *ret_key = "minimum_size";
        return error_set(error, -EINVAL, "'minimum_size' in [site.compression] may not be larger than 'maximum_size'");
}

static const struct config_key compression_keys[] = {
        {
                        .name = "enabled",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, enabled),
                        .fallback = "true",
                        .documentation = "Compress files when clients ask for it: once for each version of a file, "
                                         "aside from the "
                                         "workers, and kept in the cache.",
        },
        {
                        .name = "precompressed",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, precompressed),
                        .fallback = "true",
                        .documentation =
                                        "Serve NAME.br, NAME.zst or NAME.gz in place of NAME where they lie beside it.",
        },
        {
                        .name = "codings",
                        .type = CONFIG_ENUM_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, codings),
                        .fallback = "[\"br\", \"zstd\", \"gzip\"]",
                        .choices = codings,
                        .documentation = "The codings that are used; among those that a client likes equally the first "
                                         "one here wins.",
        },
        {
                        .name = "types",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, types),
                        /* What is compressed by its own format (images, sound, woff2, archives) is left out. */
                        .fallback = "[\"text/\", \"application/json\", \"application/javascript\", "
                                    "\"application/xml\", "
                                    "\"application/wasm\", \"+json\", \"+xml\", \"font/ttf\", \"font/otf\", "
                                    "\"application/vnd.ms-fontobject\", \"image/bmp\", \"image/vnd.microsoft.icon\"]",
                        .check = config_check_media_ranges,
                        .documentation = "The media types that are compressed: \"text/\" for all of a type, \"+json\" "
                                         "for all with a "
                                         "suffix.",
        },
        {
                        .name = "minimum_size",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, minimum_size),
                        .fallback = "256",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "Smaller files are not compressed: nothing would be saved.",
        },
        {
                        .name = "maximum_size",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, maximum_size),
                        .fallback = "\"8M\"",
                        .minimum = 0,
                        .maximum = 1024 * 1024 * 1024,
                        .documentation = "Larger files are not compressed: compress them beforehand.",
        },
        {
                        .name = "brotli_level",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, brotli_level),
                        .fallback = "7",
                        .minimum = 0,
                        .maximum = 11,
                        .documentation = "How hard brotli tries.",
        },
        {
                        .name = "zstd_level",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, zstd_level),
                        .fallback = "9",
                        .minimum = 1,
                        .maximum = 19,
                        .documentation = "How hard zstd tries.",
        },
        {
                        .name = "gzip_level",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_compression, gzip_level),
                        .fallback = "8",
                        .minimum = 1,
                        .maximum = 9,
                        .documentation = "How hard gzip tries.",
        },
};

static const struct config_table compression_table = {
        .name = "compression",
        .size = sizeof(struct config_compression),
        .keys = compression_keys,
        .key_count = ELEMENTS_OF(compression_keys),
        .documentation = "Compressed responses.",
        .check = check_compression,
};

/* Each path leads to one folder at most. */
static int check_uploads(const struct config_site *site, struct error *error) {
        const struct config_upload *uploads = site->uploads.items;
        for (size_t i = 1; i < site->uploads.count; i++)
                for (size_t j = 0; j < i; j++)
                        if (strncmp(uploads[i].path, uploads[j].path,
                                    MIN_OF(strlen(uploads[i].path), strlen(uploads[j].path))) == 0)
                                return error_set(error, -EINVAL,
                                                 "site '%s': the paths of the uploads '%s' and '%s' overlap",
                                                 site->name, uploads[j].name, uploads[i].name);
        return 0;
}

static bool has_signed(const struct config_site *site) {
        const struct config_upload *uploads = site->uploads.items;
        const struct config_rule *rules = site->rules.items;
        for (size_t i = 0; i < site->uploads.count; i++)
                if (uploads[i].is_signed)
                        return true;
        for (size_t i = 0; i < site->rules.count; i++)
                if (rules[i].is_signed)
                        return true;
        return false;
}

/* A site without hosts answers for all that no other site names: there is nothing else that it could be for. */
static int check_site(void *object, struct error *error, const char **ret_key) {
        struct config_site *site = object;
        site->is_default = site->is_default || site->hosts.count == 0;
        if (site->echo && site->echo[0] != '/') {
                *ret_key = "echo";
                return error_set(error, -EINVAL, "site '%s': 'echo' must be a path that begins with '/', found '%s'",
                                 site->name, site->echo);
        }

        /* hstspreload.org: below a year, or without the subdomains, browsers do not take a host into their lists. */
        if (site->hsts_preload && (site->hsts < (uint64_t) YEAR_USEC || !site->hsts_subdomains)) {
                *ret_key = "hsts_preload";
                return error_set(error, -EINVAL,
                                 "site '%s': 'hsts_preload' needs hsts_subdomains = true and a 'hsts' of at least 365d",
                                 site->name);
        }
        if (site->hsts_subdomains && site->hsts == 0) {
                *ret_key = "hsts_subdomains";
                return error_set(error, -EINVAL, "site '%s': 'hsts_subdomains' has no meaning without 'hsts'",
                                 site->name);
        }
        *ret_key = "signing_key";
        if (!site->signing_key && has_signed(site))
                return error_set(error, -EINVAL,
                                 "site '%s': what is 'signed' needs 'signing_key', the name of the credential with the "
                                 "keys",
                                 site->name);
        *ret_key = "upload";
        return check_uploads(site, error);
}

static const struct config_key site_keys[] = {
        {
                        .name = "name",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, name),
                        .example = "\"blog\"",
                        .required = true,
                        .check = config_check_name,
                        .documentation = "What the site is called in log entries, metrics and messages.",
        },
        {
                        .name = "hosts",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, hosts),
                        .fallback = "[]",
                        .example = "[\"example.org\", \"*.example.org\"]",
                        .check = config_check_hosts,
                        .documentation = "The host names that it answers for. A name that is written out goes before a "
                                         "wildcard, a "
                                         "longer wildcard before a shorter one. Empty: the site is the default one.",
        },
        {
                        .name = "default",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, is_default),
                        .fallback = "false",
                        .documentation = "Answer for every host that no site names. Only one site can.",
        },
        {
                        .name = "root",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_site, root),
                        .example = "\"/srv/www\"",
                        .required = true,
                        .documentation = "The folder that is served. Nothing outside of it can be reached.",
        },
        {
                        .name = "index",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, index),
                        .fallback = "[\"index.html\"]",
                        .check = config_check_file_names,
                        .documentation = "The files that stand for a folder; the first that is there is served.",
        },
        {
                        .name = "fallback",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, fallback),
                        .example = "\"/index.html\"",
                        .check = config_check_beneath,
                        .documentation = "A file beneath the root that is served, with status 200, for whatever does "
                                         "not exist: for "
                                         "applications that make their own paths in the browser.",
        },
        {
                        .name = "errors",
                        .type = CONFIG_MAP,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, errors),
                        .example = "{ 404 = \"/404.html\" }",
                        .check = config_check_error_pages,
                        .documentation = "Files beneath the root that are sent as the pages of these errors.",
        },
        {
                        .name = "listing",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, listing),
                        .fallback = "false",
                        .documentation = "List folders that have no index file.",
        },
        {
                        .name = "signing_key",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_site, signing_key),
                        .example = "\"downloads\"",
                        .check = config_check_name,
                        .documentation = "The credential with the keys of signed addresses, which `ccodesctl keys init "
                                         "--purpose sign` makes.",
        },
        {
                        .name = "echo",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, echo),
                        .example = "\"/echo\"",
                        .documentation = "A path that answers WebSockets with what they send, and counts seconds as "
                                         "server-sent "
                                         "events: for trying out clients, proxies and networks.",
        },
        {
                        .name = "hidden",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, hidden),
                        .fallback = "false",
                        .documentation = "Serve names that begin with a dot. \".well-known\" always is.",
        },
        {
                        .name = "symlinks",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, symlinks),
                        .fallback = "\"beneath\"",
                        .choices = symlink_choices,
                        .documentation =
                                        "Which symbolic links are followed: those that stay beneath the root, or none.",
        },
        {
                        .name = "charset",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, charset),
                        .fallback = "\"utf-8\"",
                        .check = config_check_token,
                        .documentation = "The charset that text types are sent with; empty for none.",
        },
        {
                        .name = "sniff",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, sniff),
                        .fallback = "true",
                        .documentation = "Look into files without a known extension to find their type.",
        },
        {
                        .name = "cache_control",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, cache_control),
                        .example = "\"no-cache\"",
                        .check = config_check_field_value,
                        .documentation = "The value of Cache-Control where no rule sets it.",
        },
        {
                        .name = "redirect_https",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, redirect_https),
                        .fallback = "false",
                        .documentation = "Answer plain requests with a redirect to https.",
        },
        {
                        .name = "hsts",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, hsts),
                        .fallback = "0",
                        .example = "\"365d\"",
                        .minimum = 0,
                        .maximum = 100 * YEAR_USEC,
                        .documentation = "How long browsers shall come by https only (Strict-Transport-Security, sent "
                                         "over TLS); 0 sends "
                                         "nothing.",
        },
        {
                        .name = "hsts_subdomains",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, hsts_subdomains),
                        .fallback = "false",
                        .documentation = "The same for all names below the host's.",
        },
        {
                        .name = "hsts_preload",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, hsts_preload),
                        .fallback = "false",
                        .documentation = "Let browsers' makers put the host into their lists. That is hard to take "
                                         "back.",
        },
        {
                        .name = "compression",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_site, compression),
                        .table = &compression_table,
        },
        {
                        .name = "rule",
                        .type = CONFIG_TABLE_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, rules),
                        .table = &config_rule_table,
        },
        {
                        .name = "upload",
                        .type = CONFIG_TABLE_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_site, uploads),
                        .maximum = UPLOADS_MAX,
                        .table = &config_upload_table,
        },
};

const struct config_table config_site_table = {
        .name = "site",
        .size = sizeof(struct config_site),
        .keys = site_keys,
        .key_count = ELEMENTS_OF(site_keys),
        .documentation = "A folder that is served under some host names.",
        .check = check_site,
};
