/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

/*
 * Adds the text of a configuration's error, a fault a line, as the array "faults" of {"file", "line", "column", "message"},
 * and as "more_faults" how many others there are that the text only counts. What has no place has null there; a file
 * that could not be read has no line.
 */
void config_fault_list_add(struct json_object *object, const char *text);
