/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of sentences. A failed allocation is remembered, so that the builder looks once, at the end. */
#include "tls/tls_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tls_notes_add(struct tls_notes *notes, const char *format, ...) {
        char **items = reallocarray(notes->items, notes->count + 1, sizeof(*items));
        if (!items) {
                notes->failed = true;
                return;
        }
        notes->items = items;

        va_list arguments;
        va_start(arguments, format);
        char *text;
        if (vasprintf(&text, format, arguments) < 0)
                notes->failed = true;
        else
                items[notes->count++] = text;
        va_end(arguments);
}

void tls_notes_done(struct tls_notes *notes) {
        for (size_t i = 0; i < notes->count; i++)
                free(notes->items[i]);
        free(notes->items);
        *notes = (struct tls_notes) { 0 };
}
