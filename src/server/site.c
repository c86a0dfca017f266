/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles one [[site]]: opens its root, and turns what the configuration says in words into what a request needs. */
#include "server/site.h"

#include <stdlib.h>
#include <string.h>

#include "server/file_open.h"
#include "server/upload/upload_mount.h"
#include "shared/key_ring.h"
#include "shared/syscall.h"

static void read_codings(struct site *site) {
        static const enum http_coding codings[] = {
                [CONFIG_CODING_BROTLI] = HTTP_CODING_BROTLI,
                [CONFIG_CODING_ZSTD] = HTTP_CODING_ZSTD,
                [CONFIG_CODING_GZIP] = HTTP_CODING_GZIP,
        };
        const struct config_compression *compression = &site->config->compression;
        for (size_t i = 0; i < compression->codings.count && i < HTTP_CODING_COUNT; i++)
                site->codings[site->coding_count++] = codings[compression->codings.items[i]];
        site->levels[http_coding_index(HTTP_CODING_BROTLI)] = (int) compression->brotli_level;
        site->levels[http_coding_index(HTTP_CODING_ZSTD)] = (int) compression->zstd_level;
        site->levels[http_coding_index(HTTP_CODING_GZIP)] = (int) compression->gzip_level;
}

static int read_pages(struct site *site, struct arena *arena) {
        const struct config_map *errors = &site->config->errors;
        site->pages = arena_alloc_zero(arena, MAX_OF(errors->count, (size_t) 1) * sizeof(*site->pages));
        if (!site->pages)
                return -ENOMEM;
        for (; site->page_count < errors->count; site->page_count++) {
                const struct config_pair *pair = &errors->items[site->page_count];
                const char *path = arena_format(arena, "%s%s", pair->value[0] == '/' ? "" : "/", pair->value);
                if (!path)
                        return -ENOMEM;
                site->pages[site->page_count] = (struct site_page) { atoi(pair->key), slice_of(path) };
        }
        return 0;
}

static int write_hsts(struct site *site, struct arena *arena) {
        const struct config_site *config = site->config;
        if (config->hsts == 0)
                return 0;
        site->hsts = slice_of(arena_format(arena, "max-age=%llu%s%s", (unsigned long long) (config->hsts / 1000000),
                                           config->hsts_subdomains ? "; includeSubDomains" : "",
                                           config->hsts_preload ? "; preload" : ""));
        return site->hsts.data ? 0 : -ENOMEM;
}

/* An error about what the key's value names stands at the key. */
static int place(const struct site *site, const char *key, int code, struct error *error) {
        struct config_origin origin = config_origin_of_key(&site->config->origin, key);
        config_origin_place(&origin, error);
        return code;
}

static int load_signing_keys(struct site *site, struct error *error) {
        int r = key_ring_load(site->config->signing_key, KEY_PURPOSE_SIGN, error, &site->signing_keys);
        return r < 0 ? place(site, "signing_key", r, error) : 0;
}

static int fill(struct site *site, const struct site_means *means, struct error *error) {
        int r = site_root_open(means->roots, site->config->root, error, &site->shared_root);
        if (r < 0)
                return place(site, "root", r, error);
        r = rules_compile(&site->config->rules, means->arena, error, &site->rules);
        if (r >= 0)
                r = read_pages(site, means->arena);
        if (r >= 0)
                r = write_hsts(site, means->arena);
        if (r >= 0 && site->config->signing_key && !means->without_keys)
                r = load_signing_keys(site, error);
        if (r >= 0)
                r = upload_mounts_open(site, means, error);
        return r;
}

int site_init(struct site *site, const struct config_site *config, const struct site_means *means,
              struct error *error) {
        *site = (struct site) {
                .config = config,
                .types = means->types,
                .root = -1,
                .prefix_length = 1,
                .open_flags = config->symlinks == CONFIG_SYMLINKS_NEVER ? FILE_OPEN_NO_SYMLINKS : 0,
        };
        read_codings(site);
        int r = fill(site, means, error);
        if (r < 0) {
                error_prefix(error, "site '%s'", config->name);
                config_origin_place(&config->origin, error);
                site_done(site);
                return r;
        }
        site->root = site->shared_root->fd;
        site->is_remote = site->shared_root->is_remote;
        site->is_memory = site->shared_root->is_memory;
        return 0;
}

void site_done(struct site *site) {
        upload_mounts_close(site);
        site->signing_keys = key_ring_unref(site->signing_keys);
        site->shared_root = site_root_unref(site->shared_root);
        site->root = -1;
}

/* Unfinished uploads are nobody's to see, whatever else is shown. */
static bool is_in_staging(struct slice path) {
        static const struct slice name = SLICE_LITERAL("/" UPLOAD_STAGING);
        for (struct slice rest = path; rest.length > 0;) {
                const char *at = memmem(rest.data, rest.length, name.data, name.length);
                if (!at)
                        return false;
                rest = slice_from(rest, (size_t) (at - rest.data) + name.length);
                if (rest.length == 0 || rest.data[0] == '/')
                        return true;
        }
        return false;
}

bool site_hides(const struct site *site, struct slice path) {
        if (site->config->hidden)
                return is_in_staging(path);
        static const struct slice well_known = SLICE_LITERAL("/.well-known");
        if (slice_starts_with(path, well_known) &&
            (path.length == well_known.length || path.data[well_known.length] == '/'))
                path = slice_from(path, well_known.length);
        return path.length > 0 && memmem(path.data, path.length, "/.", 2);
}

const char *site_media_type(const struct site *site, struct slice path) {
        return mime_types_find(site->types, path);
}

bool site_compresses(const struct site *site, struct slice type, uint64_t size) {
        const struct config_compression *compression = &site->config->compression;
        return compression->enabled && site->coding_count > 0 && size >= compression->minimum_size &&
               size <= compression->maximum_size &&
               http_media_type_in(type, compression->types.items, compression->types.count);
}

struct slice site_error_page(const struct site *site, int status) {
        for (size_t i = 0; i < site->page_count; i++)
                if (site->pages[i].status == status)
                        return site->pages[i].path;
        return SLICE_NULL;
}
