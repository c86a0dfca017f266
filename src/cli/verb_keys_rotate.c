/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl keys rotate and rewrap. A key is in force before anything is wrapped by it: a server must be able to open what it
 * finds. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/admin_client.h"
#include "cli/key_place.h"
#include "cli/sealed_folders.h"
#include "cli/services.h"
#include "cli/unit_manager.h"
#include "cli/verbs.h"
#include "shared/syscall.h"

#define RELOAD_SECONDS 60

struct rewrapping {
        struct cli *cli;
        struct json_object *faults;
};

static void on_fault(const char *path, const char *why, void *userdata) {
        struct rewrapping *rewrapping = userdata;
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "file", output_json_string(path));
        json_object_object_add(object, "message", output_json_string(why));
        json_object_array_add(rewrapping->faults, object);
        if (!rewrapping->cli->json)
                output_print(&rewrapping->cli->err, OUTPUT_BAD, "%s %s\n", path, why);
}

/* Wraps all by the newest key, and says so. */
static int rewrap(struct cli *cli, struct key_place *place, const char *name, const struct key_ring *ring,
                  const char *result, struct error *error) {
        struct rewrapping rewrapping = { cli, json_object_new_array() };
        struct sealed_folders folders = { .on_fault = on_fault, .userdata = &rewrapping };
        int r = 0;
        if (ring->purpose == KEY_PURPOSE_SEAL)
                r = key_place_load_config(place, error);
        if (r >= 0 && ring->purpose == KEY_PURPOSE_SEAL)
                r = sealed_folders_rewrap(&place->config->root, name, ring, &folders, error);
        if (r < 0) {
                json_object_put(rewrapping.faults);
                return r;
        }
        const char *id = key_ring_newest(ring)->id;
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string(result));
        json_object_object_add(object, "name", output_json_string(name));
        json_object_object_add(object, "key", output_json_string(id));
        json_object_object_add(object, "files", json_object_new_int64((int64_t) folders.files));
        json_object_object_add(object, "rewrapped", json_object_new_int64((int64_t) folders.rewrapped));
        json_object_object_add(object, "faults", rewrapping.faults);
        cli_report_object(cli, object);
        if (!cli->json && ring->purpose == KEY_PURPOSE_SEAL)
                output_print(&cli->out, OUTPUT_PLAIN, "%llu files are wrapped by the key '%s', %llu of them anew.\n",
                             (unsigned long long) folders.files, id, (unsigned long long) folders.rewrapped);
        else if (!cli->json)
                output_print(&cli->out, OUTPUT_PLAIN, "Addresses are signed with the key '%s' from now on.\n", id);
        return folders.faults > 0 ? CLI_FAILED : CLI_DONE;
}

int verb_keys_rewrap(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        const char *name = arguments->operands[0];
        int r = key_place_take(arguments, name, error, &place, &file, &ring);
        if (r >= 0 && ring->purpose != KEY_PURPOSE_SEAL)
                r = error_set(error, -EINVAL, "the keys '%s' sign addresses; there are no files to wrap", name);
        return r < 0 ? r : rewrap(cli, &place, name, ring, "rewrapped", error);
}

static int reload(const char *socket, struct error *error) {
        _cleanup_admin_response_ struct admin_response response = { 0 };
        int r = admin_request(socket, "POST", "/reload", NULL, RELOAD_SECONDS, error, &response);
        if (r < 0)
                return r;
        _cleanup_json_ struct json_object *object = json_tokener_parse(response.body);
        if (response.status != 200)
                return error_set(error, -EPROTO, "the reload was refused: %s",
                                 json_member_string(object, "message", "it is not said why"));
        return 0;
}

/* systemd gives credentials to a service when it starts: a reload would not see the new key. */
static int put_in_force(struct cli *cli, const char *socket, struct error *error) {
        if (socket)
                return reload(socket, error);
        struct error unavailable = ERROR_INIT;
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        if (unit_manager_open(&unavailable, &manager) < 0) {
                cli_note(cli, "systemd is not there: the server is taken not to run");
                return 0;
        }
        if (unit_manager_require_running(&cli_services[0], &unavailable) < 0)
                return 0; /* it starts with the new key */
        return verb_apply_all(cli, error);
}

int verb_keys_rotate(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        const char *name = arguments->operands[0];
        int r = key_place_take(arguments, name, error, &place, &file, &ring);
        if (r < 0)
                return r;
        r = key_ring_generate(ring, time(NULL));
        if (r == -ENOSPC)
                return error_set(error, r, "there are %d keys already; `ccodesctl keys remove` takes old ones away",
                                 KEY_RING_MAX);
        if (r < 0)
                return error_set_errno(error, r, "making a key");
        r = key_file_write(&file, ring, error);
        if (r < 0)
                return r;
        r = put_in_force(cli, cli_argument(arguments, "socket"), error);
        if (r < 0)
                return error_prefix(error,
                                    "the new key '%s' is kept but not in force, and nothing is wrapped by it yet",
                                    key_ring_newest(ring)->id);
        return rewrap(cli, &place, name, ring, "rotated", error);
}
