/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM over headers and chunks. Every use of a key has a random nonce, so that a chunk may be written again with
 * another content; its place in the file is in what is authenticated beside it. */
#include "shared/sealed_file.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include "shared/syscall.h"

#define TAG 16
#define VERSION 1

/* The header within its block; numbers are big-endian. */
enum {
        AT_MAGIC = 0,
        AT_VERSION = 8,
        AT_CHUNK = 12,
        AT_FILE_ID = 16,
        AT_KEY_ID = 32,
        AT_NONCE = 48,
        AT_WRAPPED = 60,
        AT_TAG = 92,
        AT_END = 108,
};

static const unsigned char magic[8] = { 0x89, 'C', 'C', 'S', 'E', 'A', 'L', '\n' };

static void put32(unsigned char *bytes, uint32_t number) {
        for (unsigned i = 0; i < 4; i++)
                bytes[i] = (unsigned char) (number >> (24 - 8 * i));
}

static uint32_t get32(const unsigned char *bytes) {
        return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
}

static void free_context(EVP_CIPHER_CTX **context) {
        EVP_CIPHER_CTX_free(*context);
}

/* What one use of a key is about. */
struct use {
        const unsigned char *key, *nonce;
        struct slice associated;
};

static int encrypt(const struct use *use, struct slice plain, unsigned char *ret_cipher, unsigned char *ret_tag) {
        _cleanup_(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int length;
        if (!context)
                return -ENOMEM;
        if (EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), use->key, use->nonce, NULL) != 1 ||
            EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *) use->associated.data,
                              (int) use->associated.length) != 1 ||
            (plain.length > 0 && EVP_EncryptUpdate(context, ret_cipher, &length, (const unsigned char *) plain.data,
                                                   (int) plain.length) != 1) ||
            EVP_EncryptFinal_ex(context, ret_cipher + plain.length, &length) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, ret_tag) != 1)
                return -EIO;
        return 0;
}

static int decrypt(const struct use *use, const unsigned char *cipher, size_t size, const unsigned char *tag,
                   unsigned char *ret_plain) {
        _cleanup_(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int length;
        if (!context)
                return -ENOMEM;
        if (EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), use->key, use->nonce, NULL) != 1 ||
            EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *) use->associated.data,
                              (int) use->associated.length) != 1 ||
            (size > 0 && EVP_DecryptUpdate(context, ret_plain, &length, cipher, (int) size) != 1) ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, (void *) tag) != 1)
                return -EIO;
        if (EVP_DecryptFinal_ex(context, ret_plain + size, &length) == 1)
                return 0;
        explicit_bzero(ret_plain, size); /* nobody sees what is not authentic */
        return -EBADMSG;
}

int sealed_random(unsigned char *ret_bytes, size_t length) {
        return getrandom(ret_bytes, length, 0) == (ssize_t) length ? 0 : -EIO;
}

int sealed_secret_generate(struct sealed_secret *ret_secret) {
        int r = sealed_random(ret_secret->file_id, sizeof(ret_secret->file_id));
        return r < 0 ? r : sealed_random(ret_secret->key, sizeof(ret_secret->key));
}

int sealed_header_write(const struct sealed_secret *secret, const struct key *master, const unsigned char *nonce,
                        unsigned char ret_block[static SEALED_BLOCK]) {
        memset(ret_block, 0, SEALED_BLOCK);
        memcpy(ret_block + AT_MAGIC, magic, sizeof(magic));
        put32(ret_block + AT_VERSION, VERSION);
        put32(ret_block + AT_CHUNK, SEALED_CHUNK);
        memcpy(ret_block + AT_FILE_ID, secret->file_id, SEALED_FILE_ID);
        memcpy(ret_block + AT_KEY_ID, master->id, strlen(master->id));
        memcpy(ret_block + AT_NONCE, nonce, SEALED_NONCE);
        const struct use use = { master->bytes, nonce, { (const char *) ret_block, AT_NONCE } };
        return encrypt(&use, (struct slice) { (const char *) secret->key, KEY_BYTES }, ret_block + AT_WRAPPED,
                       ret_block + AT_TAG);
}

/* The padding is nobody's, and so has to be what was written. */
static bool is_zero(const unsigned char *bytes, size_t length) {
        return length == 0 || (*bytes == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

bool sealed_header_key(const unsigned char block[static SEALED_BLOCK], char ret_id[static KEY_ID_MAX + 1]) {
        if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) != 0 || get32(block + AT_VERSION) != VERSION ||
            get32(block + AT_CHUNK) != SEALED_CHUNK || !is_zero(block + AT_END, SEALED_BLOCK - AT_END))
                return false;
        memcpy(ret_id, block + AT_KEY_ID, KEY_ID_MAX);
        ret_id[KEY_ID_MAX] = '\0';
        return key_id_is_valid(slice_of(ret_id));
}

int sealed_header_read(const unsigned char block[static SEALED_BLOCK], const struct key_ring *ring,
                       struct sealed_secret *ret_secret) {
        if (!sealed_header_key(block, ret_secret->master))
                return -EBADMSG;
        const struct key *master = key_ring_find(ring, slice_of(ret_secret->master));
        if (!master)
                return -ENOKEY;
        memcpy(ret_secret->file_id, block + AT_FILE_ID, SEALED_FILE_ID);
        const struct use use = { master->bytes, block + AT_NONCE, { (const char *) block, AT_NONCE } };
        return decrypt(&use, block + AT_WRAPPED, KEY_BYTES, block + AT_TAG, ret_secret->key);
}

int sealed_header_find(const unsigned char header[static SEALED_HEADER], const struct key_ring *ring,
                       struct sealed_secret *ret_secret, unsigned *ret_block) {
        int first = sealed_header_read(header, ring, ret_secret);
        *ret_block = 0;
        if (first >= 0)
                return 0;
        char wanted[sizeof(ret_secret->master)];
        memcpy(wanted, ret_secret->master, sizeof(wanted));
        int second = sealed_header_read(header + SEALED_BLOCK, ring, ret_secret);
        *ret_block = 1;
        if (second == -EBADMSG && first == -ENOKEY) {
                memcpy(ret_secret->master, wanted, sizeof(wanted));
                return first;
        }
        return second;
}

/* File, place and kind: a record that was moved, copied from another file, or that ends a file too early is not authentic. */
struct place {
        unsigned char bytes[SEALED_FILE_ID + 8 + 1];
};

static struct place place_of(const struct sealed_secret *secret, uint64_t index, enum sealed_kind kind) {
        struct place place;
        memcpy(place.bytes, secret->file_id, SEALED_FILE_ID);
        put32(place.bytes + SEALED_FILE_ID, (uint32_t) (index >> 32));
        put32(place.bytes + SEALED_FILE_ID + 4, (uint32_t) index);
        place.bytes[SEALED_FILE_ID + 8] = (unsigned char) kind;
        return place;
}

int sealed_record_write(const struct sealed_secret *secret, uint64_t index, enum sealed_kind kind,
                        const unsigned char *nonce, struct slice content, unsigned char *ret_record) {
        if (index >= SEALED_CHUNKS_MAX)
                return -EFBIG;
        const struct place place = place_of(secret, index, kind);
        const struct use use = { secret->key, nonce, { (const char *) place.bytes, sizeof(place.bytes) } };
        memcpy(ret_record, nonce, SEALED_NONCE);
        return encrypt(&use, content, ret_record + SEALED_NONCE, ret_record + SEALED_NONCE + content.length);
}

int sealed_record_read(const struct sealed_secret *secret, uint64_t index, enum sealed_kind kind,
                       const unsigned char *record, size_t length, unsigned char *ret_content) {
        if (length < SEALED_OVERHEAD || length > SEALED_RECORD)
                return -EBADMSG;
        const struct place place = place_of(secret, index, kind);
        const struct use use = { secret->key, record, { (const char *) place.bytes, sizeof(place.bytes) } };
        size_t size = length - SEALED_OVERHEAD;
        return decrypt(&use, record + SEALED_NONCE, size, record + SEALED_NONCE + size, ret_content);
}

bool sealed_content_length(uint64_t file_size, uint64_t *ret_length) {
        if (file_size < SEALED_HEADER + SEALED_OVERHEAD)
                return false;
        uint64_t records = file_size - SEALED_HEADER;
        uint64_t full = records / SEALED_RECORD, rest = records % SEALED_RECORD;
        if (rest > 0 && (rest < SEALED_OVERHEAD || (rest == SEALED_OVERHEAD && full > 0)))
                return false;
        *ret_length = full * SEALED_CHUNK + (rest > 0 ? rest - SEALED_OVERHEAD : 0);
        return true;
}
