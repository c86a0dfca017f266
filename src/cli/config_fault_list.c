/* SPDX-License-Identifier: Apache-2.0 */
/* Takes apart what shared/config_fault.h and error_place have put together: "FILE:LINE:COLUMN: MESSAGE". */
#include "cli/config_fault_list.h"

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "shared/config_fault.h"

/* ":12:" -> 12, and what follows the second colon. */
static const char *take_number(const char *text, const char *end, unsigned *ret_number) {
        unsigned number = 0;
        const char *digit = text + 1;
        if (text >= end || *text != ':')
                return NULL;
        for (; digit < end && *digit >= '0' && *digit <= '9' && number < 100000000; digit++)
                number = 10 * number + (unsigned) (*digit - '0');
        if (digit == text + 1 || digit >= end || *digit != ':')
                return NULL;
        *ret_number = number;
        return digit;
}

struct place {
        struct slice file;     /* no data: there is none */
        unsigned line, column; /* 0: the file as a whole */
};

/* Returns where the message begins. */
static const char *take_place(const char *begin, const char *end, struct place *ret_place) {
        static const struct slice suffix = SLICE_LITERAL(".toml");
        for (const char *colon = begin; colon < end; colon++) {
                struct place place = { .file = { begin, (size_t) (colon - begin) } };
                const char *next = take_number(colon, end, &place.line);
                next = next ? take_number(next, end, &place.column) : NULL;
                if (!next && slice_ends_with(place.file, suffix) && !memchr(begin, ' ', place.file.length))
                        next = colon;
                if (next && end - next > 2 && next[0] == ':' && next[1] == ' ') {
                        *ret_place = place;
                        return next + 2;
                }
        }
        *ret_place = (struct place) { 0 };
        return begin;
}

static struct json_object *number_or_null(unsigned number) {
        return number > 0 ? json_object_new_int((int) number) : NULL;
}

static struct json_object *fault_object(const char *begin, const char *end) {
        struct json_object *object = json_object_new_object();
        struct place place;
        const char *message = take_place(begin, end, &place);
        json_object_object_add(object, "file", place.file.data ? output_json_slice(place.file) : NULL);
        json_object_object_add(object, "line", number_or_null(place.line));
        json_object_object_add(object, "column", number_or_null(place.column));
        json_object_object_add(object, "message",
                               output_json_slice((struct slice) { message, (size_t) (end - message) }));
        return object;
}

void config_fault_list_add(struct json_object *object, const char *text) {
        struct json_object *array = json_object_new_array();
        unsigned more = 0;
        while (*text) {
                const char *end = text + strcspn(text, "\n");
                bool is_last = *end == '\0';
                if (end > text && !(is_last && sscanf(text, CONFIG_FAULTS_MORE, &more) == 1))
                        json_object_array_add(array, fault_object(text, end));
                text = is_last ? end : end + 1;
        }
        json_object_object_add(object, "faults", array);
        json_object_object_add(object, "more_faults", json_object_new_int((int) more));
}
