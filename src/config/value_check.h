/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_table.h"

/* Checks of single values, for struct config_key's `check`: `value` is what the key's type says. */

/* CONFIG_STRING: letters, digits, '.', '_', '-'; it becomes part of unit names, descriptor names and paths in messages. */
int config_check_name(const void *value, struct error *error);

/* CONFIG_STRING: a listening address. */
int config_check_address(const void *value, struct error *error);

/* CONFIG_STRING_LIST: host names, IP addresses, or "*." and a host name. */
int config_check_hosts(const void *value, struct error *error);

/* CONFIG_STRING: fit for a header field's value (RFC 9110 section 5.5, without obs-text). */
int config_check_field_value(const void *value, struct error *error);

/* CONFIG_STRING_LIST of the same. */
int config_check_field_values(const void *value, struct error *error);

/* CONFIG_STRING: a token (RFC 9110 section 5.6.2), or empty. */
int config_check_token(const void *value, struct error *error);

/* CONFIG_STRING_LIST: each a media type, all of a type ("text/") or of a suffix ("+json"). */
int config_check_media_ranges(const void *value, struct error *error);

/* CONFIG_STRING: a path beneath a site's root: no "..", no empty segment. It may begin with '/'. */
int config_check_beneath(const void *value, struct error *error);

/* CONFIG_STRING_LIST: names of files, without '/'. */
int config_check_file_names(const void *value, struct error *error);

/* CONFIG_MAP: response fields to set; those of the connection and of the body's framing are the server's own. */
int config_check_headers(const void *value, struct error *error);

/* CONFIG_MAP: "400" to "599", each with a path beneath the root. */
int config_check_error_pages(const void *value, struct error *error);
