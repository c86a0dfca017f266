/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/report.h"
#include "shared/error.h"

#define PASSWORD_INPUT_SIZE 512 /* ccodes-auth takes up to 511 bytes */

/*
 * A new password for the user: asked for twice, without showing it, where standard input is a terminal; else its first
 * line. Blocks. -EINVAL for none, one that is too long or no text, or two that differ. To be overwritten after use.
 */
int password_input(struct cli *cli, const char *user, struct error *error, char ret_password[PASSWORD_INPUT_SIZE]);
