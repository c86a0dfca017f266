/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes, decodes and checks grants. The encoding has one form for each grant, and decoding takes no other: what was
 * checked is what was signed. Nothing here can sign. */
#include "shared/grant.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "shared/base64.h"
#include "shared/syscall.h"

#define PREFIX "ccodes-grant-1" /* with its NUL */
#define TEXT_PREFIX "ccg1_"
#define KEY_PREFIX "ed25519 "
#define DECODED_MAX (GRANT_MESSAGE_MAX + GRANT_SIGNATURE_SIZE)

_Static_assert(BASE64URL_ENCODED_SIZE(DECODED_MAX) + sizeof(TEXT_PREFIX) <= GRANT_TEXT_MAX, "GRANT_TEXT_MAX");

static void digest_context_free(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

static void key_free(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static bool digest_part(EVP_MD_CTX *context, struct slice part) {
        uint64_t length = htobe64(part.length);
        return EVP_DigestUpdate(context, &length, sizeof(length)) == 1 &&
               (part.length == 0 || EVP_DigestUpdate(context, part.data, part.length) == 1);
}

int grant_binding_make(const struct grant_request *request, struct grant_binding *ret_binding) {
        const struct slice parts[] = { SLICE_LITERAL("ccodes-grant-binding-1"),
                                       request->audience,
                                       request->method,
                                       request->host,
                                       request->path,
                                       request->query };
        _cleanup_(digest_context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
        for (size_t i = 0; ok && i < ELEMENTS_OF(parts); i++)
                ok = digest_part(context, parts[i]);
        return ok && EVP_DigestFinal_ex(context, ret_binding->digest, NULL) == 1 ? 0 : -EIO;
}

bool grant_user_is_valid(struct slice user) {
        for (size_t i = 0; i < user.length; i++) {
                char c = user.data[i];
                bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                if (!is_plain && (i == 0 || (c != '.' && c != '_' && c != '-')))
                        return false;
        }
        return user.length > 0 && user.length <= GRANT_USER_MAX;
}

static unsigned char *put(unsigned char *at, const void *bytes, size_t length) {
        memcpy(at, bytes, length);
        return at + length;
}

static unsigned char *put_string(unsigned char *at, const char *string) {
        size_t length = strlen(string);
        *at++ = (unsigned char) length;
        return put(at, string, length);
}

size_t grant_encode(const struct grant *grant, unsigned char ret_message[GRANT_MESSAGE_MAX]) {
        uint64_t issued = htobe64((uint64_t) grant->issued);
        uint16_t lifetime = htobe16(grant->lifetime);
        unsigned char *at = put(ret_message, PREFIX, sizeof(PREFIX));
        at = put(at, grant->key_id, sizeof(grant->key_id));
        at = put(at, &issued, sizeof(issued));
        at = put(at, &lifetime, sizeof(lifetime));
        *at++ = (unsigned char) grant->role;
        at = put(at, grant->binding.digest, sizeof(grant->binding.digest));
        at = put_string(at, grant->user);
        return (size_t) (put_string(at, grant->scope) - ret_message);
}

void grant_append(struct text *text, const unsigned char *message, size_t length,
                  const unsigned char signature[GRANT_SIGNATURE_SIZE]) {
        unsigned char bytes[DECODED_MAX];
        char encoded[BASE64URL_ENCODED_SIZE(DECODED_MAX)];
        size_t size = length - sizeof(PREFIX);
        memcpy(bytes, message + sizeof(PREFIX), size);
        memcpy(bytes + size, signature, GRANT_SIGNATURE_SIZE);
        base64url_encode(bytes, size + GRANT_SIGNATURE_SIZE, encoded);
        text_append_string(text, TEXT_PREFIX);
        text_append(text, (struct slice) { encoded, BASE64URL_ENCODED_SIZE(size + GRANT_SIGNATURE_SIZE) });
}

/* The bytes that are left to decode. */
struct reader {
        const unsigned char *at;
        size_t left;
};

static bool take(struct reader *reader, void *ret_bytes, size_t length) {
        if (reader->left < length)
                return false;
        memcpy(ret_bytes, reader->at, length);
        reader->at += length;
        reader->left -= length;
        return true;
}

static bool take_string(struct reader *reader, size_t maximum, char *ret_string) {
        unsigned char length;
        if (!take(reader, &length, 1) || length > maximum || !take(reader, ret_string, length))
                return false;
        ret_string[length] = '\0';
        return strlen(ret_string) == length;
}

static bool decode_message(struct reader reader, struct grant *ret_grant) {
        struct grant grant = { 0 };
        uint64_t issued;
        uint16_t lifetime;
        unsigned char role;
        if (!take(&reader, grant.key_id, sizeof(grant.key_id)) || !take(&reader, &issued, sizeof(issued)) ||
            !take(&reader, &lifetime, sizeof(lifetime)) || !take(&reader, &role, 1) ||
            !take(&reader, grant.binding.digest, sizeof(grant.binding.digest)) ||
            !take_string(&reader, GRANT_USER_MAX, grant.user) || !take_string(&reader, SCOPE_MAX, grant.scope) ||
            reader.left > 0)
                return false;
        grant.issued = (int64_t) be64toh(issued);
        grant.lifetime = be16toh(lifetime);
        grant.role = (enum role) role;
        *ret_grant = grant;
        return grant.issued >= 0 && grant.issued <= INT64_MAX - GRANT_LIFETIME_MAX && grant.lifetime > 0 &&
               grant.lifetime <= GRANT_LIFETIME_MAX && role < ROLE_COUNT && grant_user_is_valid(slice_of(grant.user)) &&
               scope_is_request(slice_of(grant.scope));
}

int grant_decode(struct slice text, unsigned char ret_message[GRANT_MESSAGE_MAX], size_t *ret_length,
                 unsigned char ret_signature[GRANT_SIGNATURE_SIZE], struct grant *ret_grant) {
        unsigned char bytes[DECODED_MAX];
        const struct slice prefix = SLICE_LITERAL(TEXT_PREFIX);
        if (text.length > GRANT_TEXT_MAX || !slice_starts_with(text, prefix))
                return -EBADMSG;
        ssize_t size = base64url_decode(slice_from(text, prefix.length), bytes, sizeof(bytes));
        if (size < GRANT_SIGNATURE_SIZE)
                return -EBADMSG;
        size_t length = (size_t) size - GRANT_SIGNATURE_SIZE;
        struct grant grant;
        if (length > GRANT_MESSAGE_MAX - sizeof(PREFIX) || !decode_message((struct reader) { bytes, length }, &grant))
                return -EBADMSG;
        memcpy(ret_message, PREFIX, sizeof(PREFIX));
        memcpy(ret_message + sizeof(PREFIX), bytes, length);
        memcpy(ret_signature, bytes + length, GRANT_SIGNATURE_SIZE);
        *ret_length = sizeof(PREFIX) + length;
        *ret_grant = grant;
        return 0;
}

int grant_key_id(const unsigned char key[GRANT_PUBLIC_KEY_SIZE], unsigned char ret_id[GRANT_KEY_ID_SIZE]) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        if (EVP_Digest(key, GRANT_PUBLIC_KEY_SIZE, digest, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        memcpy(ret_id, digest, GRANT_KEY_ID_SIZE);
        return 0;
}

static int parse_key(struct slice line, struct grant_key *ret_key) {
        const struct slice prefix = SLICE_LITERAL(KEY_PREFIX);
        if (!slice_starts_with(line, prefix) || base64url_decode(slice_from(line, prefix.length), ret_key->bytes,
                                                                 sizeof(ret_key->bytes)) != GRANT_PUBLIC_KEY_SIZE)
                return -EBADMSG;
        return grant_key_id(ret_key->bytes, ret_key->id);
}

int grant_keys_parse(struct slice text, struct error *error, struct grant_keys *ret_keys) {
        struct grant_keys keys = { 0 };
        for (unsigned number = 1; text.length > 0; number++) {
                const char *end = memchr(text.data, '\n', text.length);
                struct slice line = { text.data, end ? (size_t) (end - text.data) : text.length };
                text = slice_from(text, line.length + (end ? 1 : 0));
                if (keys.count == GRANT_KEYS_MAX)
                        return error_set(error, -EBADMSG, "line %u: there are more than %d keys", number,
                                         GRANT_KEYS_MAX);
                int r = parse_key(line, &keys.items[keys.count]);
                if (r < 0)
                        return error_set(error, r, "line %u: that is no public key", number);
                keys.count++;
        }
        *ret_keys = keys;
        return 0;
}

void grant_keys_append(struct text *text, const struct grant_keys *keys) {
        for (size_t i = 0; i < keys->count; i++) {
                char encoded[BASE64URL_ENCODED_SIZE(GRANT_PUBLIC_KEY_SIZE)];
                base64url_encode(keys->items[i].bytes, GRANT_PUBLIC_KEY_SIZE, encoded);
                text_append_string(text, KEY_PREFIX);
                text_append(text, (struct slice) { encoded, sizeof(encoded) });
                text_append_char(text, '\n');
        }
}

static const struct grant_key *find_key(const struct grant_keys *keys, const unsigned char id[GRANT_KEY_ID_SIZE]) {
        for (size_t i = 0; i < keys->count; i++)
                if (memcmp(keys->items[i].id, id, GRANT_KEY_ID_SIZE) == 0)
                        return &keys->items[i];
        return NULL;
}

static int verify(const struct grant_key *key, const unsigned char *message, size_t length,
                  const unsigned char signature[GRANT_SIGNATURE_SIZE]) {
        _cleanup_(key_free) EVP_PKEY *public_key =
                        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, GRANT_PUBLIC_KEY_SIZE);
        _cleanup_(digest_context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
        if (!public_key || !context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) != 1)
                return -EIO;
        return EVP_DigestVerify(context, signature, GRANT_SIGNATURE_SIZE, message, length) == 1 ? 0 : -EKEYREJECTED;
}

int grant_check(struct slice text, const struct grant_keys *keys, const struct grant_binding *binding,
                struct slice scope, int64_t now, struct grant *ret_grant) {
        unsigned char message[GRANT_MESSAGE_MAX], signature[GRANT_SIGNATURE_SIZE];
        struct grant grant;
        size_t length;
        int r = grant_decode(text, message, &length, signature, &grant);
        if (r < 0)
                return r;
        const struct grant_key *key = find_key(keys, grant.key_id);
        if (!key)
                return -ENOKEY;
        r = verify(key, message, length, signature);
        if (r < 0)
                return r;
        if (now >= grant_expires(&grant) || grant.issued - GRANT_SKEW_MAX > now)
                return -EKEYEXPIRED;
        if (CRYPTO_memcmp(grant.binding.digest, binding->digest, GRANT_BINDING_SIZE) != 0)
                return -EBADE;
        if (!slice_equal_text(scope, grant.scope) || !scope_list_allows(slice_of(grant.scope), grant.role, scope))
                return -EACCES;
        *ret_grant = grant;
        return 0;
}
