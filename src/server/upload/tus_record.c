/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the records of resumable uploads: a line for each value, which has none of the control characters. */
#include "server/upload/tus_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct slice heading = SLICE_LITERAL("ccodes-tus 1\nsaved ");

void tus_record_format_state(const struct tus_record *record, char ret_text[TUS_RECORD_STATE_SIZE]) {
        (void) snprintf(ret_text, TUS_RECORD_STATE_SIZE, "%020" PRIu64 "\nstate %c", record->saved,
                        record->is_complete ? 'C' : 'A');
}

void tus_record_append(struct text *text, const struct tus_record *record) {
        char state[TUS_RECORD_STATE_SIZE];
        tus_record_format_state(record, state);
        text_append(text, heading);
        text_append_string(text, state);
        text_printf(text, "\nlength %" PRIu64 "\nconcat %.*s\nname %.*s\nmetadata %.*s\nend\n", record->length,
                    SLICE_PRINTF(record->concat), SLICE_PRINTF(record->name), SLICE_PRINTF(record->metadata));
}

static int take_line(struct slice *text, struct slice key, struct slice *ret_value) {
        const char *end = text->length ? memchr(text->data, '\n', text->length) : NULL;
        if (!end || !slice_starts_with(*text, key))
                return -EBADMSG;
        struct slice line = { text->data, (size_t) (end - text->data) };
        *text = slice_from(*text, line.length + 1);
        *ret_value = slice_from(line, key.length);
        return 0;
}

/* Leading zeroes are the record's own. */
static int read_saved(struct slice digits, uint64_t *ret_saved) {
        if (digits.length != 20 || digits.data[0] != '0')
                return -EBADMSG;
        return tus_number_parse(slice_from(digits, 1), ret_saved) < 0 ? -EBADMSG : 0;
}

int tus_record_parse(struct slice text, struct tus_record *ret_record) {
        struct tus_record record = { 0 };
        struct slice saved, state, length, rest;
        if (!slice_starts_with(text, heading))
                return -EBADMSG;
        text = slice_from(text, heading.length);
        int r = take_line(&text, SLICE_LITERAL(""), &saved);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("state "), &state);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("length "), &length);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("concat "), &record.concat);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("name "), &record.name);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("metadata "), &record.metadata);
        if (r >= 0)
                r = take_line(&text, SLICE_LITERAL("end"), &rest);
        if (r >= 0)
                r = read_saved(saved, &record.saved);
        if (r < 0 || text.length > 0 || rest.length > 0 || tus_number_parse(length, &record.length) < 0 ||
            record.saved > record.length || (!slice_equal_text(state, "A") && !slice_equal_text(state, "C")))
                return -EBADMSG;
        record.is_complete = state.data[0] == 'C';
        if (record.concat.length == 0)
                record.concat = SLICE_NULL;
        if (record.metadata.length == 0)
                record.metadata = SLICE_NULL;
        *ret_record = record;
        return 0;
}
