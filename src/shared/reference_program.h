/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/text.h"

/* Programs of the build, not installed, that write what a table says. */

struct reference_form {
        const char *name; /* as the command line has it; NULL ends the list */
        void (*write)(struct text *text);
};

/*
 * The main() of such a program: `PROGRAM FORM [TEMPLATE]` writes the form to standard output. Of a template the line
 * @REFERENCE@ is replaced by it, and everything else is kept.
 */
int reference_program_main(int argc, char **argv, const struct reference_form *forms);
