/* SPDX-License-Identifier: Apache-2.0 */
/* Two hash tables: whole host names, and the suffixes (with their first dot) of wildcards, of which those that a host
 * could have are tried from the longest to the shortest. */
#include "server/site_router.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/hash.h"
#include "shared/syscall.h"

struct site_router {
        struct arena arena;
        struct hash_table hosts, suffixes;
        size_t shortest, longest; /* of the suffixes, in bytes */
        ssize_t fallback;         /* the default site, or -1 */
        bool is_constant;         /* every host leads to the fallback */
};

struct host_entry {
        struct hash_link link;
        struct slice name;
        size_t site;
};

static bool has_name(const struct hash_link *link, const void *key) {
        return slice_equal(container_of(link, const struct host_entry, link)->name, *(const struct slice *) key);
}

static ssize_t find(const struct hash_table *table, struct slice name) {
        struct hash_link *link =
                        hash_table_find(table, hash_table_hash(table, name.data, name.length), has_name, &name);
        return link ? (ssize_t) container_of(link, struct host_entry, link)->site : -1;
}

static int add(struct site_router *router, struct hash_table *table, const char *host, size_t site) {
        struct host_entry *entry = arena_alloc_zero(&router->arena, sizeof(*entry));
        char *name = arena_copy(&router->arena, slice_of(host));
        if (!entry || !name)
                return -ENOMEM;
        size_t length = 0;
        for (; name[length]; length++)
                if (name[length] >= 'A' && name[length] <= 'Z')
                        name[length] |= 0x20;
        while (length > 0 && name[length - 1] == '.')
                length--;

        entry->name = (struct slice) { name, length };
        entry->site = site;
        if (find(table, entry->name) >= 0)
                return 0;
        return hash_table_insert(table, &entry->link, hash_table_hash(table, name, length));
}

static int add_host(struct site_router *router, const char *host, size_t site) {
        if (host[0] != '*' || host[1] != '.')
                return add(router, &router->hosts, host, site);
        size_t length = strlen(host + 1);
        if (length > 1 && host[length] == '.')
                length--;
        router->shortest = MIN_OF(router->shortest, length);
        router->longest = MAX_OF(router->longest, length);
        return add(router, &router->suffixes, host + 1, site);
}

static int add_sites(struct site_router *router, const struct config_site *sites, size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (sites[i].is_default && router->fallback < 0)
                        router->fallback = (ssize_t) i;
                for (size_t j = 0; j < sites[i].hosts.count; j++) {
                        int r = add_host(router, sites[i].hosts.items[j], i);
                        if (r < 0)
                                return r;
                }
        }
        router->is_constant = count == 1 && router->fallback == 0;
        return 0;
}

int site_router_new(const struct config_site *sites, size_t count, struct site_router **ret_router) {
        struct site_router *router = calloc(1, sizeof(*router));
        if (!router)
                return -ENOMEM;
        arena_init(&router->arena, 0);
        router->shortest = SIZE_MAX;
        router->fallback = -1;
        int r = hash_table_init(&router->hosts);
        if (r >= 0)
                r = hash_table_init(&router->suffixes);
        if (r >= 0)
                r = add_sites(router, sites, count);
        if (r < 0) {
                site_router_free(router);
                return r;
        }
        *ret_router = router;
        return 0;
}

void site_router_free(struct site_router *router) {
        if (!router)
                return;
        hash_table_done(&router->hosts);
        hash_table_done(&router->suffixes);
        arena_done(&router->arena);
        free(router);
}

static ssize_t find_suffix(const struct site_router *router, struct slice host) {
        if (router->longest == 0 || host.length <= router->shortest)
                return -1;
        /* A wildcard stands for one byte or more. */
        size_t start = host.length > router->longest ? host.length - router->longest : 1;
        for (; host.length - start >= router->shortest; start++) {
                if (host.data[start] != '.')
                        continue;
                ssize_t site = find(&router->suffixes, slice_from(host, start));
                if (site >= 0)
                        return site;
        }
        return -1;
}

ssize_t site_router_find(const struct site_router *router, struct slice host) {
        if (router->is_constant || !host.data)
                return router->fallback;
        ssize_t site = find(&router->hosts, host);
        if (site < 0)
                site = find_suffix(router, host);
        return site >= 0 ? site : router->fallback;
}
