/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of signed addresses. What is taken is made again from its parts; its name is fit for a header field; a signature
 * that was not made here is refused, and found by whoever must not log it. */
#include <errno.h>

#include "fuzz.h"
#include "http/field.h"
#include "http/signed_address.h"

static void check_taken(const struct signed_address *address, struct slice query) {
        struct text text = TEXT_INIT;
        text_append_string(&text, "expires=");
        text_append(&text, address->expires);
        text_append_string(&text, "&key=");
        text_append(&text, address->key);
        if (address->name.data) {
                text_append_string(&text, "&name=");
                text_append(&text, address->name);
        }
        if (address->rate.data) {
                text_append_string(&text, "&rate=");
                text_append(&text, address->rate);
        }
        text_append_string(&text, "&signature=");
        text_append(&text, address->signature);
        require(slice_equal((struct slice) { text.data, text.length }, query));
        text_done(&text);

        struct slice found = signed_address_find_signature(query);
        require(found.data && found.data <= address->signature.data); /* what follows it is not logged */

        struct text disposition = TEXT_INIT;
        signed_address_write_disposition(address, &disposition);
        require(http_is_field_value((struct slice) { disposition.data, disposition.length }));
        text_done(&disposition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        char *copy = exact_copy(data, length);
        struct slice query = { copy, length };
        struct signed_address address;
        int r = signed_address_parse(query, &address);
        require(r == 0 || r == -EINVAL || r == -ENOENT);
        require(lies_within(signed_address_find_signature(query), copy, length) ||
                !signed_address_find_signature(query).data);
        if (r == 0) {
                struct key_ring *ring;
                check_taken(&address, query);
                require(key_ring_parse(SLICE_LITERAL("ccodes-keys 1 sign\n"
                                                     "k "
                                                     "1111111111111111111111111111111111111111111111111111111111111111"
                                                     "\n"),
                                       KEY_PURPOSE_SIGN, NULL, &ring) == 0);
                r = signed_address_check(&address, ring, SLICE_LITERAL("h"), SLICE_LITERAL("/p"), 0);
                require(r == -ENOKEY || r == -EKEYREJECTED);
                key_ring_unref(ring);
        }
        free(copy);
        return 0;
}
