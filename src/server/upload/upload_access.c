/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where it is decided who may change an upload folder. */
#include "server/upload/upload_access.h"

enum cause upload_access_check(const struct upload_mount *mount, const struct http_exchange *exchange) {
        (void) exchange;
        /* There are no tokens yet: nobody has one. */
        return mount->config->access == CONFIG_UPLOAD_ANYONE ? CAUSE_NONE : CAUSE_TOKEN_REQUIRED;
}
