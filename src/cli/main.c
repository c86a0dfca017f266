/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl. The commands are in verb_table.c. */
#include "cli/cli.h"

int main(int argc, char **argv) {
        (void) argc;
        return cli_run((const char *const *) argv + 1);
}
