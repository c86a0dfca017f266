/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the names of credentials from where they are used. Sites can be many, so the names are sorted. */
#include "config/credential.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/text.h"

static int compare(const void *first, const void *second) {
        const struct config_credential *a = first, *b = second;
        int order = strcmp(a->name, b->name);
        return order ? order : (int) a->signs - (int) b->signs;
}

static size_t count_all(const struct config_root *root) {
        const struct config_site *sites = root->sites.items;
        size_t count = root->sites.count;
        for (size_t i = 0; i < root->sites.count; i++)
                count += sites[i].uploads.count;
        return count;
}

static size_t gather(const struct config_root *root, struct config_credential *items) {
        const struct config_site *sites = root->sites.items;
        size_t count = 0;
        for (size_t i = 0; i < root->sites.count; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                if (sites[i].signing_key)
                        items[count++] = (struct config_credential) { sites[i].signing_key, true };
                for (size_t j = 0; j < sites[i].uploads.count; j++)
                        if (uploads[j].key)
                                items[count++] = (struct config_credential) { uploads[j].key, false };
        }
        return count;
}

int config_credentials(const struct config_root *root, struct config_credential **ret_items, size_t *ret_count) {
        struct config_credential *items = calloc(count_all(root) + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        size_t all = gather(root, items), count = 0;
        qsort(items, all, sizeof(*items), compare);
        for (size_t i = 0; i < all; i++)
                if (count == 0 || strcmp(items[count - 1].name, items[i].name) != 0)
                        items[count++] = items[i];
        *ret_items = items;
        *ret_count = count;
        return 0;
}

int config_credentials_folder(const char *file, char **ret_path) {
        const char *slash = strrchr(file, '/');
        *ret_path = slash ? text_format("%.*s/" CONFIG_CREDENTIALS_FOLDER, (int) (slash - file), file)
                          : strdup(CONFIG_CREDENTIALS_FOLDER);
        return *ret_path ? 0 : -ENOMEM;
}
