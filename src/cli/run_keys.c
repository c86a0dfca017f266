/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for `ccodesctl run`: in files that their owner alone can read. */
#include "cli/run_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cli/key_file.h"
#include "config/credential.h"
#include "shared/syscall.h"

static int make_keys(const char *folder, const struct config_credential *credential, struct error *error) {
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        struct error there = ERROR_INIT;
        int r = key_file_prepare(folder, credential->name, false, &there, &file);
        if (r == -EEXIST)
                return 0;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring =
                        key_ring_new(credential->signs ? KEY_PURPOSE_SIGN : KEY_PURPOSE_SEAL);
        if (r >= 0)
                r = ring ? key_ring_generate(ring, time(NULL)) : -ENOMEM;
        if (r < 0)
                return error_set_errno(error, r, "making the keys '%s'", credential->name);
        return key_file_write(&file, ring, error);
}

static int make_all(const struct state_folder *folder, const struct config_credential *items, size_t count,
                    struct error *error) {
        _cleanup_free_ char *path = text_format("%s/" CONFIG_CREDENTIALS_FOLDER, folder->path);
        if (!path)
                return -ENOMEM;
        if (folder->is_temporary)
                return error_set(error, -EINVAL,
                                 "the configuration names keys, '%s' first: they need --state FOLDER, where they are "
                                 "kept",
                                 items[0].name);
        for (size_t i = 0; i < count; i++) {
                int r = make_keys(path, &items[i], error);
                if (r < 0)
                        return r;
        }
        return setenv("CREDENTIALS_DIRECTORY", path, 1) < 0 ? -errno : 0;
}

int run_keys_prepare(const struct state_folder *folder, const char *config_file, struct error *error) {
        _cleanup_config_ struct config *config = NULL;
        _cleanup_free_ struct config_credential *items = NULL;
        size_t count = 0;
        if (getenv("CREDENTIALS_DIRECTORY") || config_load(config_file, NULL, &config) < 0)
                return 0;
        int r = config_credentials(&config->root, &items, &count);
        if (r >= 0 && count > 0)
                r = make_all(folder, items, count, error);
        return r < 0 ? error_set_errno(error, r, "making keys") : 0;
}
