/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl keys init, list and remove. What is printed of a key is its id. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/key_place.h"
#include "cli/sealed_folders.h"
#include "cli/verbs.h"
#include "config/credential.h"
#include "shared/syscall.h"

static int parse_purpose(const char *text, enum key_purpose *ret_purpose) {
        *ret_purpose = text && strcmp(text, "sign") == 0 ? KEY_PURPOSE_SIGN : KEY_PURPOSE_SEAL;
        return !text || strcmp(text, key_purpose_name(*ret_purpose)) == 0 ? 0 : -EINVAL;
}

static int make_keys(const struct key_file *file, enum key_purpose purpose, struct error *error,
                     struct key_ring **ret_ring) {
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = key_ring_new(purpose);
        int r = ring ? key_ring_generate(ring, time(NULL)) : -ENOMEM;
        if (r < 0)
                return error_set_errno(error, r, "making a key");
        r = key_file_write(file, ring, error);
        if (r >= 0)
                *ret_ring = take_pointer(ring);
        return r;
}

int verb_keys_init(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        const char *name = arguments->operands[0];
        enum key_purpose purpose;
        if (parse_purpose(cli_argument(arguments, "purpose"), &purpose) < 0)
                return cli_refuse(cli, "--purpose is seal or sign, not '%s'", cli_argument(arguments, "purpose"));
        int r = key_place_check_name(name, error);
        if (r >= 0)
                r = key_place_open(arguments, error, &place);
        if (r >= 0)
                r = key_file_prepare(place.folder, name, key_file_can_encrypt() && !cli_argument(arguments, "plain"),
                                     error, &file);
        if (r >= 0)
                r = make_keys(&file, purpose, error, &ring);
        if (r < 0)
                return r;
        assert(ring);
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string("made"));
        json_object_object_add(object, "name", output_json_string(name));
        json_object_object_add(object, "purpose", output_json_string(key_purpose_name(purpose)));
        json_object_object_add(object, "key", output_json_string(key_ring_newest(ring)->id));
        json_object_object_add(object, "file", output_json_string(file.path));
        json_object_object_add(object, "encrypted", json_object_new_boolean(file.is_encrypted));
        cli_report_object(cli, object);
        if (!cli->json)
                output_print(&cli->out, OUTPUT_PLAIN,
                             "The keys '%s' are in %s%s.\nKeep a copy of them elsewhere. `ccodesctl apply` puts them "
                             "in "
                             "force once the configuration names them.\n",
                             name, file.path, file.is_encrypted ? ", which this machine alone can read" : "");
        return CLI_DONE;
}

struct listing {
        struct cli *cli;
        struct key_place place;
        bool counts_files;
        struct output_table table;
        struct json_object *array;
};

static void listing_done(struct listing *listing) {
        output_table_done(&listing->table);
        key_place_done(&listing->place);
}

static int list_key(struct listing *listing, const char *name, const struct key_ring *ring, size_t index,
                    struct json_object *keys, struct error *error) {
        const char *id = ring->keys[index].id;
        bool is_newest = index + 1 == ring->count;
        struct sealed_folders folders = { 0 };
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "key", output_json_string(id));
        json_object_object_add(object, "newest", json_object_new_boolean(is_newest));
        output_table_add(&listing->table, OUTPUT_STRONG, "%s", index == 0 ? name : "");
        output_table_add(&listing->table, OUTPUT_PLAIN, "%s", index == 0 ? key_purpose_name(ring->purpose) : "");
        output_table_add(&listing->table, OUTPUT_PLAIN, "%s", id);
        output_table_add(&listing->table, is_newest ? OUTPUT_GOOD : OUTPUT_FAINT, "%s", is_newest ? "newest" : "old");
        int r = 0;
        if (listing->counts_files && ring->purpose == KEY_PURPOSE_SEAL) {
                r = sealed_folders_count(&listing->place.config->root, name, slice_of(id), &folders, error);
                json_object_object_add(object, "files", json_object_new_int64((int64_t) folders.files));
                output_table_add(&listing->table, OUTPUT_PLAIN, "%llu files", (unsigned long long) folders.files);
        } else {
                output_table_add(&listing->table, OUTPUT_PLAIN, "%s", "");
        }
        json_object_array_add(keys, object);
        return r;
}

static int list_credential(struct listing *listing, const char *name, struct error *error) {
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        int r = key_place_read(&listing->place, name, error, &file, &ring);
        if (r < 0)
                return r;
        struct json_object *object = json_object_new_object(), *keys = json_object_new_array();
        json_object_object_add(object, "name", output_json_string(name));
        json_object_object_add(object, "purpose", output_json_string(key_purpose_name(ring->purpose)));
        json_object_object_add(object, "file", output_json_string(file.path));
        json_object_object_add(object, "encrypted", json_object_new_boolean(file.is_encrypted));
        json_object_object_add(object, "keys", keys);
        json_object_array_add(listing->array, object);
        for (size_t i = 0; i < ring->count && r >= 0; i++)
                r = list_key(listing, name, ring, i, keys, error);
        return r;
}

static int list_all(struct listing *listing, struct error *error) {
        _cleanup_free_ struct config_credential *items = NULL;
        size_t count = 0;
        int r = config_credentials(&listing->place.config->root, &items, &count);
        if (r < 0)
                return error_set_errno(error, r, "listing keys");
        for (size_t i = 0; i < count && r >= 0; i++)
                r = list_credential(listing, items[i].name, error);
        return r;
}

int verb_keys_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(listing_done) struct listing listing = { .cli = cli, .place = KEY_PLACE_INIT, .table.columns = 5 };
        const char *name = arguments->operand_count > 0 ? arguments->operands[0] : NULL;
        listing.counts_files = cli_argument(arguments, "files");
        int r = key_place_open(arguments, error, &listing.place);
        if (r >= 0 && (!name || listing.counts_files))
                r = key_place_load_config(&listing.place, error);
        if (r < 0)
                return r;
        listing.array = json_object_new_array();
        r = name ? list_credential(&listing, name, error) : list_all(&listing, error);
        if (r < 0) {
                json_object_put(listing.array);
                return r;
        }
        bool is_empty = json_object_array_length(listing.array) == 0;
        cli_report_object(cli, listing.array);
        if (!cli->json && is_empty)
                output_print(&cli->out, OUTPUT_PLAIN, "The configuration names no keys.\n");
        else if (!cli->json)
                output_table_print(&cli->out, &listing.table);
        return CLI_DONE;
}

/* Nothing may need the key any more. */
static int check_unused(struct key_place *place, const char *name, const struct key_ring *ring, const char *id,
                        struct error *error) {
        struct sealed_folders folders = { 0 };
        if (ring->purpose == KEY_PURPOSE_SIGN)
                return 0;
        int r = key_place_load_config(place, error);
        if (r >= 0)
                r = sealed_folders_count(&place->config->root, name, slice_of(id), &folders, error);
        if (r < 0)
                return r;
        if (folders.files > 0)
                return error_set(error, -EBUSY,
                                 "%llu files need the key '%s'; `ccodesctl keys rewrap %s` wraps them by the newest",
                                 (unsigned long long) folders.files, id, name);
        return folders.faults > 0 ? error_set(error, -EIO, "%llu files could not be looked at; they may need the key",
                                              (unsigned long long) folders.faults)
                                  : 0;
}

int verb_keys_remove(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        const char *name = arguments->operands[0], *id = arguments->operands[1];
        int r = key_place_take(arguments, name, error, &place, &file, &ring);
        if (r < 0)
                return r;
        r = key_ring_remove(ring, slice_of(id));
        if (r == -ENOENT)
                return error_set(error, r, "there is no key '%s' among the keys '%s'", id, name);
        if (r == -EBUSY)
                return error_set(error, r, "'%s' is the newest key; `ccodesctl keys rotate %s` makes another first", id,
                                 name);
        r = check_unused(&place, name, ring, id, error);
        if (r >= 0)
                r = key_file_write(&file, ring, error);
        if (r < 0)
                return r;
        _cleanup_free_ char *message =
                        text_format("The key '%s' is removed; `ccodesctl apply` makes the server forget it.", id);
        cli_report(cli, "removed", message ? message : "The key is removed.");
        return CLI_DONE;
}
