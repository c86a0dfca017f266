/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges. The input is a size in digits, a line feed and a field. Every range is not empty and inside; more than two do not
 * touch; what was understood is understood again when it is written out. */
#include <errno.h>
#include <inttypes.h>

#include "fuzz.h"
#include "http/range.h"

static uint64_t parse_size(struct slice text) {
        uint64_t size = 0;
        for (size_t i = 0; i < text.length; i++)
                size = size * 10 + (unsigned char) text.data[i] % 10;
        return size;
}

static void check_ranges(const struct http_range *ranges, size_t count, uint64_t size) {
        for (size_t i = 0; i < count; i++) {
                require(ranges[i].length > 0 && ranges[i].first < size);
                require(ranges[i].length <= size - ranges[i].first);
                for (size_t k = 0; count > 2 && k < i; k++)
                        require(ranges[k].first + ranges[k].length < ranges[i].first ||
                                ranges[i].first + ranges[i].length < ranges[k].first);
        }
}

static void check_round_trip(const struct http_range *ranges, size_t count, uint64_t size) {
        char text[HTTP_RANGE_MAX * 48];
        struct http_range again[HTTP_RANGE_MAX];
        size_t length = (size_t) snprintf(text, sizeof(text), "bytes=");
        for (size_t i = 0; i < count; i++)
                length += (size_t) snprintf(text + length, sizeof(text) - length, "%s%" PRIu64 "-%" PRIu64,
                                            i ? "," : "", ranges[i].first, ranges[i].first + ranges[i].length - 1);
        require(http_range_parse((struct slice) { text, length }, size, again) == (ssize_t) count);
        for (size_t i = 0; i < count; i++)
                require(again[i].first == ranges[i].first && again[i].length == ranges[i].length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        struct slice text = { (const char *) data, length };
        const char *line_feed = length ? memchr(text.data, '\n', length) : NULL;
        if (!line_feed)
                return 0;
        size_t digits = (size_t) (line_feed - text.data);
        uint64_t size = parse_size((struct slice) { text.data, digits });

        struct http_range ranges[HTTP_RANGE_MAX];
        ssize_t count = http_range_parse(slice_from(text, digits + 1), size, ranges);
        require(count == -ERANGE || (count >= 0 && count <= HTTP_RANGE_MAX));
        if (count > 0) {
                check_ranges(ranges, (size_t) count, size);
                check_round_trip(ranges, (size_t) count, size);
        }
        return 0;
}
