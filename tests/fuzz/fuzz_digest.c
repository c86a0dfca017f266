/* SPDX-License-Identifier: Apache-2.0 */
/* Digest fields and the structured fields that they are. Every view lies within the input; what was understood is
 * understood again when it is written out, as the same. */
#include "fuzz.h"
#include "http/digest.h"
#include "http/structured_field.h"

static void check_members(struct slice text) {
        struct slice rest = text;
        struct structured_member member;
        while (structured_dictionary_next(&rest, &member) > 0) {
                require(lies_within(member.key, text.data, text.length) && member.key.length > 0);
                require(member.type != STRUCTURED_BYTES || lies_within(member.bytes, text.data, text.length));
                require(member.type != STRUCTURED_INTEGER ||
                        (member.integer > -1000000000000000 && member.integer < 1000000000000000));
                require(lies_within(rest, text.data, text.length));
        }
}

static void check_round_trip(const struct digests *digests) {
        for (int i = DIGEST_SHA256; i <= DIGEST_SHA512; i++) {
                char field[DIGEST_FIELD_SIZE];
                struct digests again;
                if (!(digests->set & 1U << i))
                        continue;
                digest_field_format(i, &digests->of[i], field);
                require(digest_field_parse(slice_of(field), &again) == 0 && again.set == 1U << i);
                require(memcmp(&again.of[i], &digests->of[i], digest_size(i)) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        char *copy = exact_copy(data, length);
        struct slice text = { copy, length };
        struct digests digests = { 0 };
        check_members(text);
        if (digest_field_parse(text, &digests) == 0)
                check_round_trip(&digests);
        int chosen = digest_field_choose(text);
        require(chosen >= -1 && chosen < DIGEST_SHA1);
        (void) digest_checksum_parse(text, &digests);
        free(copy);
        return 0;
}
