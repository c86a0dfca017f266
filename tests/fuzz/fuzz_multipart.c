/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with files. The input is a Content-Type, a line feed and a form. Every view lies where it may; and the form says
 * the same however it is cut. */
#include "fuzz.h"
#include "http/multipart.h"

struct summary {
        uint64_t hash;
        size_t parts, bytes;
        int end; /* 1: at the form's end, 0: before, -1: malformed */
};

static void add_byte(struct summary *summary, unsigned char byte) {
        summary->hash = (summary->hash ^ byte) * 0x100000001b3;
}

static void add(struct summary *summary, struct slice bytes) {
        for (size_t i = 0; i < bytes.length; i++)
                add_byte(summary, (unsigned char) bytes.data[i]);
        summary->bytes += bytes.length;
}

static void take(const struct multipart *multipart, const struct multipart_event *event, struct slice input,
                 struct summary *summary) {
        switch (event->type) {
        case MULTIPART_PART:
                summary->parts++;
                require(event->name.data && lies_within(event->name, multipart->head, MULTIPART_HEAD_MAX));
                require(!event->filename.data || lies_within(event->filename, multipart->head, MULTIPART_HEAD_MAX));
                add(summary, event->name);
                add_byte(summary, 1);
                add(summary, event->filename);
                break;
        case MULTIPART_DATA:
                require(event->data.length > 0);
                require(lies_within(event->data, input.data, input.length) ||
                        lies_within(event->data, multipart->delimiter, multipart->delimiter_length));
                add(summary, event->data);
                break;
        case MULTIPART_PART_END:
                add_byte(summary, 2);
                break;
        case MULTIPART_END:
                summary->end = 1;
                break;
        }
}

static struct summary read_form(struct slice type, struct slice form, size_t size) {
        struct multipart *multipart = malloc(sizeof(*multipart));
        struct summary summary = { 0 };
        require(multipart);
        summary.end = multipart_init(multipart, type) < 0 ? -1 : 0;
        while (form.length > 0 && summary.end == 0) {
                size_t length = form.length < size ? form.length : size;
                char *piece = exact_copy(form.data, length);
                const struct slice whole = { piece, length };
                struct slice input = whole;
                struct multipart_event event;
                const char *detail = NULL;
                int r = 1;
                while (summary.end == 0 && (r = multipart_next(multipart, &input, &event, &detail)) > 0)
                        take(multipart, &event, whole, &summary);
                require(r != 0 || input.length == 0);
                if (r < 0) {
                        require(detail);
                        summary.end = -1;
                }
                free(piece);
                form = slice_from(form, length);
        }
        free(multipart);
        return summary;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        struct slice text = { (const char *) data, length };
        const char *line_feed = length ? memchr(text.data, '\n', length) : NULL;
        if (!line_feed)
                return 0;
        struct slice type = { text.data, (size_t) (line_feed - text.data) }, form = slice_from(text, type.length + 1);
        struct summary whole = read_form(type, form, SIZE_MAX);
        for (size_t size = 1; size <= 7; size += 2) {
                struct summary cut = read_form(type, form, size);
                require(cut.end == whole.end && cut.parts == whole.parts && cut.bytes == whole.bytes);
                require(cut.hash == whole.hash);
        }
        return 0;
}
