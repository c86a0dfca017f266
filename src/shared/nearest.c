/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the name that was probably meant. Names are short: one above NAME_MAX_LENGTH is near to nothing, which
 * bounds the work and keeps the three rows of the distance on the stack. */
#include "shared/nearest.h"

#include <stddef.h>
#include <string.h>

#include "shared/syscall.h"

#define NAME_MAX_LENGTH 64
#define PREFIX_MIN_LENGTH 3

static char fold(char byte) {
        if (byte >= 'A' && byte <= 'Z')
                return (char) (byte | 0x20);
        return byte == '-' ? '_' : byte;
}

static size_t common_prefix(const char *a, const char *b) {
        size_t length = 0;
        while (a[length] && fold(a[length]) == fold(b[length]))
                length++;
        return length;
}

/* Row i of the distance's table needs rows i-1 and, for a swap, i-2. */
static unsigned alignment_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
        unsigned rows[3][NAME_MAX_LENGTH + 1];
        unsigned *before_last = rows[0], *last = rows[1], *row = rows[2];

        for (size_t j = 0; j <= b_length; j++)
                last[j] = (unsigned) j;
        for (size_t i = 1; i <= a_length; i++) {
                row[0] = (unsigned) i;
                for (size_t j = 1; j <= b_length; j++) {
                        unsigned replaced = last[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
                        unsigned inserted = MIN_OF(last[j], row[j - 1]) + 1;
                        row[j] = MIN_OF(replaced, inserted);
                        if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
                                row[j] = MIN_OF(row[j], before_last[j - 2] + 1);
                }
                unsigned *spare = before_last;
                before_last = last;
                last = row;
                row = spare;
        }
        return last[b_length];
}

unsigned nearest_distance(const char *typed, const char *candidate) {
        size_t a = strnlen(typed, NAME_MAX_LENGTH + 1), b = strnlen(candidate, NAME_MAX_LENGTH + 1);
        if (a > NAME_MAX_LENGTH || b > NAME_MAX_LENGTH || a == 0 || b == 0)
                return NEAREST_NONE;

        unsigned distance = alignment_distance(typed, a, candidate, b);
        if (distance <= MAX_OF(a, b) * 2 / 5)
                return distance;
        size_t shorter = MIN_OF(a, b);
        if (shorter >= PREFIX_MIN_LENGTH && common_prefix(typed, candidate) == shorter)
                return distance;
        return NEAREST_NONE;
}

const char *nearest_of(const char *typed, const char *const *candidates) {
        const char *best = NULL;
        unsigned best_distance = NEAREST_NONE;
        for (; *candidates; candidates++) {
                unsigned distance = nearest_distance(typed, *candidates);
                if (distance < best_distance) {
                        best_distance = distance;
                        best = *candidates;
                }
        }
        return best;
}
