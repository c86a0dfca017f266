/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, and lists of public keys. Whatever decodes is within its bounds and encodes to the same text again: there are no two
 * texts of one grant. */
#include <errno.h>

#include "fuzz.h"
#include "shared/grant.h"

static void check_grant(struct slice text) {
        unsigned char message[GRANT_MESSAGE_MAX], again[GRANT_MESSAGE_MAX], signature[GRANT_SIGNATURE_SIZE];
        struct grant grant;
        size_t length;
        if (grant_decode(text, message, &length, signature, &grant) < 0)
                return;
        require(grant_user_is_valid(slice_of(grant.user)) && scope_is_request(slice_of(grant.scope)));
        require(grant.lifetime > 0 && grant.lifetime <= GRANT_LIFETIME_MAX && grant.role < ROLE_COUNT);
        require(grant_encode(&grant, again) == length && memcmp(message, again, length) == 0);
        _cleanup_text_ struct text written = TEXT_INIT;
        grant_append(&written, message, length, signature);
        require(slice_equal((struct slice) { written.data, written.length }, text));

        const struct grant_keys none = { 0 };
        require(grant_check(text, &none, &grant.binding, slice_of(grant.scope), grant.issued, &grant) == -ENOKEY);
}

static void check_keys(struct slice text) {
        struct grant_keys keys, again;
        if (grant_keys_parse(text, NULL, &keys) < 0)
                return;
        require(keys.count <= GRANT_KEYS_MAX);
        _cleanup_text_ struct text written = TEXT_INIT;
        grant_keys_append(&written, &keys);
        require(grant_keys_parse((struct slice) { written.data, written.length }, NULL, &again) == 0);
        require(memcmp(&keys, &again, sizeof(keys)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *copy = exact_copy(data, size);
        check_grant((struct slice) { copy, size });
        check_keys((struct slice) { copy, size });
        (void) scope_list_fits((struct slice) { copy, size }, ROLE_OPERATOR);
        free(copy);
        return 0;
}
