/* SPDX-License-Identifier: Apache-2.0 */
/* Where keys are looked for: beside the configuration unless it is said otherwise. */
#include "cli/key_place.h"

#include <stdlib.h>
#include <sys/file.h>

#include "config/credential.h"
#include "config/value_check.h"
#include "shared/syscall.h"

void key_place_done(struct key_place *place) {
        close_fd(place->lock_fd);
        free(place->folder);
        config_unref(place->config);
        *place = KEY_PLACE_INIT;
}

int key_place_open(const struct cli_arguments *arguments, struct error *error, struct key_place *ret_place) {
        const char *config = cli_argument(arguments, "config"), *folder = cli_argument(arguments, "credentials");
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        place.config_file = config ? config : CONFIG_DEFAULT_FILE;
        int r = 0;
        if (folder)
                place.folder = strdup(folder);
        else
                r = config_credentials_folder(place.config_file, &place.folder);
        if (r < 0 || !place.folder)
                return error_set_errno(error, -ENOMEM, "looking for keys");
        *ret_place = place;
        place = KEY_PLACE_INIT;
        return 0;
}

int key_place_load_config(struct key_place *place, struct error *error) {
        return place->config ? 0 : config_load(place->config_file, error, &place->config);
}

int key_place_check_name(const char *name, struct error *error) {
        int r = config_check_name(&name, error);
        return r < 0 ? error_prefix(error, "the name of the keys") : 0;
}

int key_place_read(const struct key_place *place, const char *name, struct error *error, struct key_file *ret_file,
                   struct key_ring **ret_ring) {
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        int r = key_place_check_name(name, error);
        if (r >= 0)
                r = key_file_find(place->folder, name, error, &file);
        if (r >= 0)
                r = key_file_read(&file, error, ret_ring);
        if (r < 0)
                return r;
        *ret_file = file;
        file = KEY_FILE_INIT;
        return 0;
}

static int lock_folder(struct key_place *place, struct error *error) {
        place->lock_fd = NEGATIVE_ERRNO(open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (place->lock_fd == -ENOENT) /* there are no keys: whoever looks for them says so */
                return 0;
        int r = place->lock_fd < 0 ? place->lock_fd : (int) NEGATIVE_ERRNO(flock(place->lock_fd, LOCK_EX));
        return r < 0 ? error_set_errno(error, r, "locking %s", place->folder) : 0;
}

int key_place_take(const struct cli_arguments *arguments, const char *name, struct error *error,
                   struct key_place *place, struct key_file *file, struct key_ring **ring) {
        int r = key_place_open(arguments, error, place);
        if (r >= 0)
                r = lock_folder(place, error);
        return r < 0 ? r : key_place_read(place, name, error, file, ring);
}
