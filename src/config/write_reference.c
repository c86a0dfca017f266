/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build, not installed: writes to standard output what the tables say, as "schema" (JSON Schema),
 * "mdoc" or "markdown". A template's line @REFERENCE@ is replaced by it, everything else of the template is kept. */
#include <stdio.h>

#include "config/config.h"

#define TEMPLATE_MAX ((size_t) 1024 * 1024)
#define MARK "@REFERENCE@\n"

static int append_as(const char *form, struct text *text) {
        if (strcmp(form, "schema") == 0)
                config_write_schema(&config_root_table, "Configuration of Container Codes", text);
        else if (strcmp(form, "mdoc") == 0 || strcmp(form, "markdown") == 0)
                config_write_reference(&config_root_table, strcmp(form, "mdoc") == 0, text);
        else
                return -EINVAL;
        return 0;
}

static int fill_template(const char *path, const char *form, struct text *text) {
        _cleanup_free_ char *template = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, path, TEMPLATE_MAX, &template, &length);
        if (r < 0)
                return r;
        const char *mark = strstr(template, MARK);
        if (!mark)
                return -ENODATA;
        text_append(text, (struct slice) { template, (size_t) (mark - template) });
        r = append_as(form, text);
        text_append_string(text, mark + strlen(MARK));
        return r;
}

int main(int argc, char **argv) {
        _cleanup_text_ struct text text = TEXT_INIT;
        int r = argc == 2 ? append_as(argv[1], &text) : argc == 3 ? fill_template(argv[2], argv[1], &text) : -EINVAL;
        if (r >= 0 && text.failed)
                r = -ENOMEM;
        if (r >= 0 && (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
                r = -EIO;
        if (r < 0)
                (void) fprintf(stderr, "usage: %s schema|mdoc|markdown [TEMPLATE]: %s\n", argv[0], strerror(-r));
        return r < 0;
}
