/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build, not installed: what the tables of the configuration say, for editors and for people. */
#include "config/config.h"
#include "shared/reference_program.h"

static void write_schema(struct text *text) {
        config_write_schema(&config_root_table, "Configuration of Container Codes", text);
}

static void write_mdoc(struct text *text) {
        config_write_reference(&config_root_table, true, text);
}

static void write_markdown(struct text *text) {
        config_write_reference(&config_root_table, false, text);
}

int main(int argc, char **argv) {
        static const struct reference_form forms[] = {
                { "schema", write_schema },
                { "mdoc", write_mdoc },
                { "markdown", write_markdown },
                { NULL, NULL },
        };
        return reference_program_main(argc, argv, forms);
}
