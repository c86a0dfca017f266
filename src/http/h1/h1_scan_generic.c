/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a scanner where there is none but the portable one. Built instead of h1_scan_x86.c. */
#include "http/h1/h1_scan.h"

size_t h1_scanners(const struct h1_scanner *ret_scanners[3]) {
        ret_scanners[0] = &h1_scanner_portable;
        return 1;
}

const struct h1_scanner *h1_scanner_best(void) {
        return &h1_scanner_portable;
}
