/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Sentences for the operator that were collected while a TLS context was built; all zero is empty. */
struct tls_notes {
        char **items;
        size_t count;
        bool failed; /* an allocation failed: some are missing */
};

void tls_notes_add(struct tls_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tls_notes_done(struct tls_notes *notes);
