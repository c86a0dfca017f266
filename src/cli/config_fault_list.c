/* SPDX-License-Identifier: Apache-2.0 */
/* Takes apart what config_faults_add (shared/config_fault.h) has put together: "FILE:LINE:COLUMN: MESSAGE". */
#include "cli/config_fault_list.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

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

static struct json_object *fault_object(const char *begin, const char *end) {
        struct json_object *object = json_object_new_object();
        const char *message = begin;
        unsigned line = 0, column = 0;
        struct slice file = SLICE_NULL;
        for (const char *colon = begin; colon < end && !file.data; colon++) {
                const char *next = take_number(colon, end, &line);
                next = next ? take_number(next, end, &column) : NULL;
                if (!next || next + 1 >= end || next[1] != ' ')
                        continue;
                file = (struct slice) { begin, (size_t) (colon - begin) };
                message = next + 2;
        }
        json_object_object_add(object, "file", file.data ? output_json_slice(file) : NULL);
        json_object_object_add(object, "line", file.data ? json_object_new_int((int) line) : NULL);
        json_object_object_add(object, "column", file.data ? json_object_new_int((int) column) : NULL);
        json_object_object_add(object, "message",
                               output_json_slice((struct slice) { message, (size_t) (end - message) }));
        return object;
}

struct json_object *config_fault_list(const char *text) {
        struct json_object *array = json_object_new_array();
        while (*text) {
                const char *end = text + strcspn(text, "\n");
                if (end > text)
                        json_object_array_add(array, fault_object(text, end));
                text = *end ? end + 1 : end;
        }
        return array;
}
