/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "http/h1/h1_scan.h"

/* Classifies exactly 64 bytes. */
typedef void h1_scan_block(const char *data, uint64_t *ret_control, uint64_t *ret_separator);

/* What every scanner does around its block function, which is a constant in each caller and so inlined. The rest that
 * fills no block is read as the end of the 64 bytes before it, or copied where there are fewer: never past the end. */
static inline __attribute__((always_inline)) void h1_scan_window(const char *data, size_t length,
                                                                 struct h1_masks *ret_masks, h1_scan_block *block) {
        size_t word = 0, blocks = length / 64, rest = length % 64;
        for (; word < blocks; word++)
                block(data + 64 * word, &ret_masks->control[word], &ret_masks->separator[word]);
        if (word == H1_WINDOW / 64)
                return;

        uint64_t control = 0, separator = 0;
        if (rest && blocks) {
                block(data + length - 64, &control, &separator);
                control >>= 64 - rest;
                separator >>= 64 - rest;
        } else if (rest) {
                char copy[64] = { 0 };
                memcpy(copy, data, rest);
                block(copy, &control, &separator);
        }
        ret_masks->control[word] = control | UINT64_MAX << rest;
        ret_masks->separator[word] = separator | UINT64_MAX << rest;
}
