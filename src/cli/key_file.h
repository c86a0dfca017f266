/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/key_ring.h"

/*
 * A file of keys as it lies on this machine: FOLDER/NAME.cred, encrypted by systemd-creds(1) so that this machine alone can
 * read it, or FOLDER/NAME, which its owner alone can. Whatever holds a key is overwritten, and no key is ever an argument.
 */
struct key_file {
        char *path;
        char *name;
        bool is_encrypted;
};

#define KEY_FILE_INIT ((struct key_file) { 0 })

void key_file_done(struct key_file *file);

/* The file that is there. -ENOENT with an error that says how to make one. */
int key_file_find(const char *folder, const char *name, struct error *error, struct key_file *ret_file);

/* One that is to be made. -EEXIST when there is one. */
int key_file_prepare(const char *folder, const char *name, bool is_encrypted, struct error *error,
                     struct key_file *ret_file);

/* Whatever the keys are for. */
int key_file_read(const struct key_file *file, struct error *error, struct key_ring **ret_ring);

/* In place of what is there, as a whole; makes the folder. */
int key_file_write(const struct key_file *file, const struct key_ring *ring, struct error *error);

/* Whether keys can be encrypted for this machine. */
bool key_file_can_encrypt(void);
