/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tokens, and what is kept of them. */
#include "auth/token_text.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/random.h>

#include "shared/base64.h"
#include "shared/syscall.h"

#define TOKEN_BYTES 32

int token_text_make(char ret_text[TOKEN_TEXT_LENGTH + 1]) {
        unsigned char bytes[TOKEN_BYTES];
        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return -EIO;
        memcpy(ret_text, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
        base64url_encode(bytes, sizeof(bytes), ret_text + strlen(TOKEN_PREFIX));
        ret_text[TOKEN_TEXT_LENGTH] = '\0';
        explicit_bzero(bytes, sizeof(bytes));
        return 0;
}

int token_text_digest(struct slice text, unsigned char ret_digest[TOKEN_DIGEST_SIZE]) {
        unsigned char bytes[TOKEN_BYTES];
        const struct slice prefix = SLICE_LITERAL(TOKEN_PREFIX);
        if (text.length != TOKEN_TEXT_LENGTH || !slice_starts_with(text, prefix) ||
            base64url_decode(slice_from(text, prefix.length), bytes, sizeof(bytes)) != TOKEN_BYTES)
                return -EINVAL;
        int r = EVP_Digest(text.data, text.length, ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
        explicit_bzero(bytes, sizeof(bytes));
        return r;
}

void token_id_of(const unsigned char digest[TOKEN_DIGEST_SIZE], char ret_id[TOKEN_ID_LENGTH + 1]) {
        for (size_t i = 0; i < TOKEN_ID_LENGTH / 2; i++)
                (void) snprintf(ret_id + 2 * i, 3, "%02x", digest[i]);
}

bool token_id_is_valid(struct slice id) {
        for (size_t i = 0; i < id.length; i++)
                if (!(id.data[i] >= '0' && id.data[i] <= '9') && !(id.data[i] >= 'a' && id.data[i] <= 'f'))
                        return false;
        return id.length == TOKEN_ID_LENGTH;
}
