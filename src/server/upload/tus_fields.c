/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the fields of tus. They have a grammar of their own, without quotes or escapes. */
#include "server/upload/tus_fields.h"

#include <errno.h>

#include "shared/base64.h"

int tus_number_parse(struct slice text, uint64_t *ret_number) {
        uint64_t number = 0;
        if (text.length == 0 || text.length > 19)
                return -EINVAL;
        for (size_t i = 0; i < text.length; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return -EINVAL;
                number = number * 10 + (unsigned) (text.data[i] - '0');
        }
        if (number > INT64_MAX)
                return -EINVAL;
        *ret_number = number;
        return 0;
}

/* Takes what stands before the next `separator`, and the separator. False at the end. */
static bool take_element(struct slice *list, char separator, struct slice *ret_element) {
        if (!list->data)
                return false;
        const char *end = list->length ? memchr(list->data, separator, list->length) : NULL;
        *ret_element = (struct slice) { list->data, end ? (size_t) (end - list->data) : list->length };
        *list = end ? slice_from(*list, ret_element->length + 1) : SLICE_NULL;
        return true;
}

/* A pair "key BASE64", or a key alone. */
static bool split_pair(struct slice pair, struct slice *ret_key, struct slice *ret_value) {
        pair = slice_trim(pair);
        const char *space = pair.length ? memchr(pair.data, ' ', pair.length) : NULL;
        *ret_key = (struct slice) { pair.data, space ? (size_t) (space - pair.data) : pair.length };
        *ret_value = space ? slice_from(pair, ret_key->length + 1) : (struct slice) { "", 0 };
        if (ret_key->length == 0)
                return false;
        for (size_t i = 0; i < ret_key->length; i++)
                if (ret_key->data[i] <= ' ' || ret_key->data[i] > '~')
                        return false;
        return true;
}

static unsigned count_key(struct slice metadata, struct slice key) {
        struct slice pair, other, value;
        unsigned count = 0;
        while (take_element(&metadata, ',', &pair))
                count += split_pair(pair, &other, &value) && slice_equal(key, other);
        return count;
}

bool tus_metadata_is_valid(struct slice metadata) {
        const struct slice all = metadata;
        struct slice pair, key, value;
        char buffer[BASE64_DECODED_MAX(TUS_METADATA_MAX)];
        if (metadata.length > TUS_METADATA_MAX)
                return false;
        if (metadata.length == 0)
                return true;
        while (take_element(&metadata, ',', &pair))
                if (!split_pair(pair, &key, &value) || base64_decode(value, buffer) < 0 || count_key(all, key) != 1)
                        return false;
        return true;
}

struct slice tus_metadata_find(struct slice metadata, struct slice key, char *buffer) {
        struct slice pair, name, value;
        while (take_element(&metadata, ',', &pair)) {
                if (!split_pair(pair, &name, &value) || !slice_equal(name, key) || value.length > TUS_METADATA_MAX)
                        continue;
                ssize_t length = base64_decode(value, buffer);
                return length < 0 ? SLICE_NULL : (struct slice) { buffer, (size_t) length };
        }
        return SLICE_NULL;
}

int tus_concat_parse(struct slice value, enum tus_concat *ret_concat, struct slice *ret_list) {
        static const struct slice final = SLICE_LITERAL("final;");
        *ret_list = SLICE_NULL;
        if (!value.data) {
                *ret_concat = TUS_CONCAT_NONE;
                return 0;
        }
        if (slice_equal_text(value, "partial")) {
                *ret_concat = TUS_CONCAT_PARTIAL;
                return 0;
        }
        if (!slice_starts_with(value, final))
                return -EINVAL;
        *ret_concat = TUS_CONCAT_FINAL;
        *ret_list = slice_trim(slice_from(value, final.length));
        return ret_list->length > 0 ? 0 : -EINVAL;
}

/* "http://host/path" without what stands before the path. */
static struct slice path_of(struct slice address) {
        const char *colons = address.length ? memmem(address.data, address.length, "://", 3) : NULL;
        if (!colons || (address.length > 0 && address.data[0] == '/'))
                return address;
        struct slice rest = slice_from(address, (size_t) (colons - address.data) + 3);
        const char *slash = rest.length ? memchr(rest.data, '/', rest.length) : NULL;
        return slash ? slice_from(rest, (size_t) (slash - rest.data)) : SLICE_NULL;
}

int tus_concat_next(struct slice *list, struct slice folder, struct slice *ret_id) {
        struct slice address = { NULL, 0 };
        while (take_element(list, ' ', &address) && address.length == 0)
                ;
        if (address.length == 0)
                return 0;
        struct slice path = path_of(address);
        if (!path.data || !slice_starts_with(path, folder))
                return -EINVAL;
        *ret_id = slice_from(path, folder.length);
        return tus_id_is_valid(*ret_id) ? 1 : -EINVAL;
}

bool tus_id_is_valid(struct slice id) {
        if (id.length != TUS_ID_LENGTH)
                return false;
        for (size_t i = 0; i < id.length; i++)
                if (!(id.data[i] >= '0' && id.data[i] <= '9') && !(id.data[i] >= 'a' && id.data[i] <= 'f'))
                        return false;
        return true;
}
