/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"

/* Completion scripts for shells, made from the table of verbs when the program is built. */

/* What a value or an operand can be, as words with a space between them; "" where that cannot be listed. */
void completion_append_words(struct text *text, enum cli_words words);

/* Calls back for the first word of each group of verbs of two words: "config", "keys". */
void completion_each_group(struct text *text, void (*write)(struct text *text, const char *first));

void completion_write_bash(struct text *text);
void completion_write_zsh(struct text *text);
void completion_write_fish(struct text *text);
