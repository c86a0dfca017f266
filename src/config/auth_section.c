/* SPDX-License-Identifier: Apache-2.0 */
/* The table of [auth]. */
#include "config/auth_section.h"

#include "shared/syscall.h"

#define SECOND INT64_C(1000000)

static const struct config_key auth_keys[] = {
        {
                        .name = "grant_lifetime",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_auth, grant_lifetime),
                        .fallback = "\"30s\"",
                        .minimum = SECOND,
                        .maximum = 300 * SECOND,
                        .documentation = "How long a grant is good for the request that it was made for. For so long a "
                                         "token that was revoked may still be let through.",
        },
        {
                        .name = "key_rotation",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_auth, key_rotation),
                        .fallback = "\"30d\"",
                        .minimum = 3600 * SECOND,
                        .maximum = INT64_MAX,
                        .documentation = "How old the key that signs grants becomes before a new one takes its place.",
        },
        {
                        .name = "socket",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_auth, socket),
                        .fallback = "\"/run/ccodes/auth-grants.sock\"",
                        .documentation =
                                        "Where ccodes-server hands its connections to ccodes-auth, to ask about tokens "
                                        "and passwords.",
        },
        {
                        .name = "public_keys",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_auth, public_keys),
                        .fallback = "\"/run/ccodes/auth/grant-keys\"",
                        .documentation = "The file in which ccodes-auth leaves the public keys that its grants are "
                                         "checked with.",
        },
        {
                        .name = "remember",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_auth, remember),
                        .fallback = "\"5s\"",
                        .minimum = 0,
                        .maximum = 60 * SECOND,
                        .documentation = "For how long ccodes-server lets a token or password through without asking "
                                         "again, also when it was revoked meanwhile; \"0s\": each request is asked "
                                         "about.",
        },
        {
                        .name = "sandbox",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_auth, sandbox),
                        .fallback = "true",
                        .documentation = "Give up every right that is not needed. Switch it off for debugging only.",
        },
};

const struct config_table config_auth_table = {
        .name = "auth",
        .size = sizeof(struct config_auth),
        .keys = auth_keys,
        .key_count = ELEMENTS_OF(auth_keys),
        .documentation = "Users, tokens and grants: ccodes-auth.",
};
