/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/slice.h"

/* What a target offers to libFuzzer and to replay.c. Always returns 0; a broken property ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that has to hold. Not assert, so that it holds with NDEBUG too. */
#define require(condition)                                                                             \
        do {                                                                                           \
                if (!(condition)) {                                                                    \
                        (void) fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                       \
                }                                                                                      \
        } while (0)

/* A copy in a heap block of exactly its size, so that AddressSanitizer sees a read beyond it. */
static inline char *exact_copy(const void *data, size_t length) {
        char *copy = malloc(length ? length : 1);
        require(copy);
        if (length)
                memcpy(copy, data, length);
        return copy;
}

static inline bool lies_within(struct slice view, const void *data, size_t length) {
        const char *start = data;
        return view.data >= start && view.length <= length && view.data <= start + (length - view.length);
}
