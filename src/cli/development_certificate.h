/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/error.h"

/* The certificate of `ccodesctl run --https`: made once and kept, so that a browser's exception for it lasts. */
struct development_certificate {
        char *certificate, *key; /* PEM files */
        int64_t expires;         /* realtime, s */
};

/* Takes the one in ${XDG_DATA_HOME:-~/.local/share}/ccodes, or makes one there, or in `other_folder` when there is no
 * home; another one when it ends within a week. */
int development_certificate_get(const char *other_folder, struct error *error,
                                struct development_certificate *ret_certificate);
void development_certificate_done(struct development_certificate *certificate);
