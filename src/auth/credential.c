/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the two schemes. What was decoded on the way is overwritten. */
#include "auth/credential.h"

#include <errno.h>

#include "shared/base64.h"
#include "shared/syscall.h"

#define BASIC_MAX (GRANT_USER_MAX + 1 + PASSWORD_MAX)

/* Takes "SCHEME " off the front, without regard to case, and the spaces behind it. */
static bool take_scheme(struct slice *text, struct slice scheme) {
        if (text->length <= scheme.length ||
            !slice_equal_nocase((struct slice) { text->data, scheme.length }, scheme) ||
            text->data[scheme.length] != ' ')
                return false;
        *text = slice_trim(slice_from(*text, scheme.length));
        return true;
}

static int parse_pair(struct slice pair, struct credential *ret_credential) {
        const char *colon = memchr(pair.data, ':', pair.length);
        if (!colon)
                return -EINVAL;
        struct slice user = { pair.data, (size_t) (colon - pair.data) }, password = slice_from(pair, user.length + 1);
        if (token_text_digest(password, ret_credential->digest) == 0) {
                ret_credential->type = CREDENTIAL_TOKEN;
                return 0;
        }
        if (!grant_user_is_valid(user) || !password_is_acceptable(password))
                return -EINVAL;
        ret_credential->type = CREDENTIAL_PASSWORD;
        memcpy(ret_credential->user, user.data, user.length);
        memcpy(ret_credential->password, password.data, password.length);
        return 0;
}

int credential_parse(struct slice authorization, struct credential *ret_credential) {
        struct slice text = slice_trim(authorization);
        *ret_credential = (struct credential) { 0 };
        if (take_scheme(&text, SLICE_LITERAL("Bearer"))) {
                ret_credential->type = CREDENTIAL_TOKEN;
                return token_text_digest(text, ret_credential->digest);
        }
        char pair[BASE64_DECODED_MAX(BASE64_ENCODED_SIZE(BASIC_MAX))];
        if (!take_scheme(&text, SLICE_LITERAL("Basic")) || text.length > BASE64_ENCODED_SIZE(BASIC_MAX))
                return -EINVAL;
        ssize_t length = base64_decode(text, pair);
        int r = length > 0 ? parse_pair((struct slice) { pair, (size_t) length }, ret_credential) : -EINVAL;
        explicit_bzero(pair, sizeof(pair));
        return r;
}
