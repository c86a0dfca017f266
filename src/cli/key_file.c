/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes files of keys. Encrypting is systemd's: what it makes, the service manager of this machine opens. */
#include "cli/key_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "cli/child.h"
#include "cli/state_folder.h"
#include "config/credential.h"
#include "shared/atomic_file.h"
#include "shared/syscall.h"

#define SYSTEMD_CREDS "/usr/bin/systemd-creds"
#define ENCRYPTED_MAX (4 * KEY_RING_TEXT_MAX)

void key_file_done(struct key_file *file) {
        free(file->path);
        free(file->name);
        *file = KEY_FILE_INIT;
}

bool key_file_can_encrypt(void) {
        return geteuid() == 0 && access(SYSTEMD_CREDS, X_OK) == 0;
}

static int name_file(const char *folder, const char *name, bool is_encrypted, struct key_file *file) {
        key_file_done(file);
        file->path = text_format("%s/%s%s", folder, name, is_encrypted ? CONFIG_CREDENTIAL_SUFFIX : "");
        file->name = strdup(name);
        file->is_encrypted = is_encrypted;
        return file->path && file->name ? 0 : -ENOMEM;
}

static int look(const char *folder, const char *name, struct key_file *file) {
        for (int encrypted = 1; encrypted >= 0; encrypted--) {
                int r = name_file(folder, name, encrypted, file);
                if (r < 0)
                        return r;
                if (access(file->path, F_OK) == 0)
                        return 0;
                if (errno != ENOENT)
                        return -errno;
        }
        return -ENOENT;
}

int key_file_find(const char *folder, const char *name, struct error *error, struct key_file *ret_file) {
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        int r = look(folder, name, &file);
        if (r == -ENOENT)
                return error_set(error, r, "there are no keys '%s' in %s; `ccodesctl keys init %s` makes them", name,
                                 folder, name);
        if (r < 0)
                return error_set_errno(error, r, "looking for the keys '%s' in %s", name, folder);
        *ret_file = file;
        file = KEY_FILE_INIT;
        return 0;
}

int key_file_prepare(const char *folder, const char *name, bool is_encrypted, struct error *error,
                     struct key_file *ret_file) {
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        int r = look(folder, name, &file);
        if (r == 0)
                return error_set(error, -EEXIST,
                                 "there are keys '%s' already, in %s; `ccodesctl keys rotate %s` adds one", name,
                                 file.path, name);
        if (r == -ENOENT)
                r = name_file(folder, name, is_encrypted, &file);
        if (r < 0)
                return error_set_errno(error, r, "making the keys '%s' in %s", name, folder);
        *ret_file = file;
        file = KEY_FILE_INIT;
        return 0;
}

static void forget(struct text *text) {
        if (text->data)
                explicit_bzero(text->data, text->length);
        text_done(text);
}

/* A text that never moves leaves no copy of itself behind. */
static int reserve(struct text *text, size_t size) {
        text->data = calloc(1, size);
        text->capacity = text->data ? size : 0;
        return text->data ? 0 : -ENOMEM;
}

static int convert(const struct key_file *file, const char *verb, struct slice input, struct text *output,
                   struct error *error) {
        _cleanup_free_ char *name = text_format("--name=%s", file->name);
        if (!name)
                return -ENOMEM;
        const struct child_options options = {
                .argv = (const char *const[]) { SYSTEMD_CREDS, verb, name, "-", "-", NULL },
                .input = input,
                .output = output,
                .keeps_errors = true,
        };
        int r = child_run(&options, error);
        if (r < 0)
                return r;
        return r == 0 ? 0 : error_set(error, -EIO, "systemd-creds %s failed; it says above why", verb);
}

static int parse(struct slice text, struct error *error, struct key_ring **ret_ring) {
        struct error first = ERROR_INIT;
        if (key_ring_parse(text, KEY_PURPOSE_SIGN, NULL, ret_ring) >= 0)
                return 0;
        int r = key_ring_parse(text, KEY_PURPOSE_SEAL, &first, ret_ring);
        return r < 0 ? error_set(error, r, "%s", first.text) : 0;
}

int key_file_read(const struct key_file *file, struct error *error, struct key_ring **ret_ring) {
        _cleanup_(forget) struct text plain = TEXT_INIT;
        char *data = NULL;
        size_t length = 0;
        int r = read_whole_file(AT_FDCWD, file->path, ENCRYPTED_MAX, &data, &length);
        if (r < 0)
                return error_set_errno(error, r, "reading %s", file->path);
        struct slice text = { data, length };
        if (file->is_encrypted) {
                r = reserve(&plain, ENCRYPTED_MAX);
                if (r >= 0)
                        r = convert(file, "decrypt", text, &plain, error);
                text = (struct slice) { plain.data, plain.length };
        }
        if (r >= 0)
                r = parse(text, error, ret_ring);
        explicit_bzero(data, length);
        free(data);
        if (r < 0)
                (void) error_set_errno(error, r, "opening it");
        return r < 0 ? error_prefix(error, "reading %s", file->path) : 0;
}

static int make_folder(const char *path, struct error *error) {
        _cleanup_free_ char *folder = strndup(path, (size_t) (strrchr(path, '/') - path));
        return folder ? state_folder_make(folder, error) : -ENOMEM;
}

int key_file_write(const struct key_file *file, const struct key_ring *ring, struct error *error) {
        _cleanup_(forget) struct text plain = TEXT_INIT;
        _cleanup_text_ struct text encrypted = TEXT_INIT;
        int r = reserve(&plain, KEY_RING_TEXT_MAX);
        if (r >= 0)
                r = make_folder(file->path, error);
        if (r < 0)
                return error_set_errno(error, r, "writing %s", file->path);
        key_ring_write(ring, &plain);
        struct slice text = { plain.data, plain.length };
        if (file->is_encrypted) {
                r = convert(file, "encrypt", text, &encrypted, error);
                text = (struct slice) { encrypted.data, encrypted.length };
        }
        if (r >= 0)
                r = atomic_file_write(file->path, text.data, text.length, 0600);
        return r < 0 ? error_set_errno(error, r, "writing %s", file->path) : 0;
}
