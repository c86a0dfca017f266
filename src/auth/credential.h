/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "auth/password.h"
#include "auth/token_text.h"

/* What stands in an Authorization field (RFC 9110 section 11.6.2), as a pure function on its text. */
enum credential_type {
        CREDENTIAL_TOKEN,    /* Bearer (RFC 6750), or the password of Basic when that is a token */
        CREDENTIAL_PASSWORD, /* Basic (RFC 7617) */
};

struct credential {
        enum credential_type type;
        unsigned char digest[TOKEN_DIGEST_SIZE]; /* CREDENTIAL_TOKEN */
        char user[GRANT_USER_MAX + 1];           /* CREDENTIAL_PASSWORD */
        char password[PASSWORD_MAX + 1];         /* to be overwritten */
};

/* -EINVAL for what is neither, or cannot be anybody's. A token that comes by Basic, as some clients know nothing else, may
 * stand under any user's name. */
int credential_parse(struct slice authorization, struct credential *ret_credential);
