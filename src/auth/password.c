/* SPDX-License-Identifier: Apache-2.0 */
/* Calls libxcrypt. What it works in is overwritten before it is given back. */
#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/syscall.h"

#define METHOD "$y$"
#define COST 0 /* libxcrypt's own, which grows with what machines can do */

_Static_assert(PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "the longest password and its NUL can be hashed");

static void work_free(struct crypt_data **work) {
        if (*work)
                explicit_bzero(*work, sizeof(**work));
        free(*work);
}

bool password_is_acceptable(struct slice password) {
        return password.length >= PASSWORD_MIN && password.length <= PASSWORD_MAX &&
               !memchr(password.data, '\0', password.length);
}

/* The hash by a setting, which may be a hash: in `work`. NULL when the setting is none. */
static const char *hash_by(const char *password, const char *setting, struct crypt_data *work) {
        const char *hash = crypt_rn(password, setting, work, sizeof(*work));
        return hash && hash[0] != '*' ? hash : NULL;
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX + 1]) {
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        _cleanup_(work_free) struct crypt_data *work = calloc(1, sizeof(*work));
        if (!work)
                return -ENOMEM;
        if (!crypt_gensalt_rn(METHOD, COST, NULL, 0, setting, sizeof(setting)))
                return -EIO;
        const char *hash = hash_by(password, setting, work);
        if (!hash || strlen(hash) > PASSWORD_HASH_MAX)
                return -EIO;
        (void) snprintf(ret_hash, PASSWORD_HASH_MAX + 1, "%s", hash);
        return 0;
}

int password_check(const char *password, const char *hash) {
        _cleanup_(work_free) struct crypt_data *work = calloc(1, sizeof(*work));
        if (!work)
                return -ENOMEM;
        const char *found = hash_by(password, hash, work);
        size_t length = strlen(hash);
        return found && length > 0 && strlen(found) == length && CRYPTO_memcmp(found, hash, length) == 0;
}
