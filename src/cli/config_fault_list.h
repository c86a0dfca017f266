/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

/*
 * The text of a configuration's error, a fault a line, as a JSON array of {"file", "line", "column", "message"}. What
 * has no place has null there.
 */
struct json_object *config_fault_list(const char *text);
