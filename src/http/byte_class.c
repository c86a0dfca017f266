/* SPDX-License-Identifier: Apache-2.0 */
/* The table of byte classes. A byte that is not named has none: white space, the delimiters of RFC 9110 section 5.6.2,
 * and everything outside of ASCII. */
#include "http/byte_class.h"

#define TOKEN HTTP_BYTE_TOKEN
#define CONTROL HTTP_BYTE_CONTROL
#define HOST HTTP_BYTE_HOST

const uint8_t http_byte_classes[256] = {
        [0x00 ... 0x1f] = CONTROL,
        ['!'] = TOKEN,
        ['#' ... '\''] = TOKEN,
        ['*' ... '+'] = TOKEN,
        ['-' ... '.'] = TOKEN | HOST,
        ['0' ... '9'] = TOKEN | HOST,
        ['A' ... 'Z'] = TOKEN | HOST,
        ['^'] = TOKEN,
        ['_'] = TOKEN | HOST,
        ['`'] = TOKEN,
        ['a' ... 'z'] = TOKEN | HOST,
        ['|'] = TOKEN,
        ['~'] = TOKEN,
        [0x7f] = CONTROL,
};
