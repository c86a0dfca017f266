/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the tus protocol. Views lie within the input, values within the buffer; and what is valid is kept in a record
 * that is read again as the same. */
#include "fuzz.h"
#include "server/upload/tus_record.h"

static void check_metadata(struct slice text) {
        static char buffer[TUS_METADATA_MAX];
        struct slice value = tus_metadata_find(text, SLICE_LITERAL("filename"), buffer);
        require(!value.data || (value.data == buffer && value.length <= sizeof(buffer)));
        if (!tus_metadata_is_valid(text))
                return;
        const struct tus_record record = { .length = 5, .saved = 3, .name = SLICE_LITERAL("a"), .metadata = text };
        struct tus_record again;
        struct text written = TEXT_INIT;
        tus_record_append(&written, &record);
        require(tus_record_parse((struct slice) { written.data, written.length }, &again) == 0);
        require(slice_equal(again.metadata, text) && again.saved == 3 && again.length == 5);
        text_done(&written);
}

static void check_concat(struct slice text) {
        enum tus_concat concat;
        struct slice list, id;
        if (tus_concat_parse(text, &concat, &list) < 0)
                return;
        require(concat != TUS_CONCAT_FINAL || lies_within(list, text.data, text.length));
        for (size_t count = 0; tus_concat_next(&list, SLICE_LITERAL("/f/.tus/"), &id) > 0; count++) {
                require(count <= text.length / TUS_ID_LENGTH);
                require(lies_within(id, text.data, text.length) && tus_id_is_valid(id));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        char *copy = exact_copy(data, length);
        struct slice text = { copy, length };
        struct tus_record record;
        uint64_t number;
        require(tus_number_parse(text, &number) < 0 || number <= INT64_MAX);
        check_metadata(text);
        check_concat(text);
        if (tus_record_parse(text, &record) == 0)
                require(record.saved <= record.length && lies_within(record.name, copy, length));
        free(copy);
        return 0;
}
