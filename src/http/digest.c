/* SPDX-License-Identifier: Apache-2.0 */
/* Digest fields, and the hashes themselves, which are libcrypto's. */
#include "http/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "http/structured_field.h"
#include "shared/base64.h"
#include "shared/syscall.h"

static const struct {
        struct slice field, checksum; /* names in fields of RFC 9530, and in tus */
        size_t size;
        const EVP_MD *(*method)(void);
} algorithms[DIGEST_ALGORITHMS] = {
        [DIGEST_SHA256] = { SLICE_LITERAL("sha-256"), SLICE_LITERAL("sha256"), 32, EVP_sha256 },
        [DIGEST_SHA512] = { SLICE_LITERAL("sha-512"), SLICE_LITERAL("sha512"), 64, EVP_sha512 },
        [DIGEST_SHA1] = { { NULL, 0 }, SLICE_LITERAL("sha1"), 20, EVP_sha1 },
};

size_t digest_size(enum digest_algorithm algorithm) {
        return algorithms[algorithm].size;
}

static int find_field(struct slice name) {
        for (int i = 0; i < DIGEST_ALGORITHMS; i++)
                if (algorithms[i].field.data && slice_equal(name, algorithms[i].field))
                        return i;
        return -1;
}

static int take(struct digests *digests, int algorithm, struct slice base64) {
        unsigned char bytes[BASE64_DECODED_MAX(BASE64_ENCODED_SIZE(DIGEST_SIZE_MAX))];
        if (base64.length != BASE64_ENCODED_SIZE(algorithms[algorithm].size) ||
            base64_decode(base64, bytes) != (ssize_t) algorithms[algorithm].size)
                return -EBADMSG;
        memcpy(digests->of[algorithm].bytes, bytes, algorithms[algorithm].size);
        digests->set |= 1U << algorithm;
        return 0;
}

int digest_field_parse(struct slice value, struct digests *ret_digests) {
        struct digests digests = { 0 };
        struct structured_member member;
        int r;
        while ((r = structured_dictionary_next(&value, &member)) > 0) {
                int algorithm = find_field(member.key);
                if (member.type != STRUCTURED_BYTES)
                        return -EBADMSG;
                if (algorithm >= 0)
                        r = take(&digests, algorithm, member.bytes);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                *ret_digests = digests;
        return r;
}

int digest_field_choose(struct slice value) {
        struct structured_member member;
        int64_t weights[DIGEST_ALGORITHMS] = { 0 };
        int best = -1, r;
        while ((r = structured_dictionary_next(&value, &member)) > 0) {
                int algorithm = find_field(member.key);
                if (member.type != STRUCTURED_INTEGER || member.integer < 0 || member.integer > 10)
                        return -1;
                if (algorithm >= 0)
                        weights[algorithm] = member.integer;
        }
        for (int i = 0; i < DIGEST_ALGORITHMS && r >= 0; i++)
                if (weights[i] > 0 && (best < 0 || weights[i] > weights[best]))
                        best = i;
        return best;
}

void digest_field_format(enum digest_algorithm algorithm, const struct digest *digest,
                         char ret_text[DIGEST_FIELD_SIZE]) {
        char base64[BASE64_ENCODED_SIZE(DIGEST_SIZE_MAX)];
        size_t size = algorithms[algorithm].size;
        base64_encode(digest->bytes, size, base64);
        (void) snprintf(ret_text, DIGEST_FIELD_SIZE, "%.*s=:%.*s:", SLICE_PRINTF(algorithms[algorithm].field),
                        (int) BASE64_ENCODED_SIZE(size), base64);
}

int digest_checksum_parse(struct slice value, struct digests *ret_digests) {
        struct digests digests = { 0 };
        const char *space = value.length ? memchr(value.data, ' ', value.length) : NULL;
        if (!space)
                return -EBADMSG;
        struct slice name = { value.data, (size_t) (space - value.data) };
        for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
                if (!slice_equal(name, algorithms[i].checksum))
                        continue;
                int r = take(&digests, i, slice_from(value, name.length + 1));
                if (r >= 0)
                        *ret_digests = digests;
                return r;
        }
        return -ENOTSUP;
}

int digest_hasher_init(struct digest_hasher *hasher, unsigned set) {
        *hasher = (struct digest_hasher) { .set = set };
        for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
                if (!(set & 1U << i))
                        continue;
                hasher->contexts[i] = EVP_MD_CTX_new();
                if (!hasher->contexts[i] || EVP_DigestInit_ex(hasher->contexts[i], algorithms[i].method(), NULL) != 1) {
                        digest_hasher_done(hasher);
                        return -ENOMEM;
                }
        }
        return 0;
}

int digest_hasher_update(struct digest_hasher *hasher, struct slice bytes) {
        for (int i = 0; i < DIGEST_ALGORITHMS; i++)
                if (hasher->contexts[i] && EVP_DigestUpdate(hasher->contexts[i], bytes.data, bytes.length) != 1)
                        return -ENOMEM;
        return 0;
}

int digest_hasher_finish(struct digest_hasher *hasher, struct digests *ret_digests) {
        struct digests digests = { .set = hasher->set };
        int r = 0;
        for (int i = 0; i < DIGEST_ALGORITHMS; i++)
                if (hasher->contexts[i] && EVP_DigestFinal_ex(hasher->contexts[i], digests.of[i].bytes, NULL) != 1)
                        r = -ENOMEM;
        digest_hasher_done(hasher);
        if (r >= 0)
                *ret_digests = digests;
        return r;
}

void digest_hasher_done(struct digest_hasher *hasher) {
        for (int i = 0; i < DIGEST_ALGORITHMS; i++)
                EVP_MD_CTX_free(hasher->contexts[i]);
        *hasher = (struct digest_hasher) { 0 };
}

bool digests_match(const struct digests *expected, const struct digests *actual) {
        for (int i = 0; i < DIGEST_ALGORITHMS; i++)
                if (expected->set & 1U << i &&
                    (!(actual->set & 1U << i) ||
                     memcmp(expected->of[i].bytes, actual->of[i].bytes, algorithms[i].size) != 0))
                        return false;
        return true;
}
