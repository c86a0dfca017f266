/* SPDX-License-Identifier: Apache-2.0 */
/* What ccodes-auth reads: Authorization fields and JSON objects. What is understood keeps to its bounds. */
#include "auth/credential.h"
#include "auth/job.h"
#include "fuzz.h"

static void check_credential(struct slice text) {
        struct credential credential;
        if (credential_parse(text, &credential) < 0 || credential.type != CREDENTIAL_PASSWORD)
                return;
        require(grant_user_is_valid(slice_of(credential.user)));
        require(password_is_acceptable(slice_of(credential.password)));
}

static void check_object(struct slice text) {
        struct json_object *object = auth_parse_object(text);
        if (!object)
                return;
        const char *string = auth_member(object, "a");
        require(!string || strlen(string) <= text.length);
        json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *copy = exact_copy(data, size);
        check_credential((struct slice) { copy, size });
        check_object((struct slice) { copy, size });
        free(copy);
        return 0;
}
