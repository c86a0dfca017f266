/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "http/h1/h1_parse.h"

/*
 * Internal to the parser of heads, its tests and its benchmark: the one step that is done by vector instructions. A
 * window of bytes becomes two bitmaps, and everything else walks those.
 */
#define H1_WINDOW 256

struct h1_masks {
        uint64_t control[H1_WINDOW / 64];   /* C0, the tab among them, and DEL */
        uint64_t separator[H1_WINDOW / 64]; /* what cannot stand in a token */
};

struct h1_scanner {
        const char *name;

        /* Classifies `length` bytes, at most H1_WINDOW, and reads none beyond them. The bit at `length` is set in both
         * bitmaps (where there is one), so that a search for the next set bit ends there. */
        void (*classify)(const char *data, size_t length, struct h1_masks *ret_masks);
};

extern const struct h1_scanner h1_scanner_portable;

/* The scanners that this CPU has, the best first, the portable one last. */
size_t h1_scanners(const struct h1_scanner *ret_scanners[3]);

/* The best one. Costs a test of the CPU's features, which libgcc has read at the start of the program. */
const struct h1_scanner *h1_scanner_best(void);

/* h1_parse_request by a given scanner. */
ssize_t h1_parse_request_with(const struct h1_scanner *scanner, const char *data, size_t length,
                              const struct h1_limits *limits, size_t *scanned, struct http_fields *fields,
                              struct h1_request_head *ret_head, struct http_fault *ret_fault);
