/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the signing keys, in memory that leaves no trace. What is on the disk is always at least as new as what signs:
 * a key is kept, then published, then used. */
#include "auth/grant_signer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shared/atomic_file.h"
#include "shared/base64.h"
#include "shared/secret.h"
#include "shared/syscall.h"

#define SEED_SIZE 32
#define KEYS_KEPT 2 /* the one that signs, and the one before */
#define SEED_TEXT BASE64URL_ENCODED_SIZE(SEED_SIZE)
#define FILE_MAX 1024

struct signing_key {
        int64_t created;
        unsigned char seed[SEED_SIZE];
        struct grant_key public_key;
};

struct grant_signer {
        char *secret_path, *public_path;
        struct secret_keys {
                size_t count;
                struct signing_key items[KEYS_KEPT];
        } * keys; /* the newest first */
};

static void key_free(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static void digest_context_free(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

/* Overwrites it as well: it has held seeds. */
static void secret_text_done(struct text *text) {
        if (text->data)
                explicit_bzero(text->data, text->capacity);
        text_done(text);
}

static int derive_public(struct signing_key *key) {
        _cleanup_(key_free) EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, SEED_SIZE);
        size_t length = GRANT_PUBLIC_KEY_SIZE;
        if (!pair || EVP_PKEY_get_raw_public_key(pair, key->public_key.bytes, &length) != 1)
                return -EIO;
        return grant_key_id(key->public_key.bytes, key->public_key.id);
}

static int parse_line(struct slice line, struct signing_key *ret_key) {
        const char *space = line.length > 0 ? memrchr(line.data, ' ', line.length) : NULL;
        char front[32]; /* what stands before the seed */
        int64_t created;
        int end = 0;
        if (!space || space - line.data >= (ptrdiff_t) sizeof(front))
                return -EBADMSG;
        struct slice seed = slice_from(line, (size_t) (space - line.data) + 1);
        (void) snprintf(front, sizeof(front), "%.*s", (int) (space - line.data), line.data);
        if (sscanf(front, "ed25519 %" SCNd64 "%n", &created, &end) != 1 || front[end] != '\0' || created < 0 ||
            base64url_decode(seed, ret_key->seed, SEED_SIZE) != SEED_SIZE)
                return -EBADMSG;
        ret_key->created = created;
        return derive_public(ret_key);
}

static int parse(struct slice text, struct secret_keys *keys) {
        keys->count = 0;
        while (text.length > 0) {
                const char *end = memchr(text.data, '\n', text.length);
                if (!end || keys->count == KEYS_KEPT)
                        return -EBADMSG;
                struct slice line = { text.data, (size_t) (end - text.data) };
                int r = parse_line(line, &keys->items[keys->count]);
                if (r < 0)
                        return r;
                keys->count++;
                text = slice_from(text, line.length + 1);
        }
        return keys->count > 0 ? 0 : -EBADMSG;
}

static int save(const struct grant_signer *signer, struct error *error) {
        _cleanup_(secret_text_done) struct text text = TEXT_INIT;
        for (size_t i = 0; i < signer->keys->count; i++) {
                const struct signing_key *key = &signer->keys->items[i];
                char seed[SEED_TEXT];
                base64url_encode(key->seed, SEED_SIZE, seed);
                text_printf(&text, "ed25519 %" PRId64 " %.*s\n", key->created, (int) sizeof(seed), seed);
                explicit_bzero(seed, sizeof(seed));
        }
        int r = text.failed ? -ENOMEM : atomic_file_write(signer->secret_path, text.data, text.length, 0600);
        return r < 0 ? error_set_errno(error, r, "keeping the signing keys in %s", signer->secret_path) : 0;
}

static int publish(const struct grant_signer *signer, struct error *error) {
        _cleanup_text_ struct text text = TEXT_INIT;
        struct grant_keys keys = { .count = signer->keys->count };
        for (size_t i = 0; i < keys.count; i++)
                keys.items[i] = signer->keys->items[i].public_key;
        grant_keys_append(&text, &keys);
        int r = text.failed ? -ENOMEM : atomic_file_write(signer->public_path, text.data, text.length, 0644);
        return r < 0 ? error_set_errno(error, r, "publishing the keys of grants in %s", signer->public_path) : 0;
}

int grant_signer_rotate(struct grant_signer *signer, int64_t now, struct error *error) {
        struct secret_keys *keys = signer->keys, *before = secret_new(sizeof(*before));
        struct signing_key *fresh = &keys->items[0];
        if (!before)
                return error_set_errno(error, -ENOMEM, "making a signing key");
        *before = *keys;
        keys->items[1] = keys->items[0];
        keys->count = MIN_OF(keys->count + 1, (size_t) KEYS_KEPT);
        fresh->created = now;
        int r = getrandom(fresh->seed, SEED_SIZE, 0) == SEED_SIZE ? derive_public(fresh) : -EIO;
        if (r < 0)
                (void) error_set_errno(error, r, "making a signing key");
        if (r >= 0)
                r = save(signer, error);
        if (r >= 0)
                r = publish(signer, error);
        if (r < 0)
                *keys = *before;
        secret_free(before, sizeof(*before));
        return r;
}

static int load(struct grant_signer *signer, int64_t now, struct error *error) {
        _cleanup_free_ char *data = NULL;
        size_t length = 0;
        int r = read_whole_file(AT_FDCWD, signer->secret_path, FILE_MAX, &data, &length);
        if (r == -ENOENT)
                return grant_signer_rotate(signer, now, error);
        if (r >= 0)
                r = parse((struct slice) { data, length }, signer->keys);
        if (data)
                explicit_bzero(data, length);
        if (r == -EBADMSG)
                return error_set(error, r, "%s holds no signing keys; move it away, and new ones are made",
                                 signer->secret_path);
        if (r < 0)
                return error_set_errno(error, r, "reading the signing keys in %s", signer->secret_path);
        return publish(signer, error);
}

int grant_signer_new(const char *secret_path, const char *public_path, int64_t now, struct error *error,
                     struct grant_signer **ret_signer) {
        struct grant_signer *signer = calloc(1, sizeof(*signer));
        int r = -ENOMEM;
        if (signer) {
                signer->secret_path = strdup(secret_path);
                signer->public_path = strdup(public_path);
                signer->keys = secret_new(sizeof(*signer->keys));
                if (signer->secret_path && signer->public_path && signer->keys)
                        r = load(signer, now, error);
        }
        if (r < 0) {
                grant_signer_free(signer);
                return error_set_errno(error, r, "making a signer of grants");
        }
        *ret_signer = signer;
        return 0;
}

void grant_signer_free(struct grant_signer *signer) {
        if (!signer)
                return;
        free(signer->secret_path);
        free(signer->public_path);
        if (signer->keys)
                secret_free(signer->keys, sizeof(*signer->keys));
        free(signer);
}

bool grant_signer_is_due(const struct grant_signer *signer, int64_t now, int64_t rotation) {
        return now - signer->keys->items[0].created >= rotation;
}

int grant_signer_sign(const struct grant_signer *signer, struct grant *grant, struct text *text) {
        const struct signing_key *key = &signer->keys->items[0];
        unsigned char message[GRANT_MESSAGE_MAX], signature[GRANT_SIGNATURE_SIZE];
        size_t signature_length = sizeof(signature);
        memcpy(grant->key_id, key->public_key.id, sizeof(grant->key_id));
        size_t length = grant_encode(grant, message);
        _cleanup_(key_free) EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, SEED_SIZE);
        _cleanup_(digest_context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
        if (!pair || !context || EVP_DigestSignInit(context, NULL, NULL, NULL, pair) != 1 ||
            EVP_DigestSign(context, signature, &signature_length, message, length) != 1)
                return -EIO;
        grant_append(text, message, length, signature);
        return text->failed ? -ENOMEM : 0;
}
