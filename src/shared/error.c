/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the first cause of a failure and the nouns that the layers above put in front of it. A text that does not
 * fit is cut at its end, so that the place (which stands in front) stays. */
#include "shared/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...) {
        if (!error || error->code)
                return code;

        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
        error->code = code;
        return code;
}

int error_set_errno(struct error *error, int code, const char *format, ...) {
        if (!error || error->code)
                return code;

        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t) length < sizeof(error->text)) {
                char words[128];
                (void) snprintf(error->text + length, sizeof(error->text) - (size_t) length, ": %s",
                                strerror_r(-code, words, sizeof(words)));
        }
        error->code = code;
        return code;
}

/* Returns how much longer the text is, had it all its room. What would leave none is left out. */
static size_t insert(struct error *error, size_t at, const char *format, va_list arguments) {
        char words[ERROR_TEXT_MAX];
        int length = vsnprintf(words, sizeof(words), format, arguments);
        if (length < 0 || at + (size_t) length + sizeof(": ") > sizeof(error->text))
                return 0;

        size_t shift = (size_t) length + 2;
        memmove(error->text + at + shift, error->text + at, sizeof(error->text) - at - shift);
        error->text[sizeof(error->text) - 1] = '\0';
        memcpy(error->text + at, words, (size_t) length);
        memcpy(error->text + at + length, ": ", 2);
        return shift;
}

int error_prefix(struct error *error, const char *format, ...) {
        if (!error || !error->code)
                return 0;
        va_list arguments;
        va_start(arguments, format);
        (void) insert(error, error->place_length, format, arguments);
        va_end(arguments);
        return error->code;
}

void error_place(struct error *error, const char *format, ...) {
        if (!error || !error->code || error->place_length > 0)
                return;
        va_list arguments;
        va_start(arguments, format);
        error->place_length = insert(error, 0, format, arguments);
        va_end(arguments);
}
