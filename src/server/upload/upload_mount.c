/* SPDX-License-Identifier: Apache-2.0 */
/* Turns [[site.upload]] into what requests need. Files that strangers put here are served from the site's own origin:
 * nothing in them may run there. */
#include "server/upload/upload_mount.h"

#include <errno.h>
#include <string.h>

#include "server/content/content_sealed.h"
#include "shared/quantity.h"
#include "shared/syscall.h"

#define COUNT_USEC 1000000 /* at a start, and for a new folder at a reload; what takes longer is counted aside */

/* A page among the uploads can show itself, and do nothing else. */
#define FILES_POLICY                                                                                                  \
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; form-action 'none'; " \
        "base-uri 'none'; frame-ancestors 'self'"

static struct config_site reading_of(const struct config_site *config, const struct config_upload *upload) {
        struct config_site reading = {
                .origin = config_origin_of_key(&upload->origin, "folder"),
                .name = config->name,
                .root = upload->folder,
                .listing = upload->listing,
                .symlinks = CONFIG_SYMLINKS_NEVER,
                .charset = config->charset,
                .sniff = true,
                .cache_control = config->cache_control ? config->cache_control : "no-cache",
                .compression = config->compression,
        };
        /* Nobody but its own writer shall change what a name shows. */
        reading.compression.precompressed = false;
        return reading;
}

static int write_allow(struct upload_mount *mount, struct arena *arena) {
        const struct config_upload *config = mount->config;
        bool takes_post = config_upload_allows(config, CONFIG_UPLOAD_POST) ||
                          config_upload_allows(config, CONFIG_UPLOAD_TUS); /* which begins with it */
        mount->allow = slice_of(arena_format(
                        arena, "%s%s%s%sOPTIONS", config_upload_allows(config, CONFIG_UPLOAD_GET) ? "GET, HEAD, " : "",
                        config_upload_allows(config, CONFIG_UPLOAD_PUT) ? "PUT, " : "", takes_post ? "POST, " : "",
                        config_upload_allows(config, CONFIG_UPLOAD_DELETE) ? "DELETE, " : ""));
        return mount->allow.data ? 0 : -ENOMEM;
}

static int open_format(struct upload_mount *mount, bool without_keys, struct error *error) {
        mount->format = &content_plain;
        if (mount->config->format != CONFIG_UPLOAD_SEALED || without_keys)
                return 0;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        int r = key_ring_load(mount->config->key, KEY_PURPOSE_SEAL, error, &ring);
        if (r < 0) {
                struct config_origin origin = config_origin_of_key(&mount->config->origin, "key");
                config_origin_place(&origin, error);
                return r;
        }
        mount->sealed = content_sealed_new(ring);
        if (!mount->sealed)
                return -ENOMEM;
        mount->format = mount->files.format = mount->sealed;
        return 0;
}

static int make_pace(struct upload_mount *mount, struct arena *arena) {
        if (mount->config->total_rate == QUANTITY_INFINITY)
                return 0;
        mount->pace = arena_alloc(arena, sizeof(*mount->pace));
        if (!mount->pace)
                return -ENOMEM;
        http_pace_init(mount->pace, mount->config->total_rate);
        return 0;
}

static int open_mount(struct upload_mount *mount, const struct site *site, const struct site_means *means,
                      struct error *error) {
        mount->prefix = slice_of(mount->config->path);
        mount->reading = reading_of(site->config, mount->config);
        int r = write_allow(mount, means->arena);
        if (r >= 0)
                r = make_pace(mount, means->arena);
        if (r >= 0)
                r = site_init(&mount->files, &mount->reading, means, error);
        if (r >= 0)
                r = open_format(mount, means->without_keys, error);
        if (r < 0)
                return r;
        mount->files.rules = site->rules;
        mount->files.prefix_length = mount->prefix.length;
        mount->files.is_changing = true;
        mount->files.policy = SLICE_LITERAL(FILES_POLICY);
        return upload_folder_open(means->folders, mount->config->folder, COUNT_USEC, error, &mount->folder);
}

int upload_mounts_open(struct site *site, const struct site_means *means, struct error *error) {
        const struct config_list *list = &site->config->uploads;
        const struct config_upload *uploads = list->items;
        if (list->count == 0)
                return 0;
        site->mounts = arena_alloc_zero(means->arena, list->count * sizeof(*site->mounts));
        if (!site->mounts)
                return -ENOMEM;
        for (size_t i = 0; i < list->count; i++) {
                struct upload_mount *mount = &site->mounts[site->mount_count++];
                mount->config = &uploads[i];
                int r = open_mount(mount, site, means, error);
                if (r < 0) {
                        (void) error_set_errno(error, r, "opening it");
                        error_prefix(error, "upload '%s'", uploads[i].name);
                        config_origin_place(&uploads[i].origin, error);
                        return r;
                }
        }
        return 0;
}

void upload_mounts_close(struct site *site) {
        for (size_t i = 0; i < site->mount_count; i++) {
                site_done(&site->mounts[i].files);
                content_sealed_free(site->mounts[i].sealed);
                site->mounts[i].folder = upload_folder_unref(site->mounts[i].folder);
        }
        site->mount_count = 0;
}

const struct upload_mount *upload_mount_find(const struct site *site, struct slice path) {
        for (size_t i = 0; i < site->mount_count; i++)
                if (slice_starts_with(path, site->mounts[i].prefix))
                        return &site->mounts[i];
        return NULL;
}

bool upload_mount_is_bare(const struct site *site, struct slice path) {
        for (size_t i = 0; i < site->mount_count; i++) {
                struct slice bare = site->mounts[i].prefix;
                bare.length--;
                if (slice_equal(path, bare))
                        return true;
        }
        return false;
}
